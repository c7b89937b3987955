"""Observations with an action mask, which says which actions are allowed: the vector, then the mask.

So the mask goes wherever the observation goes: to the agent, into the replay buffer and to the network.
Observations of environments without masks stay as they are.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

MASK = "action_mask"
"""The key of the mask in the info of `reset` and `step`: one number for each action, 0 or 1."""


class MaskedBox(spaces.Box):
    """float32[D + A]: an observation of D numbers, then the mask of A actions: 1 allowed, 0 not allowed."""

    def __init__(self, observations: spaces.Box, n_actions: int) -> None:
        low = np.concatenate([observations.low, np.zeros(n_actions, np.float32)])
        high = np.concatenate([observations.high, np.ones(n_actions, np.float32)])
        super().__init__(low, high, dtype=np.float32)
        self.observations, self.n_actions = observations, n_actions


def allowed_actions(row: np.ndarray, n_actions: int) -> np.ndarray:
    """int64[K]: the K actions that a row [D + A] of a `MaskedBox` allows."""
    return np.flatnonzero(row[-n_actions:])
