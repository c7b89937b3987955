"""The command line itself: help, information, one trial and its continuation."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hydra.core.config_store import ConfigStore

from dqn_exp.__main__ import main
from dqn_exp.cli.single import interrupted_run
from tests.program import ROOT, TINY, finish, records, run, run_here, start, wait_until


def test_help_comes_at_once() -> None:
    """Without the packages that take long to import."""
    command = [sys.executable, "-X", "importtime", "-m", "dqn_exp", "--help"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "dqn_exp.cli" in imported
    assert not imported & {"hydra", "omegaconf", "torch", "numpy", "gymnasium", "pandas", "optuna"}


def test_information(tmp_path: Path) -> None:
    config = run_here("--cfg", "job", "buffer=17k", cwd=tmp_path)
    assert config.code == 0
    assert "buffer: 17k\n" in config.out
    assert "capacity: ${buffer}" in config.out
    plugins = run_here("--info", "plugins", cwd=tmp_path)
    assert plugins.code == 0
    assert "ParallelLauncher" in plugins.out
    assert "GridSweeper" in plugins.out
    assert run_here("--hydra-help", cwd=tmp_path).code == 0
    assert not list(tmp_path.iterdir())


def test_one_trial(tmp_path: Path) -> None:
    ended = run_here(*TINY, "seed=4", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert "exhausted after" in ended.out
    (trial,) = (tmp_path / "outputs" / "runs").iterdir()
    record = json.loads((trial / "trial.json").read_text())
    assert (record["seed"], record["config"]["buffer"]) == (4, 20_000)
    assert record["command"].endswith("seed=4")
    assert (trial / ".hydra" / "config.yaml").exists()


def test_an_unfinished_trial_of_a_newer_format_is_passed_over(tmp_path: Path) -> None:
    for name, found in (("a", 2), ("b", 99)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trial.json").write_text(json.dumps({"format": found, "config_hash": "abc"}))
    assert interrupted_run(tmp_path, "abc") == tmp_path / "a"
    (tmp_path / "a" / "trial.json").unlink()
    assert interrupted_run(tmp_path, "abc") is None


def test_an_interrupted_trial_is_found_and_continued(tmp_path: Path) -> None:
    job = ("budget.env_steps=4k", *TINY[1:], "checkpoint.every_seconds=0", "hydra.run.dir=whole")
    assert run_here(*job, cwd=tmp_path).code == 0
    runs = tmp_path / "outputs" / "runs"
    process = start(*job[:-1], cwd=tmp_path)
    wait_until(lambda: bool(list(runs.glob("*/checkpoint.safetensors"))))
    process.send_signal(signal.SIGINT)
    ended = finish(process, tmp_path)
    (trial,) = runs.iterdir()
    assert (ended.code, ended.err) == (130, "\nInterrupted. The same command continues.\n")
    assert json.loads((trial / "result.json").read_text())["status"] == "interrupted"
    continued = run_here(*job[:-1], cwd=tmp_path)
    assert continued.code == 0, continued.said
    assert [path.name for path in runs.iterdir()] == [trial.name]
    assert records(trial) == records(tmp_path / "whole")


def test_an_error_in_a_single_trial_is_shown_and_recorded(tmp_path: Path) -> None:
    where = ("imports=[tests.launch.fragile]", "env=gymnasium", "env.id=probe/Fragile-v0")
    ended = run_here(*TINY, *where, "+env.kwargs.trouble=error", "hydra.run.dir=trial", cwd=tmp_path)
    assert ended.code == 1
    assert "failed: RuntimeError: the pole broke" in ended.out
    assert "Traceback" in ended.err
    assert "Traceback" in (tmp_path / "trial" / "trial.log").read_text()


def test_a_single_trial_that_failed_is_continued_where_it_was_saved(tmp_path: Path) -> None:
    """Its environment breaks at the 150th step of the first process that gets there."""
    (tmp_path / "brittle.py").write_text(BRITTLE)
    job = ("imports=[brittle]", "env=gymnasium", "env.id=Brittle-v0", "convergence.threshold=inf")
    job = (*TINY, *job, "env.max_episode_steps=40", "checkpoint.every_seconds=0", "metrics.loss_every=1")
    assert run(*job, cwd=tmp_path).code == 1
    (trial,) = (tmp_path / "outputs" / "runs").iterdir()
    assert json.loads((trial / "result.json").read_text())["status"] == "failed"
    ended = run(*job, cwd=tmp_path)
    assert ended.code == 0, ended.said
    record = json.loads((trial / "trial.json").read_text())
    assert record["attempts"][1]["from_env_step"] > 100
    assert json.loads((trial / "result.json").read_text())["status"] == "exhausted"


@pytest.fixture
def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> str:
    """Hydra's `now` stands still: the name of every default directory."""
    clock = Mock(now=lambda: datetime(2001, 9, 9, 1, 46, 40))
    monkeypatch.setattr("hydra.core.utils.datetime", clock)
    return "2001-09-09_01-46-40"


