from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import Environment, make_environment
from dqn_exp.training.evaluate import Score, evaluate
from dqn_exp.training.run import Trial
from tests.helpers import make_config, run, same_bits, weights


def test_score_by_hand() -> None:
    score = Score([1.0, 2.0, 6.0], {})
    assert score.mean == 3
    assert score.std == pytest.approx(np.sqrt((4 + 1 + 9) / 3))


def test_returns_are_undiscounted_sums_of_whole_episodes() -> None:
    """The chain pays 1 on each of its three steps; a time limit of 2 cuts it short."""
    chain = make_environment(EnvConfig(id="probe/ChainOfThree-v0"), 0)
    assert evaluate(chain, lambda _: 0, 4).returns == [3, 3, 3, 3]
    short = make_environment(EnvConfig(id="probe/ChainOfThree-v0", max_episode_steps=2), 0)
    assert evaluate(short, lambda _: 0, 2).returns == [2, 2]


def test_the_policy_gets_each_observation_and_its_action_counts() -> None:
    env = make_environment(EnvConfig(id="probe/RewardByBoth-v0"), 0)
    assert evaluate(env, lambda state: int(state.argmax()), 10).returns == [1] * 10
    assert evaluate(env, lambda state: 1 - int(state.argmax()), 10).returns == [-1] * 10


def test_measures_are_means_over_episodes() -> None:
    class CountEpisodes(gymnasium.Wrapper):  # type: ignore[type-arg]
        measure_names = ("episode_number",)
        number = 0

        def reset(self, **options: object) -> object:
            self.number += 1
            return self.env.reset(**options)

        def measures(self) -> dict[str, float]:
            return {"episode_number": self.number}

    env = Environment(CountEpisodes(gymnasium.make("probe/ChainOfThree-v0")), float("inf"), 0)
    assert evaluate(env, lambda _: 0, 5).measures == {"episode_number": 3}


def test_evaluating_ten_times_as_often_changes_nothing(learner: str) -> None:
    """The trained weights, the replay and the exploration end up the same to the bit."""
    settings = {"learner": learner, "batch": 32, "buffer": 2000, "budget__env_steps": 600}
    often, seldom = (
        run(make_config(**settings, evaluation__every_steps=every, evaluation__episodes=3))[0]
        for every in (20, 200)
    )
    assert same_bits(weights(often, ""), weights(seldom, ""))
    assert often.replay.state() == seldom.replay.state()
    assert often.exploration.bit_generator.state == seldom.exploration.bit_generator.state
    assert often.env.state() == seldom.env.state()
    assert often.evaluation_env.state() != seldom.evaluation_env.state()


def test_greedy_episodes_do_not_explore(learner: str) -> None:
    """In an environment without chance every greedy episode is the same, whatever epsilon says."""
    settings = {"learner": learner, "env": "gymnasium", "env__id": "FrozenLake-v1"}
    settings |= {"exploration": "constant", "exploration__epsilon": 1.0}
    trial = Trial(make_config(**settings, env__kwargs__is_slippery=False, env__max_episode_steps=20))
    before = trial.exploration.bit_generator.state
    visited: list[bytes] = []

    def greedy(observation: np.ndarray) -> int:
        visited.append(observation.tobytes())
        return trial.greedy(observation)

    for _ in range(4):
        evaluate(trial.evaluation_env, greedy, 1)
    assert visited == visited[: len(visited) // 4] * 4
    trial.evaluate(4)
    assert trial.exploration.bit_generator.state == before
