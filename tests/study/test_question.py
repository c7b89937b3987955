"""The recorded question of a study, and the detection of changes to it."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from dqn_exp.study.question import changes, question
from dqn_exp.study.space import read_space
from tests.helpers import make_config

SPACE = ("lr=tag(log,interval(0.0001,0.01))", "batch=16,32")


def asked(*lines: str, seeds: tuple[int, ...] = (0, 1), **settings: object) -> dict[str, str]:
    space = read_space(OverridesParser.create().parse_overrides(list(lines)), OmegaConf.create({"batch": 64}))
    return question(space.distributions, seeds, ["aulc (mean)"], [make_config(**settings)])


@pytest.mark.parametrize(
    "line",
    [
        "lr=interval(0.1,0.2)",
        "lr=tag(log,interval(0.1,0.2))",
        "train_every=range(1,9,2)",
        "gamma=range(0.1,0.4,0.1)",
        "batch=int(interval(16,64))",
        "network=mlp,mlp_batchnorm",
    ],
)
def test_what_is_searched_is_told_as_it_is_written(line: str) -> None:
    key, _, text = line.partition("=")
    assert asked(line)[key] == text


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (asked(*SPACE), ""),
        (asked(*SPACE, seeds=(0, 1, 2)), "seed=0,1,2 (was 0,1)"),
        (asked(SPACE[0]), "batch=128 (was 16,32)"),
        (asked(*SPACE, gamma=0.5), "gamma=0.5 (was 0.99)"),
        (
            asked(*SPACE, env__kwargs={"sutton_barto_reward": True}),
            "env.kwargs.sutton_barto_reward=True (is new)",
        ),
        (asked(*SPACE, metrics__loss_every=7), ""),  # is no part of what a trial is
    ],
)
def test_changes_are_told_key_by_key(now: dict[str, str], told: str) -> None:
    assert changes(asked(*SPACE), now) == told


def test_several_environments_are_told_side_by_side() -> None:
    space = read_space(OverridesParser.create().parse_overrides([SPACE[0]]), OmegaConf.create({}))
    bases = [make_config(), make_config(env="acrobot")]
    told = question(space.distributions, (0,), ["aulc (mean)"], bases)
    assert told["env.id"] == "CartPole-v1 / Acrobot-v1"
    assert told["gamma"] == "0.99"


def test_a_key_that_is_gone() -> None:
    told = changes(asked(*SPACE), asked(*SPACE, replay="online"))
    assert "replay.name=online (was uniform)" in told
    assert "buffer is gone (was 20000)" in told
