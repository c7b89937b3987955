"""Observations that say which actions are allowed: a row of numbers with the mask of the actions behind it.

So a mask goes wherever its observation goes (to the agent, into the replay, to the network), and nothing
is added where an environment has none.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

MASK = "action_mask"
"""What environments call it in the info of their resets and steps: one number for each action, 0 or 1."""


class MaskedBox(spaces.Box):
    """float32[D + A]: an observation of D numbers and, of A actions, 1 for the allowed and 0 for others."""

    def __init__(self, observations: spaces.Box, n_actions: int) -> None:
        low = np.concatenate([observations.low, np.zeros(n_actions, np.float32)])
        high = np.concatenate([observations.high, np.ones(n_actions, np.float32)])
        super().__init__(low, high, dtype=np.float32)
        self.observations, self.n_actions = observations, n_actions


def allowed_actions(row: np.ndarray, n_actions: int) -> np.ndarray:
    """int64[K]: the K actions that a row [D + A] of a `MaskedBox` allows."""
    return np.flatnonzero(row[-n_actions:])