def test_two_runs_in_one_second_have_a_directory_each(frozen_clock: str, tmp_path: Path) -> None:
    for seed in (1, 2):
        ended = run_here(*TINY, f"seed={seed}", cwd=tmp_path)
        assert ended.code == 0, ended.said
    runs = tmp_path / "outputs" / "runs"
    assert {p.name: read_seed(p) for p in runs.iterdir()} == {frozen_clock: 1, f"{frozen_clock}_2": 2}


def test_two_sweeps_in_one_second_have_a_directory_each(frozen_clock: str, tmp_path: Path) -> None:
    for value in ("0.5", "0.6"):
        sweep = ("-m", f"gamma={value}", "seed=0", "hydra/launcher=basic")
        ended = run_here(*sweep, *TINY, cwd=tmp_path)
        assert ended.code == 0, ended.said
    sweeps = tmp_path / "outputs" / "sweeps"
    assert {p.name for p in sweeps.iterdir()} == {frozen_clock, f"{frozen_clock}_2"}
    assert all(read_seed(p / "seed=0") == 0 for p in sweeps.iterdir())


def read_seed(trial: Path) -> int:
    return int(json.loads((trial / "trial.json").read_text())["seed"])


def test_a_second_command_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook: each is its own, what was wrong with one is told again, nothing is left behind."""
    commands = ("buffer=-5", "buffer=-5", "seed=3", "seed=4", "-m gamma=0.5 seed=5 hydra/launcher=basic")

    def all_of_them() -> None:
        before = dict(os.environ)
        for command in commands:
            sys.argv = ["dqn_exp", *command.split(), *TINY]
            with suppress(SystemExit):
                main()
            assert sys.argv == ["dqn_exp", *command.split(), *TINY]
            assert dict(os.environ) == before

    monkeypatch.setattr("tests.program.main", all_of_them)
    ended = run_here(cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert ended.err == 2 * "buffer=-5: must be greater than or equal to 1\n"
    records = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/**/trial.json")]
    typed = {r["seed"]: r["command"].removesuffix(" ".join(("", *TINY))) for r in records}
    assert typed == {int(c.split("seed=")[1][0]): f"python dqn_exp {c}" for c in commands[2:]}


@pytest.mark.parametrize("logging", ["disabled", "none", "stdout"])
def test_logging_as_hydra_offers_it(logging: str, tmp_path: Path) -> None:
    ended = run_here(*TINY, f"hydra/job_logging={logging}", "hydra.run.dir=trial", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert not (tmp_path / "trial" / "trial.log").exists()
    assert logging == "none" or ("training from environment step 0" in ended.out) == (logging == "stdout")


def test_a_relative_path_means_where_the_command_was_typed(tmp_path: Path) -> None:
    assert run_here(*TINY, "hydra.run.dir=first", cwd=tmp_path).code == 0
    again = ("init_from=first", "hydra.job.chdir=true")
    for command in (
        ("hydra.run.dir=second",),
        ("-m", "hydra.sweep.dir=.", "hydra.sweep.subdir=third", "seed=0"),
    ):
        ended = run_here(*command, *again, *TINY, cwd=tmp_path)
        assert ended.code == 0, ended.said
    for trial in ("second", "third"):
        record = json.loads((tmp_path / trial / "trial.json").read_text())
        assert record["config"]["init_from"] == str(tmp_path / "first")


@dataclass
class Official:
    """The schema that the official plugin registers by our sweeper's name."""

    n_trials: int = 20
    defaults: list[Any] = field(default_factory=lambda: [{"sampler": "tpe"}])


def test_the_official_plugin_may_be_installed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfigStore.instance(), "repo", copy.deepcopy(ConfigStore.instance().repo))
    for group, name in (("hydra/sweeper", "optuna"), ("hydra/sweeper/sampler", "tpe")):
        ConfigStore.instance().store(group=group, name=name, node=Official, provider="optuna_sweeper")
    ended = run_here("-m", "hydra/sweeper=optuna", "lr=-1,2", cwd=tmp_path)
    assert ended.err.startswith("lr=-1"), ended.said


BRITTLE = """
import pathlib
import gymnasium
from gymnasium.envs.classic_control import CartPoleEnv

class Brittle(CartPoleEnv):
    steps = 0

    def step(self, action):
        Brittle.steps += 1
        if Brittle.steps > 150 and not pathlib.Path("broken").exists():
            pathlib.Path("broken").touch()
            raise RuntimeError("it broke")
        return super().step(action)

gymnasium.register("Brittle-v0", Brittle)
"""


@pytest.mark.parametrize("flag", ["--config-dir", "hydra.searchpath"])
def test_hydras_own_ways_to_add_configuration(flag: str, tmp_path: Path) -> None:
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ngamma: 0.5\n")
    add = [flag, "own"] if flag.startswith("--") else [f"{flag}=[file://{tmp_path / 'own'}]"]
    ended = run_here(*add, "experiment=mine", *TINY, "hydra.run.dir=trial", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert json.loads((tmp_path / "trial" / "trial.json").read_text())["config"]["gamma"] == 0.5


def test_multirun_may_stand_between_overrides(tmp_path: Path) -> None:
    ended = run_here("seed=0,1", "-m", "lr=1e-3", "dry_run=true", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "2 trials" in ended.out
