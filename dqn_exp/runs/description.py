"""What a trial is and how it was run: the content of trial.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dqn_exp.agent import choose_learner, resolve_device
from dqn_exp.config import FORMAT, Config
from dqn_exp.runs.files import read_json, write_json
from dqn_exp.runs.provenance import now
from dqn_exp.training import Run


def describe(run: Run, directory: Path, provenance: dict[str, Any], is_exact: bool) -> dict[str, Any]:
    """The description of `run`, with the present attempt behind those that `directory` tells of.

    is_exact: could the environments be brought to where the trial was saved?
    """
    config, began = run.config, now()
    attempt = {"started": began, "from_env_step": run.clock.env_steps, "exact": is_exact, **provenance}
    attempts = [*_attempts(directory / "trial.json"), attempt]
    return {
        "format": FORMAT,
        "config": config.record(),
        "config_hash": config.hash(),
        "seed": config.seed,
        "learner": choose_learner(config),
        "device": resolve_device(config.device),
        **{key: attempts[0].get(key) for key in ("started", *provenance)},
        "attempts": attempts,
    }


def rewrite(config: Config, directory: Path) -> None:
    """Let the description say `config`, whose larger budget would have changed nothing."""
    path = directory / "trial.json"
    write_json(path, {**read_json(path), "config": config.record(), "config_hash": config.hash()})


def _attempts(path: Path) -> list[dict[str, Any]]:
    """The attempts that a description tells of; one of format 1 is itself that of the latest."""
    if not path.exists():
        return []
    record = read_json(path)
    if record["format"] == 1:
        return [{key: value for key, value in record.items() if key not in _OF_THE_TRIAL}]
    attempts: list[dict[str, Any]] = record["attempts"]
    return attempts


_OF_THE_TRIAL = ("format", "config", "config_hash", "seed", "learner", "device")
