"""A replay that stores each frame once gives the same samples as a replay of whole observations."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation

from dqn_exp.envs import Step, VectorEnvironment
from dqn_exp.envs.environment import Environment
from dqn_exp.images import ImageBox
from dqn_exp.replay import Replay, build_replay, bytes_per_transition
from dqn_exp.replay import frames as frames_module
from dqn_exp.replay.ring import UniformReplay
from tests.helpers import make_config, one_step

FRAME = (2, 5, 4)


class Noise(gymnasium.Env[np.ndarray, int]):
    """Images of noise, few of them so that some come again, in episodes of 1 to 9 steps."""

    observation_space = spaces.Box(0, 255, FRAME, np.uint8)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = int(self.np_random.integers(1, 10))
        return self._frame(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._left -= 1
        is_over, is_cut = self._left == 0, bool(self.np_random.random() < 0.05)
        return self._frame(), float(self.np_random.normal()), is_over, is_cut, {}

    def _frame(self) -> np.ndarray:
        return np.full(FRAME, self.np_random.integers(200), np.uint8)


def environments(count: int, stack: int, padding: str) -> VectorEnvironment:
    copies = [
        Environment(
            Noise() if stack == 1 else FrameStackObservation(Noise(), stack, padding_type=padding),
            float("inf"),
            images=True,
        )
        for _ in range(count)
    ]
    return VectorEnvironment(copies, lambda environment, episode: 1000 * environment + episode)


def steps(env: VectorEnvironment, count: int) -> Iterator[Step]:
    rng = np.random.default_rng(1)
    for _ in range(count):
        env.observe()
        yield env.step(rng.integers(3, size=len(env)))


def pair(env: VectorEnvironment, **settings: Any) -> tuple[Replay, Replay]:
    """A replay that stores frames once, and one of whole observations, with the same random stream."""
    config = make_config(batch=8, **settings).replay
    plain = spaces.Box(0, 255, env.observation_space.shape, np.uint8)
    once, whole = (
        build_replay(config, space, len(env), 0.9, np.random.default_rng(3))
        for space in (env.observation_space, plain)
    )
    return once, whole


def assert_same(once: Replay, whole: Replay) -> None:
    mine, theirs = once.sample(), whole.sample()
    np.testing.assert_array_equal(mine.indices, theirs.indices)
    for column, expected in zip(once.transitions, whole.transitions, strict=True):
        taken = column.take(mine.indices, axis=0)
        np.testing.assert_array_equal(taken, expected.take(mine.indices, axis=0))
        assert taken.dtype == expected.dtype
    errors = np.linspace(-1, 2, len(mine.indices))
    once.learned(mine, errors)
    whole.learned(theirs, errors)


@pytest.mark.parametrize("capacity", [8, 31])
@pytest.mark.parametrize(("stack", "padding"), [(1, ""), (4, "reset"), (4, "zero")])
@pytest.mark.parametrize("settings", [{}, {"replay__n_step": 3}, {"replay": "prioritised"}], ids=str)
@pytest.mark.parametrize("count", [1, 3])
def test_batches_are_those_of_whole_observations(
    capacity: int, stack: int, padding: str, settings: dict[str, Any], count: int
) -> None:
    """Random episodes go around the ring several times; half way both go on from their saved state."""
    env = environments(count, stack, padding)
    once, whole = pair(env, buffer=capacity, **settings)
    for number, step in enumerate(steps(env, 100)):
        once.add(step)
        whole.add(step)
        if number == 50:
            saved = copy.deepcopy((once.state(), whole.state()))
            once, whole = pair(env, buffer=capacity, **settings)
            once.load_state(saved[0])
            whole.load_state(saved[1])
        if len(whole) >= 8 and number % 3 == 0:
            assert_same(once, whole)


def frames_held(replay: Replay) -> int:
    assert isinstance(replay, UniformReplay)
    store = replay._rows._store  # type: ignore[attr-defined]
    return int(np.count_nonzero(store._references))


def counted(number: int) -> np.ndarray:
    """A frame that no other number has."""
    return np.frombuffer(number.to_bytes(8, "little"), np.uint8).reshape(1, 2, 4)


def test_a_restored_store_forgets_what_it_held() -> None:
    store, other = (frames_module.FrameStore((1, 2, 4), 10) for _ in range(2))
    number = store.add_reference(counted(1))
    other.add_reference(counted(2))
    other.load_state(store.state(), np.array([number]))
    held = [other.add_reference(counted(n)) for n in (1, 2)]
    np.testing.assert_array_equal(other.take(np.array(held)), [counted(1), counted(2)])


@pytest.mark.parametrize("stack", [1, 4])
def test_each_frame_is_stored_once_and_let_go_with_its_rows(
    stack: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Episodes of 10 steps show 11 frames; whoever holds 100 rows holds those of ten episodes, and a few
    older ones that are still in a stack or known again."""
    monkeypatch.setattr(frames_module, "REMEMBERED", 20)
    space = ImageBox((1, 2, 4), stack, 255)
    replay = build_replay(make_config(buffer=100, batch=4).replay, space, 1, 0.9, np.random.default_rng(0))
    number = 0
    for _ in range(60):
        shown = [counted(number)] * stack
        for k in range(10):
            number += 1
            after = [*shown[1:], counted(number)]
            here, there = (np.concatenate(frames) for frames in (shown, after))
            replay.add(one_step(here, 0, 0.0, there, terminated=k == 9))
            shown = after
        number += 1
    assert 110 <= frames_held(replay) <= 110 + 20
    assert len(replay.state()["transitions"]["frames"]) <= 110 + 20 + stack


def test_short_episodes_get_the_room_they_need() -> None:
    """Episodes of one step show two frames each: more than there is room for at first."""
    space = ImageBox((1, 2, 4), 1, 255)
    capacity = 4 * frames_module.REMEMBERED
    config = make_config(buffer=capacity, batch=4).replay
    replay = build_replay(config, space, 1, 0.9, np.random.default_rng(0))
    for k in range(capacity):
        replay.add(one_step(counted(2 * k), 0, 0.0, counted(2 * k + 1), terminated=True))
    everything = np.arange(capacity)
    seen = replay.transitions.next_observation.take(everything, axis=0)
    np.testing.assert_array_equal(seen, [counted(2 * k + 1) for k in range(capacity)])


@pytest.mark.parametrize(
    ("images", "most"),
    [(ImageBox((1, 84, 84), 4, 255), 7.5e9), (ImageBox((10, 10, 10), 1, 1), 1.2e9)],
    ids=["Atari", "MinAtar"],
)
def test_what_a_million_transitions_take(images: ImageBox, most: float) -> None:
    config = make_config(buffer="1M").replay
    room = 1.01  # frames of the ends of episodes of 100 steps
    assert 0.8 * most < bytes_per_transition(config, images) * 1e6 * room < most
