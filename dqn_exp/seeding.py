"""Split the seed of a trial into independent named random streams. Each random draw belongs to one stream."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np


class Streams:
    """The random streams of one trial.

    A stream depends only on the seed and on its own name. It does not depend on which other streams exist
    or on the order in which they are created.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng(self._sequence(name))

    def integer(self, name: str) -> int:
        """A seed in [0, 2**31) for a component that has its own generator."""
        return _integer(self._sequence(name))

    def episodes(self, name: str) -> EpisodeSeeds:
        """The function that gives each episode of each environment its seed."""
        root = self._sequence(name)
        assert isinstance(root.entropy, int)

        def seed(environment: int, episode: int) -> int:
            # The same as spawn_key=(*root.spawn_key, environment, episode), in half of the time
            words[-2:] = environment, episode
            return _integer(np.random.SeedSequence(words))

        words = np.array([*_words(root.entropy), *root.spawn_key, 0, 0], np.uint32)
        return seed

    def _sequence(self, name: str) -> np.random.SeedSequence:
        return np.random.SeedSequence(self._seed, spawn_key=(zlib.crc32(name.encode()),))


BLOCK = 2048
"""Numbers that are drawn at once: few enough for the processor's first cache."""

EpisodeSeeds = Callable[[int, int], int]
"""(index of the environment, number of the episode), both from 0 -> the seed of the episode in [0, 2**31)."""


def _words(seed: int) -> list[int]:
    """`seed` in at least 4 words of 32 bits, lowest first, as a SeedSequence with a spawn key arranges it."""
    count = max(4, -(-seed.bit_length() // 32))
    return [seed >> 32 * place & 0xFFFFFFFF for place in range(count)]


def _integer(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1)[0] >> 1)


class Uniforms:
    """The same numbers in [0, 1) as `generator.random`, drawn in blocks, in less than half of the time."""

    def __init__(self, generator: np.random.Generator) -> None:
        """`generator` must use PCG64, as those of `Streams` do, and nothing else may draw from it."""
        self._generator = generator
        self._block, self._given = np.empty(0), 0
        self._below = 0
        self._floors: np.ndarray | None = None

    def draw(self) -> float:
        if self._given == len(self._block):
            self._refill(1)
        self._given += 1
        return self._block.item(self._given - 1)

    def take(self, count: int) -> np.ndarray:
        """The next `count` numbers, float64[count]. The caller must not write to them."""
        if self._given + count > len(self._block):
            self._refill(count)
        self._given += count
        return self._block[self._given - count : self._given]

    def integers(self, count: int, below: int) -> np.ndarray:
        """Floors of `below` times the next `count` numbers, int64[count]. The caller must not write to them.

        They are as even as those of `generator.integers`, which takes four times as long. If `below` stays
        the same, a whole block is computed at once.
        """
        numbers = self.take(count)
        if below != self._below:
            self._below, self._floors = below, None
            return (numbers * float(below)).astype(np.int64)
        if self._floors is None:
            self._floors = (self._block * float(below)).astype(np.int64)
        return self._floors[self._given - count : self._given]

    def state(self) -> dict[str, Any]:
        """The state of a generator that has drawn exactly the numbers handed out so far."""
        self._return()
        return generator_state(self._generator)

    def load_state(self, state: dict[str, Any]) -> None:
        load_generator_state(self._generator, state)
        self._block, self._given = np.empty(0), 0

    def _refill(self, count: int) -> None:
        self._return()
        self._block = self._generator.random(max(count, BLOCK))

    def _return(self) -> None:
        """Set the generator back by the numbers that were drawn and not handed out."""
        ahead = len(self._block) - self._given
        if ahead:
            self._generator.bit_generator.advance(-ahead)  # type: ignore[attr-defined]
        self._block, self._given, self._floors = np.empty(0), 0, None


def generator_state(generator: np.random.Generator) -> dict[str, Any]:
    """The state of `generator` as plain JSON values."""
    return dict(generator.bit_generator.state)


def load_generator_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    generator.bit_generator.state = state
