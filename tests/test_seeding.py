from __future__ import annotations

import json
import random
import zlib

import numpy as np

from dqn_exp.seeding import Streams, Uniforms, generator_state, load_generator_state

NAMES = ("environment", "evaluation", "network", "replay", "exploration")


def draws(streams: Streams, name: str) -> list[float]:
    return streams.generator(name).random(5).tolist()


def test_a_stream_depends_on_its_seed_and_name_alone() -> None:
    forwards = Streams(7)
    first = {name: draws(forwards, name) for name in NAMES}
    backwards = Streams(7)
    assert {name: draws(backwards, name) for name in reversed(NAMES)} == first
    assert draws(Streams(7), "replay") == first["replay"]


def test_streams_differ_between_names_and_between_seeds() -> None:
    """Seed 0 is a seed like any other, and large ones are not cut."""
    seeds = (0, 1, 2, 2**31, 2**32, 2**32 + 1, 2**64)
    seen = [tuple(draws(Streams(seed), name)) for seed in seeds for name in NAMES]
    assert len(set(seen)) == len(seeds) * len(NAMES)
    integers = [Streams(seed).integer(name) for seed in seeds for name in NAMES]
    assert len(set(integers)) == len(integers)
    assert all(0 <= integer < 2**31 for integer in integers)


def test_seeds_of_episodes_are_those_of_spawned_sequences() -> None:
    """NumPy's own way to tell them apart, for seeds of any size."""
    for seed in (0, 3, 2**32 - 1, 2**32, 2**70, 2**128, 2**160 + 1):
        seeds = Streams(seed).episodes("environment")
        for environment, episode in ((0, 0), (0, 1), (5, 0), (5, 70_000)):
            key = (zlib.crc32(b"environment"), environment, episode)
            spawned = np.random.SeedSequence(seed, spawn_key=key).generate_state(1)
            assert seeds(environment, episode) == spawned[0] >> 1


def test_global_generators_are_neither_read_nor_moved() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = draws(Streams(3), "replay"), Streams(3).integer("network")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert (draws(Streams(3), "replay"), Streams(3).integer("network")) == first


def test_generator_state_round_trip_through_json() -> None:
    generator, other = Streams(1).generator("a"), Streams(2).generator("b")
    generator.integers(10, size=3)  # leaves half a 64-bit draw behind
    load_generator_state(other, json.loads(json.dumps(generator_state(generator))))
    assert generator.integers(10, size=20).tolist() == other.integers(10, size=20).tolist()
    assert generator.random(5).tolist() == other.random(5).tolist()


def test_uniforms_are_those_of_the_generator_and_leave_its_state() -> None:
    """Also over the ends of blocks, where nothing was drawn, and where the state is loaded again."""
    uniforms, generator = Uniforms(np.random.default_rng(3)), np.random.default_rng(3)
    for count in (0, 1, 7, 255, 256, 257, 1000):
        saved = uniforms.state()
        assert saved == generator_state(generator)
        first = [uniforms.draw() for _ in range(count)]
        assert first == [generator.random() for _ in range(count)]
        uniforms.load_state(saved)
        assert [uniforms.draw() for _ in range(count)] == first


def test_uniforms_are_taken_by_many_as_by_one() -> None:
    uniforms, generator = Uniforms(np.random.default_rng(3)), np.random.default_rng(3)
    for count in (1, 0, 300, 2000, 5000, 1, 256):
        assert uniforms.take(count).tolist() == generator.random(count).tolist()
        assert uniforms.draw() == generator.random()
    assert uniforms.state() == generator_state(generator)


def test_integers_are_floors_of_the_uniforms_whatever_was_drawn_before() -> None:
    """Also where a block ends, where the limit changes, and where the state is loaded again."""
    drawn, generator = Uniforms(np.random.default_rng(5)), np.random.default_rng(5)
    draw = random.Random(0)
    below = 1
    for step in range(2000):
        below = draw.choice([below, below, below, 1, 2, 1000, 10**6])
        count = draw.choice([0, 1, 20, 300])
        expected = np.floor(generator.random(count) * below)
        assert drawn.integers(count, below).tolist() == expected.tolist()
        if step % 7 == 0:
            assert drawn.draw() == generator.random()
        if step % 50 == 0:
            saved = drawn.state()
            assert saved == generator_state(generator)
            drawn.load_state(saved)
