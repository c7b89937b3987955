"""Make environments reproducible that do not draw from their own seeded generator alone.

Some environments draw from Python's `random` or from `np.random`, which the whole process shares. Others do
not seed their own generator at a reset. Without this module, their episodes would depend on what ran before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding

WATCHED_RESETS = 2
"""Up to and including this reset, every call is checked for draws from the shared generators.

A check takes a tenth of a millisecond.
"""

KEEP_TO_THEIR_OWN = ("gymnasium.envs.", "gymnasium.wrappers.", "dqn_exp.")
"""Modules whose environments and wrappers are known to draw from their own generator alone."""

States = tuple[Any, Any]


class SharedGenerators:
    """Gives one environment its own states of `random` and `np.random`, seeded with each episode.

    As long as `needed`, each call of the environment goes through `call`. It sets the environment's own
    states, calls the environment, and restores the states of the rest of the process.
    """

    def __init__(self, layers: Iterable[object]) -> None:
        """`layers`: the environment and its wrappers. Those known to keep to their own are not watched."""
        is_known = all(type(layer).__module__.startswith(KEEP_TO_THEIR_OWN) for layer in layers)
        self._own: States = _states()
        self._left_to_watch = 0 if is_known else WATCHED_RESETS
        self._are_drawn_from = False

    @property
    def needed(self) -> bool:
        """Whether the environment has drawn from the shared generators, or this is not known yet."""
        return self._are_drawn_from or self._left_to_watch > 0

    def begin(self, seed: int) -> None:
        """Seed the states for a new episode; to be called before its reset."""
        others = _states()
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - it is the legacy one that is shared
        self._own = _states()
        _set(others)

    def has_begun(self) -> None:
        """Count a finished reset."""
        self._left_to_watch = max(0, self._left_to_watch - 1)

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        others, own = _states(), self._own
        _set(own)
        try:
            return function(*arguments, **options)
        finally:
            self._own = _states()
            self._are_drawn_from |= not _same(own, self._own)
            _set(others)


def forgets_its_seed(env: gymnasium.Env[Any, Any], seed: int) -> bool:
    """Whether the environment did not seed its own generator in a reset with `seed`."""
    return bool(getattr(env.unwrapped, "np_random_seed", seed) != seed)


def seed_generator(env: gymnasium.Env[Any, Any], seed: int) -> None:
    """Seed the environment's own generator, as its reset should have done."""
    env.unwrapped.np_random = seeding.np_random(seed)[0]


def _states() -> States:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _set(states: States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


def _same(first: States, second: States) -> bool:
    (_, keys, position, *_), (_, other_keys, other_position, *_) = first[1], second[1]
    return first[0] == second[0] and position == other_position and bool(np.array_equal(keys, other_keys))
