"""Diagnosis, maps and reports of trials with other heads and with noisy networks."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.__main__ import main
from dqn_exp.runs.record import run_trial
from tests.helpers import make_config

SHORT: dict[str, Any] = {
    "batch": 16,
    "budget__env_steps": 1100,
    "metrics__loss_every": 5,
    "evaluation__every_steps": 100,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 2,
    "network__hidden": [16],
    "learner": "torch",
    "train_every": 4,
}
FAMILY: dict[str, dict[str, Any]] = {
    "c51": {"network/head": "c51", "network__head__v_max": 500},
    "qr": {"network/head": "qr", "network__head__quantiles": 8},
    "noisy": {"network__noisy": True},
    "rainbow": {"agent": "rainbow"},
    "munchausen": {"agent__munchausen": True, "env__parallel": 2},
}


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("family")
    for name, settings in FAMILY.items():
        run_trial(make_config(**SHORT, **settings), directory / name, {})
    return directory


def diagnosed(trial: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """The findings by check."""
    assert main(["diagnose", str(trial), "--json"]) == 0
    return {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("c51", {"TD error", "reward scale"}),
        ("qr", {"TD error", "reward scale"}),
        ("noisy", {"exploration"}),
        ("rainbow", {"TD error", "reward scale", "exploration"}),
        ("munchausen", {"overestimation"}),
    ],
)
def test_what_says_nothing_of_a_trial_is_not_told(
    trials: Path, name: str, left_out: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    of_some = {"TD error", "reward scale", "exploration", "overestimation"}
    assert of_some - diagnosed(trials / name, capsys).keys() == left_out


@pytest.mark.parametrize(
    ("name", "suggestion"), [("c51", "agent.double=true"), ("rainbow", "lr=0.0001")]
)  # C51's values begin in the middle of its atoms, far above the returns of the first episodes
def test_double_dqn_is_suggested_where_it_is_not_set(
    trials: Path, name: str, suggestion: str, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = diagnosed(trials / name, capsys)["overestimation"]
    assert (finding["status"] != "ok", finding["suggestion"]) == (True, suggestion)


@pytest.mark.parametrize("name", FAMILY)
def test_each_suggestion_changes_the_trial_and_leaves_its_kind(
    trials: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_config(**SHORT, **FAMILY[name])
    suggestions = [f["suggestion"] for f in diagnosed(trials / name, capsys).values() if f["suggestion"]]
    assert suggestions
    for suggestion in suggestions:
        overrides = (override.partition("=") for override in suggestion.split())
        changes = {key.replace(".", "__"): yaml.safe_load(value) for key, _, value in overrides}
        changed = make_config(**{**SHORT, **FAMILY[name], **changes})
        assert changed.record() != own.record()
        assert changed.network == own.network
        assert changed.agent.munchausen == own.agent.munchausen


@pytest.mark.parametrize("name", FAMILY)
def test_maps_show_the_mean_of_each_prediction(
    trials: Path, name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--episodes", "1", "--points", "4", "--epsilon", "0", "--output", str(tmp_path)]
    assert main(["policy", str(trials / name), *arguments]) == 0
    is_page = name in ("noisy", "munchausen")
    assert (tmp_path / "index.html").exists() == is_page
    assert ("No page" in capsys.readouterr().out) != is_page
    with open(tmp_path / "q_values.csv", newline="") as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    assert len(values) == 2 * 4 * 4
    assert all(-5 < value < 500 for value in values)
    drawn = (tmp_path / "q_values.svg").read_text()
    assert "discounted return" not in drawn  # those of Munchausen are more than that


@pytest.mark.parametrize("name", FAMILY)
def test_a_report_has_the_trial_s_outcome(trials: Path, name: str, tmp_path: Path) -> None:
    assert main(["report", str(trials / name), "--output", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.rstrip().endswith("</html>")
    result = json.loads((trials / name / "result.json").read_text())
    with open(next((tmp_path / "report" / "tables").glob("trials*.csv")), newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["final_return"]) == result["final_return"]
