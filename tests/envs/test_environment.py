from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import VectorEnvironment, make_environment, make_environments, resolve_environment
from dqn_exp.envs.environment import Environment
from dqn_exp.registry import wrappers
from tests.probes import EchoEnv


def make(environment_id: str, **fields: Any) -> Environment:
    return make_environment(EnvConfig(id=environment_id, **fields))


def echo(observation_space: spaces.Space[Any], action_space: spaces.Space[Any] | None = None) -> Environment:
    return Environment(EchoEnv(observation_space, action_space or spaces.Discrete(2)), float("inf"))


def play(env: Environment, actions: list[int], seed: int = 0) -> list[list[float]]:
    """The observations and rewards of one episode, with `actions` repeated as long as it lasts."""
    seen, ended, step = [env.reset(seed).tolist()], False, 0
    while not ended:
        observation, reward, terminated, truncated = env.step(np.int64(actions[step % len(actions)]))
        seen.append([*observation.tolist(), reward, terminated, truncated])
        ended, step = terminated or truncated, step + 1
    return seen


# observations


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (spaces.Box(-1, 1, (3,), np.float32), 3),
        (spaces.Box(-1, 1, (3,), np.float64), 3),
        (spaces.Box(-1, 1, (2, 3), np.float32), 6),
        (spaces.Box(0, 255, (2, 3, 1), np.uint8), 6),
        (spaces.Box(-1, 1, (), np.float32), 1),
        (spaces.Discrete(5), 5),
        (spaces.Discrete(5, start=-2), 5),
        (spaces.MultiDiscrete([2, 3]), 5),
        (spaces.MultiBinary(4), 4),
        (spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(0, 1, (2, 2))}), 7),
        (spaces.Tuple([spaces.Discrete(3, start=1), spaces.Box(0, 1, (2,))]), 5),
    ],
)
def test_every_observation_becomes_a_float32_vector(space: spaces.Space[Any], size: int) -> None:
    env = echo(space)
    assert env.observation_space.shape == (size,)
    vectors = VectorEnvironment([env], lambda *_: 0)
    for row in (vectors.observe()[0], vectors.step(np.array([0])).next_observation[0]):
        assert (row.shape, row.dtype) == ((size,), np.float32)


@pytest.mark.parametrize("start", [0, -2, 7])
def test_discrete_observations_are_one_hot_from_their_start_on(start: int) -> None:
    env = echo(spaces.Discrete(4, start=start))
    for seed in range(20):
        observation = env.reset(seed)
        assert observation.sum() == 1
        assert observation[env._env.unwrapped.latest - start] == 1


def test_boxes_are_flattened_row_by_row() -> None:
    env = echo(spaces.Box(0, 255, (2, 3), np.uint8))
    observation = env.reset(0)
    assert observation.tolist() == [float(x) for row in env._env.unwrapped.latest for x in row]


def test_dict_parts_follow_one_another() -> None:
    env = echo(spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(0, 1, (2,))}))
    observation, latest = env.reset(0), env._env.unwrapped.latest
    assert observation[:3].tolist() == [float(k == latest["a"]) for k in range(3)]
    assert observation[3:].tolist() == latest["b"].tolist()


def test_an_observation_stays_when_the_environment_goes_on() -> None:
    """Some environments return one array again and again; the last observation must not follow the next."""
    env = make_environments(EnvConfig(id="probe/ReusedBuffer-v0"), lambda *_: 0)
    env.observe()
    step = env.step(np.array([0]))
    assert (step.observation[0, 0], step.next_observation[0, 0]) == (0, 1)


def test_observations_that_no_vector_can_hold_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^env has observations Sequence.*cannot be flattened.*allowed"):
        echo(spaces.Sequence(spaces.Discrete(2)))


class Words(spaces.Space[str]):
    """A kind of space that gymnasium does not know, as MiniGrid's mission."""

    def __repr__(self) -> str:
        return "Words(any)"


PARTLY = {"image": spaces.Box(0, 255, (2, 2), np.uint8), "words": Words(), "way": spaces.Discrete(4)}
gymnasium.register("probe/Mission-v0", lambda **_: EchoEnv(spaces.Dict(PARTLY), spaces.Discrete(2)))


