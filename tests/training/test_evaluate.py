from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import VectorEnvironment, make_environments
from dqn_exp.envs.environment import Environment
from dqn_exp.seeding import Streams
from dqn_exp.training.evaluate import Score, evaluate
from dqn_exp.training.run import build_run
from tests.helpers import dqn, make_config, run, same_bits, weights

SEEDS = Streams(0).episodes("environment")


def first(observations: np.ndarray) -> np.ndarray:
    """The first action in each environment."""
    return np.zeros(len(observations), np.int64)


def test_score_by_hand() -> None:
    score = Score([1.0, 2.0, 6.0], {})
    assert score.mean == 3
    assert score.std == pytest.approx(np.sqrt((4 + 1 + 9) / 3))


def test_returns_are_undiscounted_sums_of_whole_episodes() -> None:
    """The chain pays 1 on each of its three steps; a time limit of 2 cuts it short."""
    chain = make_environments(EnvConfig(id="probe/ChainOfThree-v0"), SEEDS)
    assert evaluate(chain, first, 4).returns == [3, 3, 3, 3]
    short = make_environments(EnvConfig(id="probe/ChainOfThree-v0", max_episode_steps=2), SEEDS)
    assert evaluate(short, first, 2).returns == [2, 2]


def test_the_policy_gets_each_observation_and_its_action_counts() -> None:
    env = make_environments(EnvConfig(id="probe/RewardByBoth-v0"), SEEDS)
    assert evaluate(env, lambda states: states.argmax(axis=1), 10).returns == [1] * 10
    assert evaluate(env, lambda states: 1 - states.argmax(axis=1), 10).returns == [-1] * 10


def test_measures_are_means_over_episodes() -> None:
    class CountEpisodes(gymnasium.Wrapper):  # type: ignore[type-arg]
        measure_names = ("episode_number",)
        number = 0

        def reset(self, **options: object) -> object:
            self.number += 1
            return self.env.reset(**options)

        def measures(self) -> dict[str, float]:
            return {"episode_number": self.number}

    counted = Environment(CountEpisodes(gymnasium.make("probe/ChainOfThree-v0")), float("inf"))
    env = VectorEnvironment([counted], SEEDS)
    assert evaluate(env, first, 5).measures == {"episode_number": 3}


def test_evaluating_ten_times_as_often_changes_nothing(learner: str) -> None:
    """The trained weights, the replay and the exploration end up the same to the bit."""
    settings = {"learner": learner, "batch": 32, "buffer": 2000, "budget__env_steps": 600}
    often, seldom = (
        run(make_config(**settings, evaluation__every_steps=every, evaluation__episodes=3))[0]
        for every in (20, 200)
    )
    assert same_bits(weights(often, ""), weights(seldom, ""))
    np.testing.assert_equal(often.agent.state()["replay"], seldom.agent.state()["replay"])
    np.testing.assert_equal(often.agent.state()["exploration"], seldom.agent.state()["exploration"])
    np.testing.assert_equal(often.env.state(), seldom.env.state())
    assert often.evaluation_env.state()["begun"] != seldom.evaluation_env.state()["begun"]


def test_greedy_episodes_do_not_explore(learner: str) -> None:
    """In an environment without chance every greedy episode is the same, whatever epsilon says."""
    settings = {"learner": learner, "env": "gymnasium", "env__id": "FrozenLake-v1"}
    settings |= {"exploration": "constant", "exploration__epsilon": 1.0}
    trial = build_run(make_config(**settings, env__kwargs__is_slippery=False, env__max_episode_steps=20))
    before = dqn(trial).exploration.state()
    visited: list[bytes] = []

    def greedy(observations: np.ndarray) -> np.ndarray:
        visited.append(observations.tobytes())
        return trial.agent.greedy(observations)

    for _ in range(4):
        evaluate(trial.evaluation_env, greedy, 1)
    assert visited == visited[: len(visited) // 4] * 4
    trial.evaluate(4)
    assert dqn(trial).exploration.state() == before
