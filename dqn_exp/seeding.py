"""One trial seed, split into independent streams by name: every random draw has an owner."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np


class Streams:
    """The random streams of one trial.

    A stream depends on the seed and on its own name alone, not on which others exist or in which
    order they are asked for.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng(self._sequence(name))

    def integer(self, name: str) -> int:
        """A seed in [0, 2**31) for something that keeps its own generator."""
        return _integer(self._sequence(name))

    def episodes(self, name: str) -> EpisodeSeeds:
        """The seeds of the episodes of environments."""
        root = self._sequence(name)

        def seed(environment: int, episode: int) -> int:
            # What a spawn key says may stand behind the seed as well, which takes half of the time
            words[-2:] = environment, episode
            return _integer(np.random.SeedSequence(words))

        words = np.array([*_words(self._seed), *root.spawn_key, 0, 0], np.uint32)
        return seed

    def _sequence(self, name: str, *indices: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self._seed, spawn_key=(zlib.crc32(name.encode()), *indices))


BLOCK = 2048
"""Numbers that are drawn at once, which lie in the nearest cache."""

EpisodeSeeds = Callable[[int, int], int]
"""The seed in [0, 2**31) of an episode, from the index of its environment and its own number, both from 0."""


def _words(seed: int) -> list[int]:
    """`seed` in words of 32 bits, the lowest first, as a SeedSequence with a spawn key begins: 4 or more."""
    count = max(4, -(-seed.bit_length() // 32))
    return [seed >> 32 * place & 0xFFFFFFFF for place in range(count)]


def _integer(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1)[0] >> 1)


class Uniforms:
    """The numbers in [0, 1) that `generator.random` gives, drawn in blocks: in less than half of the time."""

    def __init__(self, generator: np.random.Generator) -> None:
        """`generator` has a PCG64, as those of `Streams`, and nobody else draws from it."""
        self._generator = generator
        self._block, self._given = np.empty(0), 0

    def draw(self) -> float:
        if self._given == len(self._block):
            self._refill(1)
        self._given += 1
        return self._block.item(self._given - 1)

    def take(self, count: int) -> np.ndarray:
        """The next `count` numbers, which are not to be written to: float64[count]."""
        if self._given + count > len(self._block):
            self._refill(count)
        self._given += count
        return self._block[self._given - count : self._given]

    def state(self) -> dict[str, Any]:
        """That of a generator which has drawn what was asked for, and no more."""
        self._return()
        return generator_state(self._generator)

    def load_state(self, state: dict[str, Any]) -> None:
        load_generator_state(self._generator, state)
        self._block, self._given = np.empty(0), 0

    def _refill(self, count: int) -> None:
        self._return()
        self._block = self._generator.random(max(count, BLOCK))

    def _return(self) -> None:
        """Let the generator stand where it would without what was drawn and not given."""
        ahead = len(self._block) - self._given
        if ahead:
            self._generator.bit_generator.advance(-ahead)  # type: ignore[attr-defined]
        self._block, self._given = np.empty(0), 0


def generator_state(generator: np.random.Generator) -> dict[str, Any]:
    """The state of `generator` as plain JSON values."""
    return dict(generator.bit_generator.state)


def load_generator_state(generator: np.random.Generator, state: dict[str, Any]) -> None:
    generator.bit_generator.state = state
