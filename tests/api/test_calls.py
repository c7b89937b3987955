"""The functions of the Python API with real trials, compared with the equivalent commands."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dqn_exp
from analysis import load_runs
from analysis.errors import AnalysisError
from dqn_exp.config import ConfigError
from dqn_exp.registry import networks, observers
from dqn_exp.runs import Observer, read_json
from dqn_exp.training import EpisodeEnded, Evaluated, Learned
from tests.program import ROOT, SMALL, records, run_here

AXES = {"buffer": [500, "17k"]}
NAMES = [f"buffer={buffer},seed={seed}" for buffer in AXES["buffer"] for seed in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory of all calls."""
    place = tmp_path_factory.mktemp("calls")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


@pytest.fixture(scope="module")
def swept(folder: Path) -> dqn_exp.Sweep:
    return dqn_exp.sweep(SMALL, axes=AXES, seeds=2, directory="ours")


def test_the_command_that_is_recorded_continues_it(swept: dqn_exp.Sweep, folder: Path) -> None:
    """And trains what is missing to the same bytes."""
    ours = folder / "ours"
    manifest, trial = read_json(ours / "sweep.json"), read_json(ours / NAMES[0] / "trial.json")
    hydra = (ours / NAMES[0] / ".hydra" / "hydra.yaml").read_bytes()
    assert (ours / "multirun.yaml").exists()
    (ours / NAMES[1]).rename(folder / "kept")
    program, _, _, *arguments = shlex.split(manifest["command"])
    ended = run_here(*arguments, cwd=folder)
    assert (program, ended.code) == ("python", 0), ended.said
    assert read_json(ours / NAMES[0] / "trial.json") == trial
    assert (ours / NAMES[0] / ".hydra" / "hydra.yaml").read_bytes() == hydra
    assert records(ours / NAMES[1]) == records(folder / "kept")
    again = read_json(ours / "sweep.json")
    assert {**again, "command": manifest["command"]} == manifest


def test_a_sweep_is_tables_and_figures(swept: dqn_exp.Sweep) -> None:
    runs = swept.runs()
    assert set(runs["buffer"]) == {500, 17_000}
    assert set(runs["run"]) == set(load_runs([swept])["run"]) == set(NAMES)
    assert set(swept.curves("evaluations")["buffer"]) == {500, 17_000}
    assert swept.trial(NAMES[2]).result.env_steps == 400
    with pytest.raises(ConfigError, match=r"'buffer=1' is not a trial of ours; allowed: a value of"):
        swept.trial("buffer=1")
    shown = swept._repr_html_()
    assert "How does buffer change" in shown
    assert ">17k</td>" in shown
    assert shown.count("data:image/png;base64,") == 1
    assert swept.figure("returns")._repr_html_().count("<img") == 1


def state() -> tuple[Any, ...]:
    """What a call may change in its process, and puts back."""
    root, handler = logging.getLogger(), signal.getsignal(signal.SIGTERM)
    return list(sys.argv), dict(os.environ), root.level, list(root.handlers), handler


def test_training_tells_what_a_record_holds(folder: Path) -> None:
    stopping = SMALL | {"convergence.threshold": 5, "convergence.consecutive": 1, "convergence.stop": True}
    training = dqn_exp.train(stopping, buffer="17k", seed=3)
    events = list(training)
    assert (training.status, training.config.buffer, training.run.clock.env_steps) == (
        "converged",
        17_000,
        200,
    )
    before = state()
    trial = dqn_exp.run(stopping, buffer="17k", seed=3)
    assert state() == before
    assert (trial.result.status, trial.config.seed) == ("converged", 3)
    assert (trial.directory / "trial.log").read_text()
    episodes = trial.curves("episodes")
    assert [e.total_return for e in events if isinstance(e, EpisodeEnded)] == list(episodes["return"])
    assert [e.score.mean for e in events if isinstance(e, Evaluated)] == list(
        trial.curves("evaluations")["mean_return"]
    )
    assert [e.update for e in events if isinstance(e, Learned)] == list(trial.curves("losses")["update"])


@observers.register("notes")
class Notes(Observer):
    def __init__(self, run: Any, directory: Path) -> None:
        pass


def typed() -> None:
    """A part that somebody has typed into a notebook."""


typed.__module__ = "__main__"
networks.register("typed")(typed)

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "typo": (lambda: dqn_exp.sweep(bufer=5), "bufer is not a key. Did you mean 'buffer'?"),
    "value": (lambda: dqn_exp.train(buffer=-4), "buffer=-4: must be greater than or equal to 1"),
    "axis": (lambda: dqn_exp.sweep(axes={"buffer": [500, "abc"]}), "buffer='abc': not a size"),
    "seed": (lambda: dqn_exp.sweep(seed=3), r"seed=3 applies to one trial only; allowed here: seeds=\[3\]"),
    "study": (lambda: dqn_exp.sweep(sweeps="tune_cartpole"), r"allowed: dqn_exp.study\(...\)"),
    "track": (lambda: dqn_exp.train(track=["tensorboard"]), "they need a record, and train"),
    "observers": (lambda: dqn_exp.train(observers={"notes": {}}), "allowed: dqn_exp.run"),
    "parts": (lambda: dqn_exp.sweep(network={"name": "typed"}), "'typed' is registered in this script"),
    "dry": (lambda: dqn_exp.run(dry_run=True), "allowed: python -m dqn_exp dry_run=true"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_command_refuses_is_refused(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, message = REFUSED[case]
    with pytest.raises(ConfigError, match=message):
        call()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_study_has_its_best(folder: Path) -> None:
    space = {"lr": dqn_exp.interval(1e-4, 1e-2, log=True), "network.hidden": [[8], [8, 8]]}
    study = dqn_exp.study(
        SMALL | {"confirm.top": 0}, space=space, n_trials=2, seeds=1, directory="study", sampler="random"
    )
    trials = study.trials()
    assert len(trials) == 2
    best = study.best
    assert set(best) == {"lr", "network.hidden"}
    assert best["network.hidden"] in ([8], [8, 8])
    assert list(dqn_exp.train(SMALL | best).config.network.hidden) == best["network.hidden"]
    assert best["lr"] == trials.loc[trials["aulc"].idxmax(), "params.lr"]
    shown = dqn_exp.Study("study")._repr_html_()
    assert "Best in the search" in shown
    assert "data:image/png;base64," in shown


def test_the_package_is_quick_to_import() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import dqn_exp"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"hydra", "omegaconf", "torch", "numpy", "gymnasium", "pandas", "optuna"}


def test_a_study_is_found_by_its_record(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"holds no study \(no sweep.json of one in it\)"):
        _ = dqn_exp.Study(tmp_path).optuna
    (tmp_path / "sweep.json").write_text('{"format": 99, "study": {"name": "s", "storage": "journal.log"}}')
    with pytest.raises(ConfigError, match="it has format 99; allowed: format 1"):
        _ = dqn_exp.Study(tmp_path).optuna


def test_the_configuration_of_a_trial_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trial.json").write_text('{"format": 99, "config": {}}')
    with pytest.raises(ConfigError, match="it has format 99; allowed: formats 1, 2"):
        _ = dqn_exp.Trial(tmp_path).config
