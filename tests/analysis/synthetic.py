"""Synthetic sweeps with known answers, written in the format of docs/records.md."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dqn_exp.runs.metrics import COLUMNS, MetricsWriter

BUDGET = 50_000
SPACING = 500
THRESHOLD = 195.0


def base_config() -> dict[str, Any]:
    return {
        "buffer": 16384, "batch": 256, "update_every": 5, "train_every": 1, "lr": 0.05,
        "gamma": 0.99, "seed": 0, "imports": [], "learner": "auto", "device": "cpu",
        "env": {"id": "CartPole-v1", "kwargs": {}, "max_episode_steps": 200, "wrappers": []},
        "agent": {"double": False, "loss": "mse", "max_grad_norm": None, "learning_starts": 256},
        "network": {"name": "mlp", "hidden": [128]},
        "replay": {"name": "uniform", "capacity": 16384, "batch_size": 256},
        "optimizer": {"name": "adam", "lr": 0.05, "beta1": 0.9},
        "target": {"name": "episodes", "every": 5, "tau": 1.0},
        "budget": {"episodes": None, "env_steps": BUDGET},
        "evaluation": {"every_episodes": None, "every_steps": SPACING, "episodes": 5},
        "convergence": {"threshold": THRESHOLD, "consecutive": 3, "stop": True},
    }  # fmt: skip


def configured(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The base configuration with dotted overrides; short names reach their sections."""
    config = base_config()
    reaches = {"buffer": "replay.capacity", "batch": "replay.batch_size",
               "update_every": "target.every", "lr": "optimizer.lr"}  # fmt: skip
    for name, value in overrides.items():
        for dotted in filter(None, (name, reaches.get(name))):
            *sections, key = dotted.split(".")
            section = config
            for part in sections:
                section = section.setdefault(part, {})
            section[key] = value
    return config


