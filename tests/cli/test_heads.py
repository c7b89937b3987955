"""`network.head` from the command line: in a sweep, in a named sweep and in a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.program import TINY, finish, records, run_here, start, wait_until

SMALL = (*TINY, "seed=0", "learner=torch", "network.hidden=[8]", "budget.env_steps=100")


def heads_of(place: Path) -> dict[str, dict[str, Any]]:
    """By the name of each trial's directory, the head that its record tells."""
    records = {path.parent.name: json.loads(path.read_text()) for path in place.rglob("trial.json")}
    return {name: record["config"]["network"]["head"] for name, record in records.items()}


def test_a_named_sweep_of_heads(tmp_path: Path) -> None:
    """Each option has the keys that it knows, and bounds are recorded as numbers; axes may go together."""
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "heads.yaml").write_text(
        "# @package _global_\nzip: [network.head, lr]\nhydra:\n  sweeper:\n    params:\n"
        "      network.head: values,c51\n      lr: 1e-3,1e-4\n      network.head.atoms: 5,7\n"
    )
    ended = run_here("-m", "sweeps=heads", *SMALL, "hydra.sweep.dir=here", cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert "network.head.atoms is left out of trials with network.head=values, which" in ended.out
    found, bounds = heads_of(tmp_path / "here"), {"v_min": 0.0, "v_max": 1 / (1 - 0.99)}
    assert found == {
        "network.head=values,lr=0.001,seed=0": {"name": "values"},
        "network.head=c51,lr=0.0001,network.head.atoms=5,seed=0": {"name": "c51", "atoms": 5, **bounds},
        "network.head=c51,lr=0.0001,network.head.atoms=7,seed=0": {"name": "c51", "atoms": 7, **bounds},
    }


def test_a_study_of_heads(tmp_path: Path) -> None:
    start = "hydra.sweeper.start=[{network.head: c51}]"
    options = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "confirm.top=0", start)
    ended = run_here("-m", *options, "network.head=values,c51", *SMALL, cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert [head["name"] for head in heads_of(tmp_path / "outputs").values()] == ["c51"]


def test_rainbow_is_all_of_its_parts(tmp_path: Path) -> None:
    given = ("agent=rainbow", "env=lunarlander", "agent.learning_starts=40", "hydra.run.dir=here")
    ended = run_here(*SMALL, *given, "evaluation.max_episode_steps=20", cwd=tmp_path)
    assert ended.code == 0, ended.said
    record = json.loads((tmp_path / "here" / "trial.json").read_text())
    config = record["config"]
    assert config["network"]["head"] == {"name": "c51", "atoms": 51, "v_min": -300.0, "v_max": 300.0}
    assert (config["network"]["dueling"], config["network"]["noisy"]) == (True, True)
    assert (config["replay"]["name"], config["replay"]["n_step"]) == ("prioritised", 3)
    assert (config["exploration"]["start"], config["exploration"]["end"]) == (0.0, 0.0)
    assert (config["agent"]["double"], record["learner"]) == (True, "torch")


def test_a_killed_rainbow_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Noise, priorities and sums of rewards are where they were."""
    job = ("agent=rainbow", "agent.learning_starts=50", "network.hidden=[8]", *TINY, "budget.env_steps=2k")
    job = (*job, "train_every=8", "checkpoint.every_seconds=0")
    assert run_here(*job, "hydra.run.dir=whole", cwd=tmp_path).code == 0
    process = start(*job, "hydra.run.dir=killed", cwd=tmp_path)
    losses = tmp_path / "killed" / "losses.csv"
    wait_until(lambda: losses.exists() and len(losses.read_bytes().splitlines()) > 4)
    process.kill()
    assert finish(process, tmp_path).code == -9
    assert run_here(*job, "hydra.run.dir=killed", cwd=tmp_path).code == 0
    attempts = json.loads((tmp_path / "killed" / "trial.json").read_text())["attempts"]
    assert [attempt["from_env_step"] > 50 for attempt in attempts] == [False, True]
    assert records(tmp_path / "killed") == records(tmp_path / "whole")
