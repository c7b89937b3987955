"""The published landscapes, and the sweep that trains their configurations here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml


class Landscape(NamedTuple):
    """One environment of theirs."""

    name: str
    title: str
    file: str
    parallel: int
    settings: dict[str, Any]
    """What differs from conf/experiment/arlbench.yaml, which is CartPole's."""


LANDSCAPES = (
    Landscape("cartpole", "CartPole-v1", "cc_cartpole_dqn", 8, {}),
    Landscape(
        "acrobot",
        "Acrobot-v1",
        "cc_acrobot_dqn",
        4,
        {
            "train_every": 4,
            "agent": {"updates_per_train": 4},
            "exploration": {"duration": 10_000},
            "budget": {"env_steps": 100_000},
        },
    ),
    Landscape(
        "mountaincar",
        "MountainCar-v0",
        "cc_mountain_car_dqn",
        8,
        {
            "train_every": 16,
            "agent": {"updates_per_train": 8},
            "exploration": {"duration": 12_000},
            "budget": {"env_steps": 120_000},
        },
    ),
    Landscape(
        "lunarlander",
        "LunarLander (v2, v3)",
        "box2d_lunar_lander_dqn",
        4,
        {
            "train_every": 4,
            "agent": {"updates_per_train": 1},
            "exploration": {"duration": 10_000},
            "budget": {"env_steps": 100_000},
        },
    ),
)


def read_reference(folder: Path, landscape: Landscape) -> pd.DataFrame:
    """Their results at the end of training: `configuration`, `seed`, `score`, and the settings."""
    table = pd.read_csv(folder / f"{landscape.file}.csv.xz")
    table = table[table["budget"] == table["budget"].max()]
    table.columns = table.columns.str.removeprefix("hp_config.")
    return table.rename(columns={"run_id": "configuration", "performance": "score"})


def configurations(reference: pd.DataFrame, count: int) -> pd.DataFrame:
    """The settings of the first `count`: of a Sobol sequence, so that fewer are spread as evenly."""
    return reference.drop_duplicates("configuration").sort_values("configuration").head(count)


def axes(settings: pd.DataFrame, parallel: int) -> dict[str, list[str]]:
    """Our keys, each with a value for every configuration; where one has no such key, that of another."""
    rows = [_values(row, parallel) for row in settings.to_dict("records")]
    firsts = {key: value for row in reversed(rows) for key, value in row.items()}
    return {key: [str(row.get(key, first)) for row in rows] for key, first in firsts.items()}


def _values(row: dict[Any, Any], parallel: int) -> dict[str, Any]:
    values = {
        "replay": "prioritised" if row["buffer_prio_sampling"] else "uniform",
        "target": "steps" if row["use_target_network"] else "none",
        "lr": row["learning_rate"],
        "buffer": row["buffer_size"],
        "batch": row["buffer_batch_size"],
        "agent.learning_starts": row["learning_starts"],
        "exploration.start": row["initial_epsilon"],
        "exploration.end": row["target_epsilon"],
    }
    if row["use_target_network"]:
        rounds = math.ceil(row["target_update_interval"] / parallel)  # theirs counts the steps of all at once
        values["update_every"] = rounds * parallel
    if row["buffer_prio_sampling"]:
        values["replay.alpha"] = row["buffer_alpha"]
        values["replay.beta_start"] = values["replay.beta_end"] = row["buffer_beta"]
        values["replay.priority_floor"] = row["buffer_epsilon"]
    return values


def write_sweep(path: Path, landscape: Landscape, settings: pd.DataFrame, seeds: int) -> None:
    """A sweep as in `sweeps/`: the configurations `settings`, each with the seeds from 0."""
    together = axes(settings, landscape.parallel)
    content = {
        "defaults": [{"override /experiment": "arlbench"}, {"override /env": landscape.name}, "_self_"],
        **landscape.settings,
        "env": {"parallel": landscape.parallel},
        "zip": list(together),
        "hydra": {
            "sweeper": {
                "params": {
                    **{key: ",".join(values) for key, values in together.items()},
                    "seed": f"range({seeds})",
                }
            }
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# @package _global_\n" + yaml.safe_dump(content, sort_keys=False, width=10**6))