def evaluation_rows(time: float, end: float, spacing: int, rng: np.random.Generator) -> list[Any]:
    """One evaluation every `spacing` steps: solved from the first one at or after `time` on."""
    rows = []
    for step in range(spacing, int(end) + 1, spacing):
        low = 20 + 160 * min(1.0, step / min(time, 2 * BUDGET)) + float(rng.normal(0, 5))
        mean = 200.0 if step >= time else min(low, THRESHOLD - 1)
        rows.append((step // 100, step, step, mean, 3.0, 5))
    return rows


def write_metrics(directory: Path, kind: str, rows: Sequence[Sequence[float]], extra: Sequence[str]) -> None:
    writer = MetricsWriter(directory / f"{kind}.csv", [*COLUMNS[kind], *extra])
    for row in rows:
        writer.append(row)
    writer.close()


def write_trial(
    directory: Path,
    overrides: Mapping[str, Any] | None = None,
    time: float = math.inf,
    status: str | None = None,
    cause: str | None = None,
    end: float | None = None,
    measures: Sequence[str] = (),
) -> Path:
    """A trial that solves its environment at env step `time`, or is censored at `end`."""
    config = configured(overrides or {})
    seed = config["seed"]
    rng = np.random.default_rng(seed)
    spacing = config["evaluation"]["every_steps"] or SPACING
    first = math.ceil(time / spacing) * spacing if math.isfinite(time) else math.inf
    confirmed = first + (config["convergence"]["consecutive"] - 1) * spacing
    budget = config["budget"]["env_steps"] or BUDGET
    end = end if end is not None else min(confirmed, budget)
    status = status or ("converged" if confirmed <= end else "exhausted")
    directory.mkdir(parents=True)
    evaluations = evaluation_rows(time, end, spacing, rng)
    extra = [0.5] * len(measures)
    episodes = [
        (step // 100, step, step, row[3] + float(rng.normal(0, 20)), 100, math.exp(-step / 1e4))
        for step, row in ((row[1], row) for row in evaluations)
    ]
    losses = [
        (row[0], row[1], row[2], 10 * math.exp(float(rng.normal(-row[1] / 2e4, 0.3))), 1.0, 5.0, 9.0)
        for row in evaluations
    ]
    write_metrics(directory, "evaluations", [(*row, *extra) for row in evaluations], measures)
    write_metrics(directory, "episodes", [(*row, *extra) for row in episodes], measures)
    write_metrics(directory, "losses", losses, ())
    record = {
        "format": 1, "config": config, "config_hash": json.dumps(config, sort_keys=True, default=str),
        "seed": seed, "learner": "fused", "device": "cpu", "command": "python -m dqn_exp -m",
        "git": {"commit": "abc1234", "dirty": False}, "versions": {"python": "3.11", "numpy": "2.4"},
        "host": "testhost", "cpu": "cpu", "started": "2026-11-21T06:00:00+00:00",
    }  # fmt: skip
    (directory / "trial.json").write_text(json.dumps(record))
    scored = status not in ("running", "failed", "interrupted")
    final = 200.0 - 20 * (status != "converged") + float(rng.normal(0, 4)) if scored else None
    result = {
        "status": status, "cause": cause, "episodes": int(end) // 100, "env_steps": int(end),
        "updates": int(end), "final_return": final, "final_std": 2.0, "final_returns": [final],
        "wall_seconds": 2.5, "env_steps_per_second": int(end) / 2.5, "ended": None, "measures": {},
    }  # fmt: skip
    (directory / "result.json").write_text(json.dumps(result))
    return directory


def taken_from(trial: Path, folder: str) -> None:
    """Let the record of `trial` say that it was trained in `folder`."""
    record = json.loads((trial / "trial.json").read_text())
    origin = {"directory": f"{folder}/{trial.name}", "taken": "2026-11-30T00:00:00+00:00"}
    (trial / "trial.json").write_text(json.dumps({**record, "origin": origin}))


def write_sweep(
    root: Path,
    axes: Mapping[str, Sequence[Any]],
    seeds: int,
    time: Callable[[dict[str, Any], int], float],
    common: Mapping[str, Any] | None = None,
) -> Path:
    """A full grid over `axes` times seeds; `time(values, seed)` is the step that solves it."""
    grid: list[dict[str, Any]] = [{}]
    for name, values in axes.items():
        grid = [{**cell, name: value} for cell in grid for value in values]
    plan = []
    for cell in grid:
        for seed in range(seeds):
            name = ",".join(f"{key}={value}" for key, value in {**cell, "seed": seed}.items())
            name = name.replace("/", "_")
            write_trial(root / name, {**(common or {}), **cell, "seed": seed}, time(cell, seed))
            plan.append({"name": name, "seed": seed, "hash": "", "overrides": []})
    sweep = {"format": 1, "command": "python -m dqn_exp -m", "started": "", "trials": plan}
    (root / "sweep.json").write_text(json.dumps(sweep))
    return root


def buffer_sweep(root: Path) -> Path:
    """Three buffers x 3 seeds: 500 never converges; 17k at 5, 7.5, 10k steps; 100k at 20, 30, 40k."""
    times = {500: math.inf, 17_000: 5_000.0, 100_000: 20_000.0}

    def time(cell: dict[str, Any], seed: int) -> float:
        return times[cell["buffer"]] * (1 + seed / 2)

    return write_sweep(root, {"buffer": list(times)}, 3, time)


def looks_sweep(root: Path, seeds: int = 20, looks: Sequence[int] = (8, 12, 20)) -> Path:
    """A sweep in looks against gamma 0.99: 0.9 twice as slow, 0.95 nearly as fast, 0.999 a little slower."""
    luck = np.random.default_rng(5).normal(size=(5, 40))
    ratios = {0.9: 2.2, 0.95: 1.02, 0.99: 1.0, 0.999: 1.2}

    def time(cell: dict[str, Any], seed: int) -> float:
        own, common = luck[list(ratios).index(cell["gamma"]), seed], luck[4, seed]
        return 15_000 * ratios[cell["gamma"]] * math.exp(0.3 * (0.9 * common + 0.4 * own))

    write_sweep(root, {"gamma": list(ratios)}, seeds, time)
    return plan_looks(root, looks, defaults={"gamma": 0.99})


def extended_sweep(root: Path) -> Path:
    """The same with looks at 6 and 8 seeds, a reserve of a fifth, and looks at 12 and 20 added later."""
    looks_sweep(root)
    first, later = (
        {"declared": f"2026-11-{day}T06:00:00+00:00", "taken": taken, "looks": looks, "reserve": reserve}
        for day, taken, looks, reserve in ((20, 0, [6, 8], 0.2), (21, 2, [6, 8, 12, 20], 0.0))
    )
    return plan_looks(root, (6, 8, 12, 20), defaults={"gamma": 0.99}, designs=[first, later])


def plan_looks(root: Path, looks: Sequence[int], **further: Any) -> Path:
    """Declare in the `sweep.json` of `root` that its seeds were added in looks."""
    plan = json.loads((root / "sweep.json").read_text())
    for trial in plan["trials"]:
        trial["overrides"] = [f"seed={trial['seed']}", trial["name"].rpartition(",")[0]]
    plan["seeds"] = {"first": 0, "looks": list(looks), "margin": [0.8, 1.25], "alpha": 0.05}
    (root / "sweep.json").write_text(json.dumps({**plan, "lost": [], "looks": [], **further}))
    return root
