"""Sentences and figures about studies with a known answer."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution

from analysis.__main__ import main
from analysis.errors import AnalysisError
from analysis.study import figures, write_report
from analysis.study.data import load_study, read_study
from analysis.study.findings import confirmed, note, overview
from dqn_exp.study.storage import open_storage

FIGURES = {"history", "intermediate", "importances", "slices", "contour", "parallel"}


def make(
    storage: str | None = None,
    n: int = 40,
    noise: bool = False,
    directions: tuple[str, ...] = ("maximize",),
    n_random: int = 40,
) -> optuna.Study:
    """x decides (or nothing does); some proposals are pruned, one diverged, one failed.

    All are random, and the first `n_random` are known to be.
    """
    rng = np.random.default_rng(0)
    study = optuna.create_study(
        study_name="known <b>name</b>",
        directions=directions,
        storage=open_storage(storage) if storage else None,
        sampler=optuna.samplers.RandomSampler(seed=1),
    )
    study.set_user_attr("objectives", ["aulc", "steps_to_convergence"][: len(directions)])
    for index in range(n):
        trial = study.ask()
        trial.set_user_attr("drawn", "random" if index < n_random else "TPESampler")
        x, _, kind = (
            trial.suggest_float("x", 0.001, 1, log=True),
            trial.suggest_int("y", 1, 9),
            trial.suggest_categorical("network.hidden", ["[64]", "[64,64]"]),
        )
        score = rng.normal() if noise else -abs(np.log10(x) + 1.5) + 1e-3 * rng.normal()
        if len(directions) == 1:
            for step in (100, 200):
                trial.report(score * step / 200, step)
        if index % 10 == 9 and len(directions) == 1:
            trial.set_user_attr("pruned_at", 200)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        elif index == 5:
            trial.set_user_attr("cause", "seed=1: <script>")
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            trial.set_user_attr("statuses", ["diverged"] if index == 7 else ["exhausted"])
            value = -np.inf if index == 7 else score
            study.tell(trial, [value, 100 * (1 + abs(score)) + len(kind)][: len(directions)])
    return study


def confirmation() -> dict[str, Any]:
    """Proposal 3 less the default: 3, 3 and 6."""
    row = {"params": {"x": 0.03}, "diverged": 0}
    return {
        "search_seeds": [0, 1], "seeds": [10, 11, 12], "aggregate": "mean",
        "objectives": {"aulc": "maximize"},
        "configurations": [
            {**row, "name": "default", "search": {}, "scores": {"aulc": [1.0, 2.0, 3.0]}},
            {**row, "name": "0003", "search": {"aulc": 9.0}, "scores": {"aulc": [4.0, 5.0, 9.0]}},
        ],
    }  # fmt: skip


def test_the_page_has_every_figure_and_escapes_names(tmp_path: Path) -> None:
    study = make()
    study.set_user_attr("confirmation", confirmation())
    page = write_report(study, tmp_path).read_text()
    drawn = {path.name for path in (tmp_path / "figures").glob("*.png")}
    assert drawn == {f"{name}_aulc.png" for name in FIGURES} | {"confirmation_aulc.png"}
    for ending in ("png", "pdf", "svg"):
        assert all(path.stat().st_size > 5000 for path in (tmp_path / "figures").glob(f"*.{ending}"))
    assert "<b>name" not in page
    assert page.count("<script>") == 1
    assert "http" not in page.replace("http-equiv", "")
    assert (tmp_path / "tables" / "trials.csv").read_text().count("\n") == 41
    with open(tmp_path / "tables" / "confirmation.csv", newline="") as file:
        default, winner = csv.DictReader(file)
    assert (tmp_path / "tables" / "importances_aulc.csv").read_text().count("\n") == 4
    assert (default["fresh_seeds"], winner["fresh_seeds"], winner["difference"]) == ("2", "6", "4")


def test_figures_and_tables_of_an_earlier_report_do_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.study.report.paint_all", lambda plots: [])
    write_report(make(n=3), tmp_path)
    for stale in (tmp_path / "figures" / "old.png", tmp_path / "tables" / "old.csv"):
        stale.write_text("of another study")
    (tmp_path / "notes.txt").write_text("mine")
    write_report(make(n=3), tmp_path)
    assert not list(tmp_path.glob("*/old.*"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_null_and_booleans_read_as_in_a_report_on_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Optuna has them as text among other choices, and null as itself where somebody queued it."""
    monkeypatch.setattr("analysis.study.report.paint_all", lambda plots: [])
    study = optuna.create_study()
    study.set_user_attr("objectives", ["aulc"])
    choices = CategoricalDistribution(["null", None, "10"])
    switch = CategoricalDistribution(["True", "false"])
    for norm, double in (("null", "True"), (None, "false"), ("10", "True")):
        params = {"agent.max_grad_norm": norm, "agent.double": double}
        distributions = {"agent.max_grad_norm": choices, "agent.double": switch}
        study.add_trial(optuna.create_trial(params=params, distributions=distributions, value=1.0))
    page = write_report(study, tmp_path).read_text()
    assert page.count("<td>none</td><td>yes</td>") == 1
    assert page.count("<td>none</td><td>no</td>") == 1
    with open(tmp_path / "tables" / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["params.agent.max_grad_norm"] for row in rows] == ["none", "none", "10"]
    assert [row["params.agent.double"] for row in rows] == ["True", "False", "True"]