def test_the_part_that_cannot_be_flattened_is_named_with_the_wrapper_that_leaves_it_out() -> None:
    with pytest.raises(ConfigError) as error:
        make("probe/Mission-v0")
    message = str(error.value)
    assert message.startswith("env.id=probe/Mission-v0 has observations with 'words', Words(any), which")
    assert message.endswith("+env.wrappers.FilterObservation.filter_keys=[image,way]")
    mended = make("probe/Mission-v0", wrappers={"FilterObservation": {"filter_keys": ["image", "way"]}})
    assert mended.observation_space.shape == (8,)


@pytest.mark.parametrize("missing", ["observation_space", "action_space"])
def test_a_space_that_is_missing_is_named(missing: str) -> None:
    class Bare(gymnasium.Env[Any, Any]):
        """Has only one of its spaces."""

    for name in {"observation_space", "action_space"} - {missing}:
        setattr(Bare, name, spaces.Discrete(2))
    gymnasium.register(f"probe/Without_{missing}-v0", Bare)  # type: ignore[arg-type]
    kind = {"observation_space": "observations", "action_space": "actions"}[missing]
    with pytest.raises(ConfigError, match=rf"^env.id=probe/Without_{missing}-v0 has {kind} None"):
        make(f"probe/Without_{missing}-v0")


# ends of episodes


@pytest.mark.parametrize("truncation", ["bootstrap", "terminal"])
def test_what_a_time_limit_cuts_off_counts_as_terminated_where_that_is_asked_for(truncation: str) -> None:
    """Whether it is the limit of the configuration or one inside the environment."""
    inner = gymnasium.make("probe/Cycle-v0", max_episode_steps=3)
    is_terminal = truncation == "terminal"
    for env in (
        make("probe/Cycle-v0", truncation=truncation, max_episode_steps=3),
        Environment(inner, float("inf"), truncation_is_terminal=is_terminal),
    ):
        flags = [step[-2:] for step in play(env, [0])[1:]]
        assert flags == [[False, False], [False, False], [is_terminal, True]]


@pytest.mark.parametrize("truncation", ["bootstrap", "terminal"])
def test_an_end_before_the_time_limit_is_no_truncation(truncation: str) -> None:
    env = make("probe/ChainOfThree-v0", truncation=truncation, max_episode_steps=4)
    assert [step[-2:] for step in play(env, [0])[1:]] == [[False, False], [False, False], [True, False]]


# actions


def test_actions_count_from_the_start_of_their_space() -> None:
    env = echo(spaces.Discrete(1), spaces.Discrete(3, start=5))
    env.reset(0)
    assert env.action_space == spaces.Discrete(3)
    assert [env.step(action)[1] for action in np.arange(3)] == [5, 6, 7]


@pytest.mark.parametrize("environment_id", ["Pendulum-v1", "MountainCarContinuous-v0"])
def test_continuous_actions_are_refused(environment_id: str) -> None:
    with pytest.raises(ConfigError, match=rf"env.id={environment_id} has actions Box.*allowed: .*discrete"):
        make(environment_id)


# time limits


@pytest.mark.parametrize(("limit", "length"), [(None, 200), (7, 7), (300, 300)])
def test_time_limit(limit: int | None, length: int) -> None:
    """MountainCar's own limit is 200; standing still never ends it earlier."""
    episode = play(make("MountainCar-v0", max_episode_steps=limit), actions=[1])
    assert len(episode) - 1 == length
    assert episode[-1][-2:] == [False, True]
    assert not any(row[-1] for row in episode[1:-1])


def test_each_episode_has_the_whole_time_limit() -> None:
    env = make("MountainCar-v0", max_episode_steps=5)
    assert [len(play(env, [1])) - 1 for _ in range(3)] == [5, 5, 5]


@pytest.mark.parametrize("environment_id", ["MountainCar-v0", "probe/Cycle-v0"])
def test_unlimited(environment_id: str) -> None:
    env = make(environment_id, max_episode_steps="unlimited")
    env.reset(0)
    assert not any(ended for _ in range(1000) for ended in env.step(np.int64(1))[2:])


@pytest.mark.parametrize(
    ("fields", "limit"),
    [({}, 200), ({"max_episode_steps": 50}, 50), ({"max_episode_steps": "unlimited"}, "unlimited")],
)
def test_the_resolved_configuration_states_the_time_limit(fields: dict[str, Any], limit: Any) -> None:
    config, _ = resolve_environment(EnvConfig(id="MountainCar-v0", **fields), None)
    assert config.max_episode_steps == limit


def test_an_environment_without_a_limit_is_unlimited() -> None:
    config, _ = resolve_environment(EnvConfig(id="probe/Cycle-v0"), 1.0)
    assert config.max_episode_steps == "unlimited"


# thresholds


