"""Normalising wrappers: evaluation uses the statistics of training, and a killed trial keeps them exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from analysis.network.rollouts import roll_out
from dqn_exp.config.errors import ConfigError
from dqn_exp.runs import NETWORK
from dqn_exp.runs.networks import load_statistics
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.trained import load_trained
from tests.envs.faulty import ForgetsItsSeed
from tests.helpers import make_config, run, snapshot

gymnasium.register("normalised/Forgets-v0", ForgetsItsSeed)  # type: ignore[arg-type]
NORMALISED: dict[str, Any] = {
    "env__wrappers": {"NormalizeObservation": {}, "NormalizeReward": {"gamma": 0.9}},
    "budget__env_steps": 400,
    "batch": 16,
    "network__hidden": [8],
    "evaluation__every_steps": 100,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "convergence__threshold": float("inf"),
}


def test_observations_are_those_that_training_would_see() -> None:
    trial, _ = run(make_config(**NORMALISED))
    before = snapshot(trial.env.statistics())
    trial.evaluate(2)
    learned, used = trial.env.statistics(), trial.evaluation_env.statistics()
    for now, then in zip(learned, before, strict=True):  # evaluating has taught the wrappers nothing
        assert all(np.array_equal(now[key], then[key]) for key in then)
    assert np.array_equal(learned[0]["mean"], used[0]["mean"])
    assert learned[0]["count"] == pytest.approx(400 + trial.clock.episodes + 1, abs=1.01)
    raw = np.array([0.1, 0.2, 0.3, 0.4])
    seen = trial.evaluation_env._environments[0].learning[0].observation(raw)
    expected = (raw - learned[0]["mean"]) / np.sqrt(learned[0]["var"] + 1e-8)
    assert seen == pytest.approx(expected, rel=1e-5)


def test_the_unscaled_return_is_a_measure() -> None:
    trial, _ = run(make_config(**NORMALISED))
    score = trial.evaluate(3)
    assert trial.env.measure_names == ["unscaled_return"]
    assert score.measures["unscaled_return"] == round(score.measures["unscaled_return"] * 3) / 3
    assert score.mean == pytest.approx(
        score.measures["unscaled_return"] / np.sqrt(trial.env.statistics()[1]["var"] + 1e-8), rel=1e-6
    )


@pytest.mark.parametrize(
    ("environment", "copies"), [("CartPole-v1", 1), ("CartPole-v1", 3), ("normalised/Forgets-v0", 1)]
)
def test_a_killed_trial_goes_on_to_the_same_record(
    environment: str, copies: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config(**NORMALISED, env__id=environment, env__parallel=copies, checkpoint__every_seconds=0)
    run_trial(config, tmp_path / "whole", {})
    events = record_trial(config, tmp_path / "cut", {})
    [next(events) for _ in range(12)]
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path / "cut", {})
    for name in ("episodes.csv", "evaluations.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_threshold_in_another_unit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^env.wrappers.NormalizeReward changes the unit of returns"):
        make_config(env__wrappers={"NormalizeReward": {}})


def test_the_network_is_kept_with_the_statistics_it_saw_through(tmp_path: Path) -> None:
    config = make_config(**NORMALISED, checkpoint__keep_best="evaluation")
    run_trial(config, tmp_path, {})
    assert load_statistics(tmp_path / NETWORK)[0]["count"] > 400
    trained, best = load_trained(tmp_path), load_trained(tmp_path, best=True)
    assert 100 <= best.statistics[0]["count"] <= trained.statistics[0]["count"]
    observed = roll_out(trained, 0.0, 1).observations[0]  # a first observation: all within +-0.05, normalised
    mean, var = trained.statistics[0]["mean"], trained.statistics[0]["var"]
    assert (np.abs(observed * np.sqrt(var) + mean) <= 0.0501).all()


def test_who_starts_from_another_network_starts_with_its_statistics(tmp_path: Path) -> None:
    run_trial(make_config(**NORMALISED), tmp_path / "first", {})
    config = make_config(**NORMALISED, init_from=str(tmp_path / "first"))
    run_trial(config, tmp_path / "second", {})
    counts = [load_statistics(tmp_path / name / NETWORK)[0]["count"] for name in ("first", "second")]
    assert counts[1] > counts[0] + 400
