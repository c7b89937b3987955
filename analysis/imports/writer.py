"""Writes imported trials as a sweep in the format of our records."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports.trial import Columns, ImportedTrial, RunFacts
from analysis.records import EVALUATIONS, IMPORTED, JUDGED_BY, PROGRAM, TRAINING, Value, in_blocks
from dqn_exp.config import FORMAT, SHORT_NAMES
from dqn_exp.convergence import convergence_index
from dqn_exp.runs import (
    COLUMNS,
    DESCRIPTION,
    MANIFEST,
    MANIFEST_FORMAT,
    RESULT,
    MetricsWriter,
    Result,
    metrics_path,
    now,
)


def check_free(directory: Path) -> None:
    """Raise AnalysisError if `directory` exists and is not an empty folder."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise AnalysisError(f"--to {directory} already exists; allowed: a new folder, or an empty one")


def write_sweep(trials: Sequence[ImportedTrial], facts: RunFacts, directory: Path, command: str) -> None:
    """Write the sweep `directory` in one step, so that a killed command leaves no partial sweep."""
    check_free(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = directory.with_name(f".{directory.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed command
    try:
        listed = [_write_trial(trial, facts, temporary / trial.name) for trial in trials]
        plan = {
            "format": MANIFEST_FORMAT,
            "command": command,
            "started": now(),
            "complete": True,
            "trials": listed,
        }
        _write(temporary / MANIFEST, plan)
        os.rename(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_trial(trial: ImportedTrial, facts: RunFacts, folder: Path) -> dict[str, Any]:
    """Write one trial; returns its entry in the plan of the sweep."""
    folder.mkdir(parents=True)
    for kind, columns in (("episodes", trial.episodes), ("evaluations", trial.evaluations)):
        if columns:
            _write_metrics(folder, kind, columns)
    config = {**_with_long_names(trial.config), **rule(trial, facts), PROGRAM: trial.program}
    digest = _digest(trial, config)
    description = {
        "format": FORMAT,
        "config": config,
        "config_hash": digest,
        "seed": trial.seed,
        IMPORTED: {"program": trial.program, "path": str(trial.path.absolute()), "read": now()},
        "attempts": [{}],
    }
    _write(folder / DESCRIPTION, description)
    _write(folder / RESULT, _result(trial, config))
    return {"name": trial.name, "seed": trial.seed, "hash": digest, "overrides": []}


def _with_long_names(config: Mapping[str, Value]) -> dict[str, Value]:
    """`config` where values with a short name also appear under the long one, as in our own records."""
    return {**config, **{long: config[short] for long, short in SHORT_NAMES.items() if short in config}}


def rule(trial: ImportedTrial, facts: RunFacts) -> dict[str, Value]:
    """Our rule of convergence for this trial, with the user's threshold or that of its environment."""
    environment = facts.environment or trial.config.get("env.id")
    threshold = registered_threshold(environment) if facts.threshold is None else facts.threshold
    values: dict[str, Value] = {
        "convergence.consecutive": facts.consecutive,
        "convergence.stop": False,
        JUDGED_BY: EVALUATIONS if trial.evaluations else TRAINING,
    }
    values |= {} if threshold is None else {"convergence.threshold": threshold}
    return values | ({} if environment is None else {"env.id": environment})


def registered_threshold(environment: Value) -> float | None:
    """The return at which gymnasium calls an environment solved; None if unknown. Imports no environment."""
    import gymnasium

    spec = gymnasium.registry.get(str(environment))
    return None if spec is None or spec.reward_threshold is None else float(spec.reward_threshold)


def _result(trial: ImportedTrial, config: Mapping[str, Value]) -> dict[str, Any]:
    judged = trial.evaluations or in_blocks(_complete("episodes", trial.episodes))
    threshold, status = config.get("convergence.threshold"), trial.status
    if status == "exhausted" and threshold is not None and len(judged.get("mean_return", ())):
        index = convergence_index(
            judged["mean_return"], float(threshold), int(config["convergence.consecutive"] or 1)
        )
        status = status if index is None else "converged"
    totals = {"episodes": "episode", "env_steps": "env_step", "updates": "update"}
    known = vars(Result(status, trial.cause))
    return {
        **dict.fromkeys(known),
        "status": status,
        "cause": trial.cause,
        **{name: _whole(trial.total(clock)) for name, clock in totals.items()},
        "final_return": _known(trial.final_return),
        "final_returns": [],
        "measures": {},
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else int(value)


def _complete(kind: str, columns: Columns) -> dict[str, Any]:
    """All columns of a metrics file; unknown columns hold NaN."""
    rows = max(map(len, columns.values()), default=0)
    return {name: columns.get(name, np.full(rows, np.nan)) for name in COLUMNS[kind]}


def _write_metrics(folder: Path, kind: str, columns: Columns) -> None:
    complete = _complete(kind, columns)
    writer = MetricsWriter(metrics_path(folder, kind), COLUMNS[kind])
    for row in zip(*(_numbers(values) for values in complete.values()), strict=True):
        writer.append(row)
    writer.close()


def _numbers(values: Iterable[float]) -> list[float | int]:
    """`values` with whole numbers as int."""
    return [int(value) if float(value).is_integer() else float(value) for value in values]


def _digest(trial: ImportedTrial, config: Mapping[str, Value]) -> str:
    """Twelve hexadecimal digits, the same for each import of the same log."""
    content = hashlib.sha256(json.dumps([config, trial.seed], sort_keys=True).encode())
    for columns in (trial.episodes, trial.evaluations):
        for name in sorted(columns):
            content.update(name.encode() + np.ascontiguousarray(columns[name], dtype=np.float64).tobytes())
    return content.hexdigest()[:12]


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