def test_several_goals(tmp_path: Path) -> None:
    write_report(make(directions=("maximize", "minimize")), tmp_path)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert {"pareto", "history_aulc", "history_steps_to_convergence"} <= drawn
    assert not any(name.startswith("intermediate") for name in drawn)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = str(tmp_path / "journal.log")
    make(journal, n=12)
    assert main(["study", journal, "known <b>name</b>", "--output", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "index.html")
    (tmp_path / "mine" / "figures").mkdir(parents=True)
    assert main(["study", journal, "known <b>name</b>", "--output", str(tmp_path / "mine")]) == 2
    assert "holds figures/ that no report wrote" in capsys.readouterr().err
    assert main(["study", journal, "other"]) == 2
    assert "it holds: known <b>name</b>" in capsys.readouterr().err
    assert main(["study", str(tmp_path / "nowhere"), "other"]) == 2
    assert "neither a journal file" in capsys.readouterr().err


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text("nonsense\n")
    with pytest.raises(AnalysisError, match="line 1 cannot be read"):
        load_study(str(tmp_path / "journal.log"), "s")


def test_the_best_is_finite() -> None:
    data = read_study(make())
    assert len(data.complete) == len(data.finite) + 1  # one diverged
    (best,) = data.front()
    assert best.value == max(trial.value for trial in data.finite)
    told = " ".join(overview(data))
    assert "40 proposals (35 complete, 4 pruned, 1 failed)" in told
    assert "In 1 of them at least one seed diverged" in told


def test_what_made_a_score_infinite_is_noted() -> None:
    """Of four complete proposals one diverged, one was never evaluated, and one has a seed of each kind."""
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("objectives", ["aulc"])
    outcomes = [
        ([1.0, 2.0], ["exhausted", "exhausted"], ""),
        ([1.0, -np.inf], ["exhausted", "diverged"], "1 seed diverged"),
        ([-np.inf, -np.inf], ["exhausted", "exhausted"], "2 seeds without a score"),
        ([-np.inf, -np.inf], ["diverged", "exhausted"], "1 seed diverged, 1 seed without a score"),
    ]
    for index, (scores, statuses, _) in enumerate(outcomes):
        trial = study.ask()
        trial.suggest_float("x", index, index + 1)
        trial.set_user_attr("scores", {"aulc": scores})
        trial.set_user_attr("statuses", statuses)
        study.tell(trial, float(np.mean(scores)))
    data = read_study(study)
    assert [note(trial) for trial in data.trials] == [text for _, _, text in outcomes]
    sentences = " ".join(overview(data))
    assert "In 2 of them at least one seed diverged" in sentences
    assert "In 2 of them at least one seed has no score" in sentences
    labels = figures.history(data, data.goals[0]).legends[0].get_texts()
    assert [label.get_text() for label in labels][-2:] == [
        "a seed diverged: infinitely bad score", "a seed has no score: infinitely bad score",
    ]  # fmt: skip


def test_without_confirmation_nothing_is_claimed() -> None:
    assert "too good" in next(confirmed(None))
