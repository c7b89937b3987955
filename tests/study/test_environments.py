"""A study over several environments: what it refuses, and its scores."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from dqn_exp.config.errors import ConfigError
from dqn_exp.study.environments import (
    check_scales,
    read_environments,
    refuse_choice,
    refuse_single_environment_keys,
)
from dqn_exp.study.space import Repetition, read_space
from tests.helpers import make_config
from tests.program import TINY, run_here

OPTIONS = ("cartpole", "acrobot", "gymnasium")
BOTH = ("cartpole", "acrobot")


def environments(over: object) -> tuple[str, ...]:
    return read_environments(OmegaConf.create({"objective": {"over": over}}), OPTIONS)


def test_environments_are_options_of_env() -> None:
    assert environments([]) == ()
    assert environments(["acrobot", "cartpole"]) == ("acrobot", "cartpole")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("cartpole", r"objective.over=cartpole: allowed: a list, such as objective.over=\[cartpole,acrobot"),
        (None, "objective.over=None: allowed: a list"),
        (["cartpol"], "objective.over: 'cartpol' is unknown. Did you mean 'cartpole'?"),
        (["cartpole", "cartpole"], r"objective.over=\[cartpole,cartpole\]: allowed: each environment once"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_environments_is_refused(over: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        environments(over)


@pytest.mark.parametrize("key", ["env", "env.id", "+env.id"])
def test_a_study_does_not_choose_among_environments(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^env(\.id)? is searched, but a study cannot choose"):
        refuse_choice(["lr", key], ())
    with pytest.raises(
        ConfigError, match=r"objective.over=\[cartpole,acrobot\] trains every .* search of env"
    ):
        refuse_choice(["lr", key], BOTH)
    refuse_choice(["lr", "env.kwargs.length", "environment"], BOTH)


@pytest.mark.parametrize(
    "line",
    ["env=acrobot", "env.id=Acrobot-v1", "convergence.threshold=5", "returns.random=0", "env.threshold=1,2"],
)
def test_what_is_of_one_environment_is_refused_for_several(line: str) -> None:
    space = read_space(OverridesParser.create().parse_overrides(["lr=0.1,0.2", line]), OmegaConf.create({}))
    master = OmegaConf.create({"convergence": {"threshold": None}})
    with pytest.raises(
        ConfigError, match=r"applies to one environment only, and objective.over=\[cartpole,acrobot\]"
    ):
        refuse_single_environment_keys(space, master, BOTH)
    refuse_single_environment_keys(space, master, ())


def test_a_threshold_that_a_file_sets_is_refused_too() -> None:
    space = read_space(OverridesParser.create().parse_overrides(["lr=0.1,0.2"]), OmegaConf.create({}))
    master = OmegaConf.create({"convergence": {"threshold": 475}})
    with pytest.raises(ConfigError, match=r"convergence.threshold=475 applies to one environment only"):
        refuse_single_environment_keys(space, master, BOTH)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"returns__random": None},
            "two has no returns.random, .* allowed: environments whose conf/env/NAME",
        ),
        ({"convergence__threshold": math.inf}, "two has returns.random=22.6 and a threshold of inf"),
        ({"returns__random": 475}, "two has returns.random=475 and a threshold of 475.0; allowed: a finite"),
    ],
)
def test_a_scale_needs_both_ends(settings: dict[str, object], message: str) -> None:
    one = make_config()
    check_scales({"one": one})
    with pytest.raises(ConfigError, match=message):
        check_scales({"one": one, "two": make_config(**settings)})


def test_repetitions_are_named_by_what_differs() -> None:
    assert (Repetition(3).name, Repetition(3, "acrobot").name) == ("seed=3", "env=acrobot,seed=3")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("env=cartpole,acrobot",), "env is searched, but a study cannot choose among environments"),
        (
            ("objective.over=[cartpole,acrobot]", "experiment=notebook"),
            "convergence.threshold=199 applies to one",
        ),
        (("objective.over=[cartpole,mine]",), "objective.over: mine has no returns.random"),
    ],
)
def test_the_command_line_refuses_them_before_anything_is_written(
    given: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    place = tmp_path / "cwd"
    (place / "conf" / "env").mkdir(parents=True)
    mine = "# @package _global_\nenv:\n  id: CartPole-v1\n  kwargs: {}\n  max_episode_steps: null\n"
    (place / "conf" / "env" / "mine.yaml").write_text(mine + "  threshold: 475\n  wrappers: {}\n")
    ended = run_here(
        "-m", "hydra/sweeper=optuna", *TINY, "lr=tag(log,interval(1e-4,1e-2))", *given, cwd=place
    )
    assert ended.code == 2, ended.said
    assert message in ended.err
    assert "Traceback" not in ended.said
    assert [path.name for path in place.iterdir()] == ["conf"]
