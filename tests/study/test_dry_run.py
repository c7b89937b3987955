"""The dry run of a study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from dqn_exp.config import Config
from dqn_exp.launch.pace import Pace, kind
from tests.program import TINY, run_here, tree

COMMAND = (
    "-m", "hydra/sweeper=optuna", *TINY, "lr=tag(log,interval(1e-4,1e-2))", "buffer=interval(500,1k)",
    "network.hidden=[8],[16]", "seed=0,1", "hydra.sweeper.n_trials=2", "hydra.launcher.n_jobs=2",
    "confirm.top=1", "confirm.seeds=[7]",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


def test_a_study(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(configs: Sequence[Config], at_a_time: int) -> dict[str, Pace]:
        return {kind(config): Pace(0.1, 0.01, 20.0) for config in configs}

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", measured)
    ended = run_here(*COMMAND, "dry_run=true", cwd=place)
    assert (ended.code, ended.err) == (0, "")
    for told in (
        "2 proposals, 0 done\n",
        "0.0001 to 0.01 on a log scale",
        "500 to 1k",
        "[8], [16]",
        "Seeds of each proposal: 0, 1",
        "Sampler: tpe",
        "Pruner: none",
        "Objective: maximize aulc (mean over seeds)",
        "Confirmed: the default and the best 1, on seeds 7",
        # 400 rows of 48 bytes in each
        "Memory: 76800 bytes for the replays of 4 trials at a time",
        # 2 proposals x 2 seeds and 2 trials of confirmation, of 40 s and more each
        "Time: about 0:02:02 to 0:02:45 with 2 workers.",
    ):
        assert told in ended.out
    assert list(place.iterdir()) == []


def test_a_study_over_environments(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(configs: Sequence[Config], at_a_time: int) -> dict[str, Pace]:
        assert {config.env.id for config in configs} == {"CartPole-v1", "Acrobot-v1"}
        return {kind(config): Pace(0.1, 0.01, 20.0) for config in configs}

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", measured)
    ended = run_here(*COMMAND, "objective.over=[cartpole,acrobot]", "dry_run=true", cwd=place)
    assert (ended.code, ended.err) == (0, "")
    assert "Environments of each proposal: cartpole, acrobot; each score is scaled by its" in ended.out
    assert "for the replays of 8 trials at a time, at the largest" in ended.out
    assert list(place.iterdir()) == []


def test_what_is_done_of_a_study(place: Path) -> None:
    brief = (*COMMAND, "hydra.sweeper.n_trials=1", "confirm.top=0")
    assert run_here(*brief, cwd=place).code == 0
    before = tree(place)
    ended = run_here(*brief, "dry_run=true", cwd=place)
    assert ended.code == 0, ended.said
    assert "1 proposal, 1 done" in ended.out
    assert "Time" not in ended.out
    assert tree(place) == before


def test_a_study_of_a_newer_format_is_refused_and_kept(place: Path) -> None:
    (place / "study").mkdir()
    content = {"format": 99, "study": {"name": "s", "storage": "journal.log"}}
    (place / "study" / "sweep.json").write_text(json.dumps(content))
    before = tree(place)
    for further in ("dry_run=true", "dry_run=false"):
        ended = run_here(*COMMAND, "hydra.sweep.dir=study", further, cwd=place)
        assert ended.code == 2
        message = "sweep.json was written by a newer version of dqn_exp: it has format 99; allowed: format 1"
        assert message in ended.err
        assert "Traceback" not in ended.said
    assert tree(place) == before
