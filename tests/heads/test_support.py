"""Bounds of C51's atoms that the configuration does not give."""

from __future__ import annotations

from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import C51Config
from tests.helpers import gymnasium_env, make_config

C51 = {"network__head": {"name": "c51"}}
CLIPPED = {"env__wrappers": {"ClipReward": {"min_reward": -3}}}


def bounds(**settings: Any) -> tuple[float | None, float | None]:
    head = make_config(**{**C51, **settings}).network.head
    assert isinstance(head, C51Config)
    return head.v_min, head.v_max


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"gamma": 0.9}, (0, 10)),  # CartPole: a reward from 0 to 1
        ({"gamma": 0.9, "returns__lowest_reward": -2}, (-20, 10)),
        ({"env": "mountaincar", "gamma": 0.95}, (-20, 0)),
        ({"env": "lunarlander"}, (-300, 300)),  # as its file says
        ({"gamma": 0.9, "network__head": {"name": "c51", "v_max": 7}}, (0, 7)),
        ({"gamma": 1.0, "network__head": {"name": "c51", "v_min": -1, "v_max": 7}}, (-1, 7)),
        ({**gymnasium_env("probe/Catch-v0"), "agent__max_abs_reward": 2, "gamma": 0.9}, (-20, 20)),
        ({"agent__max_abs_reward": 0.5, "gamma": 0.9}, (0, 5)),  # CartPole's are known
        ({"env": "lunarlander", "agent__max_abs_reward": 1, "gamma": 0.9}, (-10, 10)),
        (
            {"env__wrappers": {"ClipReward": {"min_reward": -3}}, "agent__max_abs_reward": 1, "gamma": 0.5},
            (-2, 2),
        ),
    ],
)
def test_bounds(settings: dict[str, Any], expected: tuple[float, float]) -> None:
    assert bounds(**settings) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"gamma": 1.0},
            "network.head.v_min=null and network.head.v_max=null, and with gamma=1 the return has no bound; "
            "allowed: a number for network.head.v_min and network.head.v_max (it replaces returns beyond "
            "it), returns.lowest and returns.highest, or with gamma < 1 returns.lowest_reward and "
            "returns.highest_reward or agent.max_abs_reward",
        ),
        (
            {**gymnasium_env("probe/Catch-v0"), "network__head": {"name": "c51", "v_max": 1}},
            "network.head.v_min=null, and no bound of the rewards of probe/Catch-v0 is known; allowed: a "
            "number for network.head.v_min (it replaces returns beyond it), returns.lowest, or with "
            "gamma < 1 returns.lowest_reward or agent.max_abs_reward",
        ),
        ({"env": "lunarlander", **CLIPPED}, "ClipReward changes the unit of returns; allowed: a number for"),
        (
            {"env__wrappers": {"NormalizeReward": {}}, "convergence__threshold": 1.0},
            "NormalizeReward changes",
        ),
        ({"network__head": {"name": "c51", "v_min": 3, "v_max": 3}}, "v_min=3 and network.head.v_max=3: all"),
    ],
)
def test_bounds_that_are_not_known_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        bounds(**settings)
    assert words in str(error.value)


def test_other_heads_have_no_bounds() -> None:
    assert make_config(gamma=1.0).network.head.name == "values"
