"""Wrappers: their effects, their measures, and that a checkpoint continues their noise."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import make_environment
from dqn_exp.envs.environment import Environment

NOISY = {
    "pole_measures": {},
    "observation_noise": {"std": [0.05, 0.1, 0.02, 0.1]},
    "action_noise": {"probability": 0.3},
}


def cartpole(wrappers: dict[str, dict[str, Any]]) -> Environment:
    return make_environment(EnvConfig(id="CartPole-v1", wrappers=wrappers))


LEFT, RIGHT = np.int64(0), np.int64(1)


def test_observation_noise_has_the_asked_deviation_in_each_dimension() -> None:
    std = [0.05, 0.1, 0.02, 0.5]
    clean, noisy = cartpole({}), cartpole({"observation_noise": {"std": std, "scale": 2.0}})
    errors = []
    for seed in range(300):
        clean.reset(seed)
        noisy.reset(seed)
        state = np.array([0.1, 0.2, 0.05, -0.3])
        for env in (clean, noisy):
            env._env.unwrapped.state = state
        errors.append(noisy.step(RIGHT)[0] - clean.step(RIGHT)[0])
    assert np.std(errors, axis=0) == pytest.approx(2 * np.array(std), rel=0.15)
    assert np.mean(errors, axis=0) == pytest.approx(np.zeros(4), abs=0.2)
    assert noisy.step(RIGHT)[0].dtype == np.float32


def test_no_noise_changes_nothing() -> None:
    wrapped = cartpole({"observation_noise": {"scale": 0.0}, "action_noise": {"probability": 0.0}})
    wrapped_start, plain_start = wrapped.reset(0), cartpole({}).reset(0)
    # the noise of scale 0 is drawn all the same, from the same generator, after the reset
    assert wrapped_start == pytest.approx(plain_start)


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_action_noise_carries_out_another_action(probability: float) -> None:
    env = cartpole({"action_noise": {"probability": probability}})
    flipped = 0
    for seed in range(400):
        env.reset(seed)
        env._env.unwrapped.state = np.zeros(4)
        observation, *_ = env.step(RIGHT)
        flipped += observation[1] < 0  # pushed to the left
    assert flipped / 400 == pytest.approx(probability, abs=0.07)


def test_action_noise_chooses_evenly_among_all_others() -> None:
    env = gymnasium.make("LunarLander-v3").unwrapped
    from dqn_exp.envs.noise import ActionNoise

    noisy = ActionNoise(env, probability=1.0)
    noisy.reset(seed=0)
    counts = np.bincount([noisy.action(2) for _ in range(3000)], minlength=4)
    assert counts[2] == 0
    assert counts[[0, 1, 3]] == pytest.approx([1000] * 3, rel=0.1)


def test_measures_are_root_mean_squares_of_the_true_states() -> None:
    plain, noisy = cartpole({}), cartpole(NOISY | {"action_noise": {"probability": 0.0}})
    start = np.array([0.0, 0.1, 0.02, -0.1])
    states = []
    for env in (plain, noisy):
        env.reset(0)
        env._env.unwrapped.state = start
    for action in (RIGHT, LEFT, RIGHT, RIGHT):
        states.append(plain.step(action)[0])
        noisy.step(action)
    expected = np.sqrt(np.mean(np.square(states), axis=0))
    assert noisy.measure_names == ["steps_balanced", "rms_angle", "rms_angular_velocity"]
    assert list(noisy.measures().values()) == pytest.approx([4, *expected[[2, 3]]], rel=1e-5)


def test_steady_reward_is_one_for_a_still_pole_and_a_third_at_its_scale() -> None:
    env = cartpole({"steady_reward": {"angle_scale": 0.1, "velocity_scale": 1.0}})
    env.reset(0)
    env._env.unwrapped.state = np.array([0.0, 0.0, 0.1, 0.0])
    observation, reward, *_ = env.step(LEFT)
    angle, velocity = float(observation[2]), float(observation[3])
    assert reward == pytest.approx(math.exp(-((angle / 0.1) ** 2) - velocity**2))
    assert reward < 0.5


@pytest.mark.parametrize(("weight", "near", "far"), [(0.0, 1.0, 1.0), (0.5, 1.0, 0.5), (1.0, 1.0, 0.0)])
def test_target_reward_trades_balance_for_place(weight: float, near: float, far: float) -> None:
    env = cartpole({"target_reward": {"position": 1.0, "weight": weight, "scale": 0.5}})
    for position, expected in ((1.0, near), (-1.0, far)):
        env.reset(0)
        env._env.unwrapped.state = np.array([position, 0.0, 0.0, 0.0])
        _, reward, *_ = env.step(LEFT)
        assert reward == pytest.approx(expected, abs=1e-3)
        assert env.measures() == {"distance_to_target": pytest.approx(abs(position - 1.0), abs=1e-3)}


def test_noise_is_that_of_the_episode_s_seed() -> None:
    """Bit for bit, whatever was played before."""
    env, other = cartpole(NOISY), cartpole(NOISY)
    play(env, seed=1)
    first, second = play(env, seed=2), play(other, seed=2)
    assert len(first) == len(second)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert len(play(env, seed=3)) != len(first) or not (play(env, seed=3)[1] == first[1]).all()


def play(env: Environment, seed: int) -> list[np.ndarray]:
    """Everything observed in an episode while pushing right and left in turns."""
    observations, ended = [env.reset(seed)], False
    while not ended:
        observation, _, terminated, truncated = env.step((LEFT, RIGHT)[len(observations) % 2])
        observations.append(observation)
        ended = terminated or truncated
    return observations


@pytest.mark.parametrize(
    ("wrappers", "words"),
    [
        ({"observation_nois": {}}, "Did you mean 'observation_noise'"),
        ({"observation_noise": {"std": [1.0, 2.0]}}, r"std has shape \(2,\)"),
        ({"observation_noise": {"scale": -1.0}}, "allowed: numbers >= 0"),
        ({"action_noise": {"probability": 1.5}}, "allowed: 0 to 1"),
        ({"action_noise": {"chance": 0.5}}, "chance"),
        ({"target_reward": {"weight": 2}}, "0 <= weight <= 1"),
        ({"steady_reward": {"angle_scale": 0}}, "numbers > 0"),
    ],
)
def test_bad_options_name_the_wrapper_and_what_is_allowed(wrappers: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        cartpole(wrappers)
    assert "env.wrappers" in str(error.value)


def test_cartpole_wrappers_refuse_other_environments() -> None:
    with pytest.raises(ConfigError, match="is not a CartPole"):
        make_environment(EnvConfig(id="MountainCar-v0", wrappers={"pole_measures": {}}))
