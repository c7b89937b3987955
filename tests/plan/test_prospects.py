"""Settings that could never make an update are refused; those that are probably mistakes cause a warning."""

from __future__ import annotations

from typing import Any

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.plan.prospects import check_prospects, doubts, print_doubts
from tests.helpers import gymnasium_env, make_config, run

SMALL: dict[str, Any] = {"batch": 8, "budget__env_steps": 40}


@pytest.mark.parametrize(
    "settings",
    [
        {"agent__learning_starts": 40},
        {"agent__learning_starts": 41},
        {"agent__learning_starts": 33, "train_every": 20},
        {"agent__learning_starts": 33, "train_every": 21},
        {"batch": 40},
        {"batch": 41},
        {"train_every": 40},
        {"train_every": 41},
        {"budget__env_steps": None, "budget__episodes": 2, "env__max_episode_steps": 4},
        {"budget__env_steps": None, "budget__episodes": 2, "env__max_episode_steps": 3},
        {"budget__env_steps": None, "budget__learning_episodes": 1, "agent__learning_starts": 100},
        {"replay": "online", "batch": 100},
        {"env__parallel": 7, "agent__learning_starts": 40},
        {"env__parallel": 7, "agent__learning_starts": 43},
        {"env__parallel": 7, "batch": 42},
        {"env__parallel": 7, "batch": 43},
        {"env__parallel": 7, "train_every": 42, "agent__learning_starts": 30},
        {"env__parallel": 7, "train_every": 43},
        {"env__parallel": 7, "train_every": 20, "agent__learning_starts": 35},
        {"env__parallel": 7, "train_every": 20, "agent__learning_starts": 42},
        {"env__parallel": 7, "train_every": 20, "agent__learning_starts": 43},
        {"env__parallel": 2, "budget__env_steps": None, "budget__episodes": 3, "env__max_episode_steps": 2},
        {"env__parallel": 2, "budget__env_steps": None, "budget__episodes": 2, "env__max_episode_steps": 3},
    ],
)
def test_refused_is_what_makes_no_update_and_nothing_else(settings: dict[str, Any]) -> None:
    config = make_config(**{**SMALL, **settings})
    trial, _ = run(config)
    if trial.clock.updates:
        check_prospects(config)
    else:
        with pytest.raises(
            ConfigError, match=r"ends the trial before it; allowed: an earlier first update, "
        ):
            check_prospects(config)


def test_keys_values_and_limits_are_named() -> None:
    config = make_config(agent__learning_starts=300, batch=32, budget__env_steps=200, budget__episodes=9)
    with pytest.raises(ConfigError) as caught:
        check_prospects(config)
    assert str(caught.value).startswith(
        "agent.learning_starts=300, batch=32, train_every=1: the first update would come at environment "
        "step 300, and budget.episodes=9, budget.env_steps=200 ends the trial before it"
    )


def test_when_an_agent_of_ones_own_learns_is_its_own_business() -> None:
    config = make_config(agent__learning_starts=300, budget__env_steps=200)
    agent = config.agent.model_copy(update={"name": "mine"})
    check_prospects(config.model_copy(update={"agent": agent}))


EVALUATED: dict[str, Any] = {"budget__env_steps": 1000, "convergence__consecutive": 3}


@pytest.mark.parametrize(
    ("settings", "fit"),
    [
        ({"evaluation__every_steps": 333}, None),
        ({"evaluation__every_steps": 334}, 2),
        ({"evaluation__every_steps": 1001}, 0),
        ({"evaluation__every_steps": 334, "evaluation__every_episodes": 1000}, None),
        ({"evaluation__every_episodes": 30, "budget__episodes": 89}, 2),
        ({"evaluation__every_episodes": 30, "budget__episodes": 90}, None),
        (
            {"evaluation__every_episodes": 5000, "budget__env_steps": None, "budget__learning_episodes": 1},
            None,
        ),
        ({"evaluation__every_steps": 334, "convergence__threshold": float("inf")}, None),
        ({"evaluation__every_steps": 334, "convergence__consecutive": 2}, None),
        ({"evaluation__every_steps": 100, "env__parallel": 500}, 2),
        ({}, None),
    ],
)
def test_fewer_evaluations_than_convergence_needs(settings: dict[str, Any], fit: int | None) -> None:
    told = doubts([make_config(**{**EVALUATED, **settings})])
    if fit is None:
        assert told == []
    else:
        (text,) = told
        assert f"at most {fit} evaluations" in text
        assert "convergence.consecutive=3" in text


def test_without_any_time_limit_a_greedy_episode_may_take_longer_than_the_training() -> None:
    endless = gymnasium_env("probe/Cycle-v0")
    (text,) = doubts([make_config(**endless, budget__env_steps=1000)])
    assert "probe/Cycle-v0 has no time limit" in text
    assert "set evaluation.max_episode_steps" in text
    assert doubts([make_config(**endless, evaluation__max_episode_steps=50)]) == []
    assert doubts([make_config(**endless, env__max_episode_steps=50)]) == []
    by_episodes = {"budget__env_steps": None, "budget__episodes": 9, "evaluation__max_episode_steps": 50}
    (text,) = doubts([make_config(**endless, **by_episodes)])
    assert "set budget.env_steps or env.max_episode_steps" in text


def test_sums_of_rewards_that_only_an_early_end_completes() -> None:
    settings = {"batch": 32, "budget__env_steps": 60}
    assert doubts([make_config(**settings, replay__n_step=29)]) == []
    (text,) = doubts([make_config(**settings, replay__n_step=30)])
    assert "replay.n_step=30" in text
    assert "environment step 61" in text
    assert doubts([make_config(**settings, replay__n_step=8, env__parallel=4)]) == []
    (text,) = doubts([make_config(**settings, replay__n_step=9, env__parallel=4)])
    assert "environment step 64" in text


def test_an_epsilon_that_rises() -> None:
    noisy = {"experiment": "zoo_cartpole", "network__noisy": True}
    (text,) = doubts([make_config(**noisy, exploration__end=0.04)])
    assert text.startswith("epsilon rises from exploration.start=0 to exploration.end=0.04; set exploration")
    assert text.endswith("exploration.end=0: with network.noisy=true the noise explores")
    assert doubts([make_config(**noisy, exploration__end=0)]) == []
    (text,) = doubts([make_config(exploration__start=0.1, exploration__end=0.2)])
    assert text.endswith("set a smaller exploration.end")
    assert doubts([make_config(exploration__start=0.2, exploration__end=0.2)]) == []
    assert doubts([make_config(exploration="constant")]) == []


def test_each_kind_of_doubt_is_told_once() -> None:
    few = [make_config(**EVALUATED, evaluation__every_steps=600 + n) for n in range(3)]
    endless = make_config(**gymnasium_env("probe/Cycle-v0"))
    told = doubts([*few, endless, *few, endless])
    assert [text.partition(" ")[0] for text in told] == ["no", "probe/Cycle-v0"]


def test_what_keeps_trials_from_the_fast_learner(capsys: pytest.CaptureFixture[str]) -> None:
    plain, noisy = make_config(), make_config(network__noisy=True, exploration__end=0)
    others = [make_config(network="mlp_batchnorm"), make_config(learner="torch", network__layer_norm=True)]
    print_doubts([plain, noisy, noisy, *others])
    told = "network.noisy=true (2), network.name='mlp_batchnorm' (1)"
    assert (
        capsys.readouterr().out
        == f"learner=auto: the torch learner, which is slower, trains the trials with {told}\n"
    )
    print_doubts([plain])
    assert capsys.readouterr().out == ""
