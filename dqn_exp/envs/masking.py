"""A wrapper that appends the action mask from an environment's info to the observation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dqn_exp.envs.faults import EnvironmentFault
from dqn_exp.masks import MASK, MaskedBox


class MaskBehindObservation(gymnasium.Wrapper[np.ndarray, Any, Any, Any]):
    """Observations float32[D + A]: the D numbers that `encode` returns, then the mask of A actions.

    If the last state of an episode has no mask, or a mask that allows no action, all ones are used: a
    maximum over no actions would be undefined.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        encode: Callable[[Any], np.ndarray],
        observations: spaces.Box,
        name: str,
    ) -> None:
        super().__init__(env)
        self._encode, self._name = encode, name
        self._n = int(env.action_space.n)  # type: ignore[attr-defined]
        self.observation_space = MaskedBox(observations, self._n)

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        return self._with_mask("reset", observation, info, is_over=False), info

    def step(self, action: Any) -> tuple[np.ndarray, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        row = self._with_mask("step", observation, info, terminated or truncated)
        return row, reward, terminated, truncated, info

    def _with_mask(self, call: str, observation: Any, info: dict[str, Any], is_over: bool) -> np.ndarray:
        mask = np.asarray(info.get(MASK, np.ones(self._n) if is_over else None))
        if mask.shape != (self._n,) or not np.isin(mask, (0, 1)).all():
            returned = "no mask" if MASK not in info else repr(info[MASK])
            raise EnvironmentFault(
                f"{self._name}: its {call} returned {returned}; expected info[{MASK!r}] of {self._n} "
                f"zeros and ones, as at its first reset"
            )
        if not mask.any():
            if not is_over:
                raise EnvironmentFault(f"{self._name}: its {call} returned a mask that allows no action")
            mask = np.ones(self._n)
        return np.concatenate([self._encode(observation), mask], dtype=np.float32, casting="unsafe")
