"""An episode depends only on its seed and actions; a violation is reported before training."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import EnvironmentFault, make_environments, resolve_environment
from dqn_exp.envs import play as play_on
from dqn_exp.envs.environment import Environment, layers_of, make_environment
from dqn_exp.envs.generators import SharedGenerators
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.seeding import Streams
from tests.envs.faulty import (
    FAULTS,
    DrawsFromNumpy,
    DrawsFromPython,
    DrawsInResetOnly,
    ForgetsItsSeed,
    Plain,
    faulty,
)
from tests.helpers import make_config

WILD = [DrawsFromNumpy, DrawsFromPython, DrawsInResetOnly, ForgetsItsSeed]
ZERO = np.int64(0)


def register(kind: type[Plain]) -> str:
    name = f"faulty/{kind.__name__}-v0"
    gymnasium.register(name, kind)  # type: ignore[arg-type]
    return name


def play(env: Environment, seed: int, interrupt: bool = False) -> list[list[float]]:
    """What an episode shows; `interrupt`: while others draw from the shared generators and seed them."""
    seen, ended = [env.reset(seed).tolist()], False
    while not ended:
        if interrupt:
            random.random()
            np.random.seed(len(seen))  # noqa: NPY002
        observation, _, terminated, truncated = env.step(ZERO)
        seen.append(observation.tolist())
        ended = terminated or truncated
    return seen


@pytest.mark.parametrize("kind", [Plain, *WILD])
def test_an_episode_is_that_of_its_seed_whatever_else_is_drawn(kind: type[Plain]) -> None:
    env, other = Environment(kind(), 100), Environment(kind(), 100)
    alone = [play(env, seed) for seed in range(5)]
    assert len({str(episode) for episode in alone}) == 5
    assert [play(other, seed, interrupt=True) for seed in (4, 3, 2, 1, 0)] == alone[::-1]


@pytest.mark.parametrize("kind", WILD)
def test_others_do_not_notice_what_an_environment_draws(kind: type[Plain]) -> None:
    env = Environment(kind(), 100)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    undisturbed = random.Random(1).random(), np.random.RandomState(1).random()
    for seed in range(4):
        play(env, seed)
    assert (random.random(), np.random.random()) == undisturbed  # noqa: NPY002


def test_an_environment_that_keeps_to_its_own_generator_is_looked_at_for_one_episode_only() -> None:
    env = Environment(Plain(), 100)
    play(env, 0)
    assert env._shared.needed
    play(env, 1)
    assert not env._shared.needed
    assert env._env_step == env._env.step


GYMNASIUMS = [
    name
    for name, spec in gymnasium.registry.items()
    if str(spec.entry_point).startswith(
        ("gymnasium.envs.classic_", "gymnasium.envs.toy_", "gymnasium.envs.box2d")
    )
]
GAMES = ["atari", "minatar"]
OURS = [*GAMES, "cartpole_noisy", "cartpole_steady", "cartpole_target"]


@pytest.mark.parametrize("name", [*GYMNASIUMS, *OURS])
def test_what_is_known_is_not_watched_and_does_not_draw_from_the_shared_generators(name: str) -> None:
    env = make_environment(make_config(env=name).env)._env if name in OURS else gymnasium.make(name)
    assert SharedGenerators(layers_of(env)).needed == (name in GAMES)
    before = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    env.action_space.seed(0)
    for seed in range(3):
        env.reset(seed=seed)
        ended = False
        for _ in range(100):
            if not ended:
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                ended = terminated or truncated
    assert (random.getstate(), str(np.random.get_state())) == before  # noqa: NPY002


@pytest.mark.parametrize("kind", WILD)
def test_a_killed_trial_goes_on_to_the_same_record(kind: type[Plain], tmp_path: Path) -> None:
    settings = {"env": "gymnasium", "env__id": register(kind), "convergence__threshold": float("inf")}
    brief = {"budget__env_steps": 300, "batch": 16, "evaluation__every_steps": 50}
    config = make_config(**settings, **brief, env__max_episode_steps=50, checkpoint__every_seconds=0)
    run_trial(config, tmp_path / "whole", {})
    events = record_trial(config, tmp_path / "cut", {})
    [next(events) for _ in range(20)]
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path / "cut", {})
    for name in ("episodes.csv", "evaluations.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("name", FAULTS)
def test_what_breaks_the_contract_is_refused_before_training(name: str) -> None:
    kind, message = FAULTS[name]
    gymnasium.register(f"faulty/{name}-v0", kind)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"env.id=faulty/{name}-v0:? .*{message}"):
        resolve_environment(EnvConfig(id=f"faulty/{name}-v0"), 1.0)


def later(name: str, wrong: Any, after: int) -> str:
    """An environment that shows `wrong` from so many steps on."""

    def draw(self: Plain) -> Any:
        self.total = getattr(self, "total", -1) + 1  # type: ignore[attr-defined]
        return wrong if self.total >= after else Plain.draw(self)  # type: ignore[attr-defined]

    gymnasium.register(f"faulty/{name}-v0", faulty(draw=draw))  # type: ignore[arg-type]
    return f"faulty/{name}-v0"


def test_a_shape_that_changes_later_is_noticed_at_its_step() -> None:
    env = make_environments(
        EnvConfig(id=later("Shrinks", np.zeros(1, np.float32), 5)), Streams(0).episodes("x")
    )
    steps = play_on(env, lambda rows: np.zeros(len(rows), np.int64), lambda: False)
    with pytest.raises(EnvironmentFault, match=r"its step returned .*expected an observation of Box"):
        list(islice(steps, 8))


@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan"), (np.inf, "inf")])
def test_what_is_not_finite_is_the_environment_s_fault_and_no_divergence(
    value: float, told: str, learner: str, tmp_path: Path
) -> None:
    """The 31st number shown after the first is wrong; three episodes of nine steps show ten each."""
    wrong = np.array([0, value, 0, 0], np.float32)
    environment_id = later(f"Not{told}{learner}", wrong, 34)
    config = make_config(
        env="gymnasium",
        env__id=environment_id,
        env__max_episode_steps=50,
        convergence__threshold=float("inf"),
        batch=8,
        learner=learner,
        budget__env_steps=200,
        replay__replacement=False,
        buffer=8,
    )
    with pytest.raises(EnvironmentFault, match=rf"returned {told} in its observation at step 31"):
        list(record_trial(config, tmp_path, {}))


def test_of_several_environments_it_is_the_step_of_the_first(tmp_path: Path) -> None:
    """All four show the wrong number first at their 31st step: in the steps 121 to 124."""
    wrong = later("NotFour", np.array([0, np.nan, 0, 0], np.float32), 34)
    settings = {"env": "gymnasium", "env__id": wrong, "env__max_episode_steps": 50, "env__parallel": 4}
    brief = {"batch": 8, "buffer": 64, "budget__env_steps": 400, "convergence__threshold": float("inf")}
    config = make_config(**settings, **brief, agent__learning_starts=160)
    with pytest.raises(EnvironmentFault, match="returned nan in its observation at step 121"):
        list(record_trial(config, tmp_path, {}))


def test_a_first_observation_that_is_not_finite_is_found_too(tmp_path: Path) -> None:
    """The 31st thing shown is what the reset of the fourth episode returns, after 27 steps."""
    environment_id = later("NanAtReset", np.array([0, np.nan, 0, 0], np.float32), 30)
    settings = {"env__max_episode_steps": 50, "convergence__threshold": float("inf"), "batch": 8, "buffer": 8}
    config = make_config(
        env="gymnasium", env__id=environment_id, **settings, budget__env_steps=200, replay__replacement=False
    )
    with pytest.raises(EnvironmentFault, match="returned nan in its observation at step 28"):
        list(record_trial(config, tmp_path, {}))
