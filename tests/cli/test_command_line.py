"""No part of a command line is ignored silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from dqn_exp.cli.command_line import OF_A_STUDY, OF_THE_COMMAND, check_command, check_params
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.paths import CONF
from tests.program import TINY, run_here

DROPPED = {
    "sweeps=buffer_size": "allowed: python -m dqn_exp -m sweeps=buffer_size$",
    "lr=1e-3 hydra.launcher.n_jobs=8": "^hydra.launcher.n_jobs=8 applies to many trials",
    "hydra.sweep.dir=x": "applies to many trials",
    "hydra/sweeper=optuna": "applies to many trials",
    "hydra.sweeper.n_trials=3": "applies to many trials",
    "+hydra.sweeper.params.lr=range(3)": r"-m '\+hydra.sweeper.params.lr=range\(3\)'$",
    "confirm.top=0": "applies to many trials",
    "objective=aulc": "applies to many trials",
    "-m hydra.run.dir=x": "hydra.run.dir=x is used only without -m; .* hydra.sweep.dir",
    "-m sweeps=buffer_size,noise": "allowed: one in a command, such as -m sweeps=buffer_size$",
    "-m sweeps=choice(buffer_size,noise)": "such as -m sweeps=buffer_size$",
    "-m lr=1,2 --cfg job": "^--cfg job shows one trial, and -m runs many",
}
KEPT = (
    "",
    "lr=1e-3 hydra.run.dir=x hydra.job.chdir=true experiment=notebook",
    "--cfg job sweeps=buffer_size hydra.launcher.n_jobs=8",
    "--info config hydra/sweeper=optuna",
    "-m sweeps=buffer_size hydra.sweep.dir=x hydra.launcher.n_jobs=8",
    "-m hydra/sweeper=optuna lr=1,2 confirm.seeds=53,54 objective=final_return",
    "hydra.mode=MULTIRUN sweeps=buffer_size",
)


@pytest.mark.parametrize("command", DROPPED)
def test_what_would_be_dropped_is_refused(command: str) -> None:
    with pytest.raises(ConfigError, match=DROPPED[command]):
        check_command(["dqn_exp", *command.split()])


@pytest.mark.parametrize("command", KEPT)
def test_what_has_an_effect_is_not(command: str) -> None:
    check_command(["dqn_exp", *command.split()])


AT_THE_TOP = {
    "objective": "`- override /objective: ...` below `defaults` at the top of the file, or objective=... on",
    "objective.aggregate": "`objective.aggregate` at the top of the file, or objective.aggregate=... on",
    "+objective.over": "`objective.over` at the top of the file, or objective.over=... on",
    "confirm.top": "`confirm.top` at the top",
    "report": "`report` at the top",
    "dry_run": "`dry_run` at the top",
}


@pytest.mark.parametrize("key", AT_THE_TOP)
def test_what_is_no_value_of_a_trial_is_refused_below_params(key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_params(["lr", key], OF_A_STUDY)
    assert str(refused.value).startswith(f"hydra.sweeper.params.{key} would have no effect: ")
    assert AT_THE_TOP[key] in str(refused.value)


@pytest.mark.parametrize("not_for", [OF_A_STUDY, OF_THE_COMMAND])
def test_what_has_an_effect_below_params_is_not(not_for: tuple[str, ...]) -> None:
    check_params(["lr", "confirm.seeds", "reuse", "objectives", "seed", "zip"], not_for)


@pytest.mark.parametrize("sweeper", ["grid", "optuna"])
def test_both_sweepers_look_at_params(sweeper: str, tmp_path: Path) -> None:
    command_line = (
        "-m",
        *TINY,
        f"hydra/sweeper={sweeper}",
        "lr=0.1,0.2",
        "+hydra.sweeper.params.dry_run=true",
    )
    ended = run_here(*command_line, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("hydra.sweeper.params.dry_run would have no effect")
    assert ended.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_it_is_asked_before_anything_starts(tmp_path: Path) -> None:
    ended = run_here("sweeps=buffer_size", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("sweeps=buffer_size applies to many trials")
    assert not list(tmp_path.iterdir())


OWN = """# @package _global_
defaults:
  - override /hydra/launcher: basic
  - override /hydra/job_logging: stdout
  - override /hydra/sweeper: optuna
  - override /hydra/sweeper/sampler: random
hydra:
  sweeper:
    n_trials: 1
    params:
      lr: 1e-3,1e-2
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("sweeps", "conf/experiment"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "own.yaml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides), return_hydra_config=True).hydra


@pytest.mark.parametrize("group", ["sweeps", "experiment"])
def test_a_file_chooses_how_its_trials_are_run(group: str, place: Path) -> None:
    chosen = composed(f"{group}=own")
    assert chosen.launcher._target_.endswith("BasicLauncher")
    assert chosen.sweeper._target_.endswith("OptunaSweeper")
    assert chosen.sweeper.sampler._target_.endswith("RandomSampler")
    assert chosen.job_logging.root.handlers == ["console"]


def test_the_command_line_chooses_otherwise(place: Path) -> None:
    chosen = composed("sweeps=own", "hydra/launcher=parallel", "hydra/sweeper/sampler=qmc")
    assert chosen.launcher._target_.endswith("ParallelLauncher")
    assert chosen.sweeper.sampler._target_.endswith("QMCSampler")


def test_where_nothing_is_chosen(place: Path) -> None:
    chosen = composed()
    assert chosen.launcher._target_.endswith("ParallelLauncher")
    assert chosen.sweeper._target_.endswith("GridSweeper")
    assert chosen.job_logging.root.handlers == ["file"]


def test_a_study_that_a_file_asks_for_is_run(place: Path) -> None:
    ended = run_here("-m", "sweeps=own", *TINY, "seed=0", "confirm.top=0", "learner=torch", cwd=place)
    assert ended.code == 0, ended.said
    assert "proposal 0: aulc" in ended.out


def test_options_of_a_study_in_a_plain_sweep_say_what_is_missing(place: Path) -> None:
    text = "".join(line for line in OWN.splitlines(True) if "override" not in line).replace("defaults:\n", "")
    (place / "sweeps" / "plain.yaml").write_text(text)
    ended = run_here("-m", "sweeps=plain", cwd=place)
    assert ended.code == 2, ended.said
    assert ended.err.startswith("hydra.sweeper.n_trials is an option of studies")
    assert "override /hydra/sweeper: optuna" in ended.err


def test_one_value_of_many_cannot_choose_for_all(place: Path) -> None:
    ended = run_here("-m", "experiment=notebook,own", "seed=0", cwd=place)
    assert ended.code == 2, ended.said
    assert ended.err.startswith("experiment=own: sets hydra.launcher, which must be the same for")