@pytest.mark.parametrize(
    ("asked", "of_the_configuration", "threshold"),
    [(None, None, -110), (None, -150, -150), (-120, -150, -120)],
)
def test_the_most_specific_threshold_counts(
    asked: float | None, of_the_configuration: float | None, threshold: float
) -> None:
    config = EnvConfig(id="MountainCar-v0", threshold=of_the_configuration)
    assert resolve_environment(config, asked)[1] == threshold


def test_no_threshold_anywhere_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"convergence.threshold=null.*registers no threshold.*allowed"):
        resolve_environment(EnvConfig(id="probe/Cycle-v0"), None)


# randomness


@pytest.mark.parametrize(
    "environment_id",
    ["CartPole-v1", "LunarLander-v3", "FrozenLake-v1", "Acrobot-v1", "MountainCar-v0", "probe/RandomMDP-v0"],
)
def test_an_episode_depends_on_its_seed_and_its_actions_alone(environment_id: str) -> None:
    """Whatever was played before, in this environment or in another copy."""
    actions = np.random.default_rng(0).integers(2, size=50).tolist()
    env, copy = (make(environment_id, max_episode_steps=60) for _ in range(2))
    first = play(env, actions, seed=3)
    other = play(env, actions, seed=4)
    assert first != other
    assert play(env, actions, seed=3) == first
    assert play(copy, actions, seed=4) == other


def test_the_bounds_of_observations_are_those_of_the_environment() -> None:
    own = gymnasium.spec("CartPole-v1").make().observation_space
    space = make("CartPole-v1").observation_space
    assert space == own
    one_hot = make("FrozenLake-v1").observation_space
    assert (one_hot.low.min(), one_hot.high.max(), one_hot.dtype) == (0, 1, np.float32)


# what cannot be made


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": "CartPoole-v1"}, r"env.id=CartPoole-v1 is unknown. Did you mean 'CartPole-v1'\? Allowed"),
        ({"id": "CartPole-v99"}, r"env.id=CartPole-v99"),
        ({"id": "???"}, r"env.id is missing; allowed: env.id=NAME-vN"),
        ({"id": "CartPole-v1", "kwargs": {"gravity": 9}}, r"env.kwargs=\{'gravity': 9\} cannot be made"),
    ],
)
def test_what_cannot_be_made_says_why(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**{"environment_id": fields.pop("id"), **fields})


def test_environment_keyword_arguments_arrive() -> None:
    assert make("FrozenLake-v1", kwargs={"map_name": "8x8"}).observation_space.shape == (64,)


# wrappers


def test_wrappers_are_applied_innermost_first_and_measure() -> None:
    @wrappers.register("test_scale")
    class Scale(gymnasium.RewardWrapper[Any, Any]):
        def __init__(self, env: gymnasium.Env[Any, Any], by: float) -> None:
            super().__init__(env)
            self._by = by

        def reward(self, reward: Any) -> float:
            return self._by * float(reward)

    @wrappers.register("test_shift")
    class Shift(gymnasium.RewardWrapper[Any, Any]):
        measure_names = ("shifted",)

        def __init__(self, env: gymnasium.Env[Any, Any], by: float) -> None:
            super().__init__(env)
            self._by = by

        def reward(self, reward: Any) -> float:
            return self._by + float(reward)

        def measures(self) -> dict[str, float]:
            return {"shifted": self._by}

    env = make("probe/Cycle-v0", wrappers={"test_scale": {"by": 3}, "test_shift": {"by": 10}})
    env.reset(0)
    assert env.step(np.int64(0))[1] == 3 * 1 + 10
    assert env.measure_names == ["shifted"]
    assert env.measures() == {"shifted": 10}
    with pytest.raises(ConfigError, match=r"env.wrappers: 'test_scal' is unknown. Did you mean 'test_scale'"):
        make("probe/Cycle-v0", wrappers={"test_scal": {}})
    with pytest.raises(ConfigError, match=r"env.wrappers.test_scale=\{'times': 3\}"):
        make("probe/Cycle-v0", wrappers={"test_scale": {"times": 3}})


def test_an_environment_still_refuses_what_is_no_action() -> None:
    """Its own test of each action is shortened for the actions that exist, and for nothing else."""
    inner = make("CartPole-v1")._env
    inner.reset(seed=0)
    inner.step(np.int64(1))
    for wrong in (np.int64(2), np.int64(-1), 2, 1.0, "left"):
        with pytest.raises(AssertionError, match="invalid"):
            inner.step(wrong)
