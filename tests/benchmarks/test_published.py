"""The settings of both sides are equal, and the benchmark can be stopped and continued (with tiny trials)."""

from __future__ import annotations

import math
from pathlib import Path

import gymnasium
import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_ind

from dqn_exp.config import AdamConfig, LinearConfig
from tests.benchmarks.pages import BEGIN, END
from tests.benchmarks.published import __main__ as published
from tests.benchmarks.published import page, trials
from tests.benchmarks.published.works import WORKS
from tests.helpers import make_config


@pytest.mark.parametrize("name", WORKS)
def test_our_settings_are_theirs(name: str) -> None:
    work = WORKS[name]
    config = make_config(experiment=work.experiment)
    exploration, optimizer = config.exploration, config.optimizer
    assert isinstance(exploration, LinearConfig)
    assert isinstance(optimizer, AdamConfig)
    assert (config.env.id, config.budget.env_steps) == (work.env_id, work.env_steps)
    registered = None if work.convolution else gymnasium.spec(work.env_id).max_episode_steps
    assert config.env.max_episode_steps == (work.max_episode_steps or registered)
    defaults = {"max_grad_norm": 10, "policy_kwargs": {"optimizer_kwargs": {"eps": 1e-8}}}
    theirs = {**defaults, **work.settings}
    theirs["policy_kwargs"] = {**defaults["policy_kwargs"], **work.settings["policy_kwargs"]}
    assert {
        "learning_rate": optimizer.lr,
        "batch_size": config.replay.batch_size,
        "buffer_size": config.replay.capacity,
        "learning_starts": config.agent.learning_starts,
        "gamma": config.gamma,
        "target_update_interval": config.target.every,
        "train_freq": config.train_every,
        "gradient_steps": config.agent.updates_per_train,
        "exploration_fraction": exploration.duration / work.env_steps,
        "exploration_final_eps": exploration.end,
        "max_grad_norm": config.agent.max_grad_norm or math.inf,
        "policy_kwargs": {
            "net_arch": [] if work.convolution else list(config.network.hidden),
            "optimizer_kwargs": {"eps": optimizer.eps},
        },
    } == theirs
    of_stable_baselines3 = (config.agent.loss, exploration.start)
    assert of_stable_baselines3 == ("huber", 1.0)


def rows(side: str, greedy: list[float]) -> pd.DataFrame:
    one = {
        "environment": "acrobot",
        "side": side,
        "program": f"{side} 1",
        "last_episodes": -90.0,
        "best": -75.0,
    }
    return pd.DataFrame([{**one, "seed": seed, "greedy": score} for seed, score in enumerate(greedy)])


def test_the_page_has_both_distributions_and_their_difference() -> None:
    theirs, ours = [-80.0, -76.0, -84.0], [-75.0, -79.0]
    told = page.results(pd.concat([rows("sb3", theirs), rows("ours", ours)])).splitlines()
    assert told[2] == (
        "| Acrobot-v1 | -76.6 ± 11.8 | greedy after training | -80.0 ± 4.0 (-89.9 to -70.1), n = 3 "
        "| -77.0 ± 2.8 (-102.4 to -51.6), n = 2 | 3.0 (-7.0 to 13.0) |"
    )
    low, high = ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    assert f"({low:.1f} to {high:.1f})" in told[2]
    assert told[3].endswith("| 0.0 |"), "without any spread there is no interval"
    assert told[-1] == "Trained by ours: ours 1; sb3: sb3 1."


@pytest.mark.filterwarnings("error")
def test_scores_that_are_all_equal_on_one_side() -> None:
    """The interval is then that of the other side's mean alone."""
    low, high = page.welch_interval(np.full(4, 500.0), np.array([480.0, 490.0, 500.0]))
    half = t(2).ppf(0.975) * 10 / math.sqrt(3)
    assert (low, high) == pytest.approx((10 - half, 10 + half))


def test_of_one_side_alone_there_is_no_difference() -> None:
    assert "| - | -75.0, n = 1 | - |" in page.results(rows("ours", [-75.0]))


def test_a_stopped_benchmark_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(published, "PAGE", tmp_path / "published.md")
    tiny = WORKS["cartpole"]._replace(env_steps=600, evaluation_every=200)
    monkeypatch.setitem(WORKS, "cartpole", tiny)
    monkeypatch.setitem(trials.PROTOCOL, "final_episodes", 2)
    published.PAGE.write_text(f"Before.\n{BEGIN}\nold\n{END}\nBehind.\n")
    options = ["--envs", "cartpole", "--sides", "ours", "--jobs", "2", "--seeds"]
    for seeds, trained in (("1", [0]), ("2", [1])):
        monkeypatch.setattr("sys.argv", ["published", *options, seeds])
        published.main()
        told = capsys.readouterr().out.splitlines()
        assert [line.split(":")[1] for line in told] == [f" cartpole {seed} ours" for seed in trained]
    scores = pd.read_csv(tmp_path / "published.csv")
    assert scores["seed"].tolist() == [0, 1]
    assert np.isfinite(scores[list(trials.SCORES)]).all(axis=None)
    written = published.PAGE.read_text()
    assert "n = 2 | - |" in written
    assert "old" not in written


def test_a_trial_that_fails_is_told_and_leaves_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORKS, "cartpole", WORKS["cartpole"]._replace(env_steps=-1))
    failing = trials.Trial("cartpole", 0, "ours")
    ((trial, told),) = trials.train_all([failing], 1, tmp_path / "published.csv")
    assert trial == failing
    assert "budget.env_steps" in told
    assert trials.missing([failing], tmp_path / "published.csv") == [failing]
