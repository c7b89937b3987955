"""Several environments side by side: their episodes, their seeds, and how their state is restored."""

from __future__ import annotations

import copy
import logging
from typing import Any

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import Episode, VectorEnvironment, make_environments, play, play_episodes
from dqn_exp.envs.environment import Environment, make_environment
from dqn_exp.seeding import Streams

SEEDS = Streams(7).episodes("environment")
NOISY = {"observation_noise": {"std": 0.1}, "action_noise": {"probability": 0.3}}


def make(environment_id: str = "CartPole-v1", count: int = 1, **fields: Any) -> VectorEnvironment:
    return make_environments(EnvConfig(id=environment_id, parallel=count, **fields), SEEDS)


def policy(observations: np.ndarray) -> np.ndarray:
    """Some function of what is observed that keeps both actions in use."""
    return (np.abs(observations * 1e4).astype(np.int64).sum(axis=1) % 2).astype(np.int64)


def steps(env: VectorEnvironment, count: int) -> list[Any]:
    """All that `count` steps show, as plain values."""
    seen: list[Any] = []
    for step in play(env, policy, lambda: len(seen) >= count):
        rows = (step.observation, step.next_observation, step.action)
        flags = (step.terminated, step.truncated, step.ended)
        seen.append([*(row.tolist() for row in rows), step.reward, *flags])
    return seen


def test_each_copy_plays_the_episodes_of_its_own_seeds() -> None:
    """Number k of environment n is the episode that a lone environment has from that seed."""
    env, lone = make(count=3), make_environment(EnvConfig(id="CartPole-v1"))
    begun, over = [0, 0, 0], {0, 1, 2}
    while sum(begun) < 12:
        observations = env.observe()
        for index in over:
            np.testing.assert_array_equal(observations[index], lone.reset(SEEDS(index, begun[index])))
            begun[index] += 1
        over = {episode.environment for episode in env.step(policy(observations)).ended}


def test_one_of_many_lives_as_it_would_alone() -> None:
    alone, many = steps(make(), 80), steps(make(count=4), 80)
    for one, all_of_them in zip(alone, many, strict=True):
        assert [part[0] for part in one[:6]] == [part[0] for part in all_of_them[:6]]


def test_an_ended_episode_is_told_with_its_return_and_length() -> None:
    env, total, length = make("probe/ChainOfThree-v0"), 0.0, 0
    ended: list[Episode] = []
    while len(ended) < 3:
        env.observe()
        step = env.step(np.array([0]))
        total, length = total + step.reward[0], length + 1
        ended += step.ended
    assert [tuple(episode) for episode in ended] == [(0, 3.0, 3, {})] * 3
    assert (total, length) == (9.0, 9)


def test_the_last_observation_of_an_episode_is_not_the_first_of_the_next() -> None:
    env = make(max_episode_steps=5)
    lasts = [s[1] for s in steps(env, 5)]
    assert lasts[-1] != env.observe().tolist()


@pytest.mark.parametrize("episodes", [0, 1, 4])
def test_episodes_are_played_until_enough_have_ended(episodes: int) -> None:
    ended = [len(step.ended) for step in play_episodes(make(count=3), policy, episodes)]
    assert sum(ended) >= episodes
    assert sum(ended[:-1]) < max(episodes, 1)
    assert bool(ended) == (episodes > 0)


def test_play_asks_before_each_step() -> None:
    env = make()
    assert list(play(env, policy, lambda: True)) == []


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("cut", [1, 7, 23, 24, 60])
@pytest.mark.parametrize(
    ("environment_id", "fields"),
    [
        ("CartPole-v1", {}),
        ("CartPole-v1", {"wrappers": NOISY}),
        ("CartPole-v1", {"max_episode_steps": 8}),
        ("LunarLander-v3", {"max_episode_steps": 30}),
        ("FrozenLake-v1", {}),
        ("probe/RandomMDP-v0", {}),
    ],
)
def test_a_state_in_the_middle_of_an_episode_goes_on_to_the_same_bits(
    environment_id: str, fields: dict[str, Any], cut: int, count: int
) -> None:
    env, rebuilt = (make(environment_id, count, **fields) for _ in range(2))
    steps(env, cut)
    state = copy.deepcopy(env.state())
    steps(rebuilt, 5)  # whatever was done before is forgotten
    assert rebuilt.load_state(state)
    np.testing.assert_equal(rebuilt.state(), state)
    assert steps(rebuilt, 50) == steps(env, 50)


class Curriculum(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Each episode starts a little further away: remembered across episodes, unknown to any seed."""

    number = 0

    def reset(self, **options: Any) -> Any:
        self.number += 1
        observation, info = self.env.reset(**options)
        return observation + np.float32(self.number), info

    def step(self, action: Any) -> Any:
        observation, *rest = self.env.step(action)
        return observation + np.float32(self.number), *rest


class KeptCurriculum(Curriculum):
    def state(self) -> int:
        return self.number

    def load_state(self, state: int) -> None:
        self.number = state


def with_wrapper(wrapper: type[Curriculum]) -> VectorEnvironment:
    return VectorEnvironment([Environment(wrapper(gymnasium.make("CartPole-v1")), 500)], SEEDS)


@pytest.mark.parametrize("cut", [3, 100])
def test_what_a_wrapper_remembers_across_episodes_is_kept_where_it_says_it(cut: int) -> None:
    env, rebuilt = with_wrapper(KeptCurriculum), with_wrapper(KeptCurriculum)
    steps(env, cut)
    assert rebuilt.load_state(copy.deepcopy(env.state()))
    assert steps(rebuilt, 50) == steps(env, 50)


def test_a_wrapper_that_cannot_say_it_is_named_and_a_new_episode_begins(
    caplog: pytest.LogCaptureFixture,
) -> None:
    env, rebuilt = with_wrapper(Curriculum), with_wrapper(Curriculum)
    steps(env, 100)
    begun = env.state()["begun"][0]
    with caplog.at_level(logging.WARNING):
        assert not rebuilt.load_state(copy.deepcopy(env.state()))
    assert "does not continue exactly" in caplog.text
    assert "Curriculum" in caplog.text
    rebuilt.observe()
    assert rebuilt.state()["begun"][0] == begun + 1


def test_an_environment_that_draws_from_elsewhere_is_inexact() -> None:
    """An episode of which another run is longer or shorter, or shows something else."""

    class Stray(gymnasium.ObservationWrapper):  # type: ignore[type-arg]
        draw = np.random.default_rng(0)

        def observation(self, observation: Any) -> Any:
            return observation + np.float32(self.draw.random())

    made = [VectorEnvironment([Environment(Stray(gymnasium.make("CartPole-v1")), 500)], SEEDS) for _ in "ab"]
    steps(made[0], 10)
    assert not made[1].load_state(copy.deepcopy(made[0].state()))
