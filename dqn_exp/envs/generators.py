"""Random numbers that an environment draws from elsewhere than the generator it is given.

Some environments draw from Python's `random` or from `np.random`, which all of a process share, and some
forget to seed their own generator. Their episodes would depend on what else has run.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding

WATCHED_RESETS = 2
"""Until the second reset it is looked at every step whether an environment draws from the shared generators.

Looking takes a tenth of a millisecond.
"""

States = tuple[Any, Any]


class SharedGenerators:
    """`random` and `np.random` as one environment sees them: seeded with each episode, and its own.

    Whatever the environment does is done inside `call`, which gives it its states and afterwards restores
    those of everyone else, as long as `needed`.
    """

    def __init__(self) -> None:
        self._own: States = _states()
        self._left_to_watch = WATCHED_RESETS
        self._are_drawn_from = False

    @property
    def needed(self) -> bool:
        """Has the environment drawn from them, or is that not known yet?"""
        return self._are_drawn_from or self._left_to_watch > 0

    def begin(self, seed: int) -> None:
        """A new episode begins; to be called before its reset."""
        others = _states()
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - it is the legacy one that is shared
        self._own = _states()
        _set(others)

    def has_begun(self) -> None:
        """The reset of an episode is over; one less to watch."""
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
    """Has a reset with `seed` left the environment's own generator without it?"""
    return bool(getattr(env.unwrapped, "np_random_seed", seed) != seed)


def seed_generator(env: gymnasium.Env[Any, Any], seed: int) -> None:
    """What the environment's own reset should have done."""
    env.unwrapped.np_random = seeding.np_random(seed)[0]


def _states() -> States:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _set(states: States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


def _same(first: States, second: States) -> bool:
    (_, keys, position, *_), (_, other_keys, other_position, *_) = first[1], second[1]
    return first[0] == second[0] and position == other_position and bool(np.array_equal(keys, other_keys))
