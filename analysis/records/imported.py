"""Trials that other programs trained. A value that is missing in their logs is unknown."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from dqn_exp.runs import CLOCK
from dqn_exp.scores import Floats

IMPORTED = "imported"
"""Key in `trial.json` for the place of the logs, the program that wrote them, and when they were read."""
PROGRAM = "program"
"""The configuration value that names the program that trained a trial."""
OURS = "dqn_exp"
UNKNOWN = "unknown"
"""The value on an axis of trials whose logs lack it."""
JUDGED_BY = "convergence.judged_by"
EVALUATIONS, TRAINING = "evaluations", "training episodes"
"""The data that judge convergence; training episodes are used if there are no evaluations."""
BLOCK = 10
"""The number of training episodes that replace one evaluation."""
OF_THE_RULE = ("budget.", "evaluation.", "convergence.")
"""Keys whose values are used in computations; an unknown value is left empty there."""


def in_blocks(episodes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every `BLOCK` training episodes as one evaluation, at the time of the last of them.

    Returns the columns of an evaluations file, or {} if there are too few episodes. An incomplete last
    block is left out.
    """
    returns = episodes.get("return", np.empty(0))
    blocks = len(returns) // BLOCK
    if not blocks:
        return {}
    grouped = returns[: blocks * BLOCK].reshape(blocks, BLOCK)
    last = slice(BLOCK - 1, blocks * BLOCK, BLOCK)
    return {
        **{clock: episodes[clock][last] for clock in CLOCK},
        "mean_return": grouped.mean(axis=1),
        "std_return": grouped.std(axis=1),
        "n_episodes": np.full(blocks, float(BLOCK)),
    }


def is_judged_by_training(config: Mapping[str, Any]) -> bool:
    return bool(config.get(JUDGED_BY) == TRAINING)


def seed_of(row: Mapping[str, Any]) -> Hashable:
    """The seed of a trial, to find trials that share it. An unknown seed equals that of no other trial."""
    seed: Hashable = row["seed"]
    return f"{UNKNOWN}: {row['run']}" if seed is None else seed


def is_partial(config: Mapping[str, Any]) -> bool:
    """Is this the configuration of an imported trial, where missing values are unknown?"""
    return bool(config.get(PROGRAM, OURS) != OURS)


def with_programs(configs: Sequence[Mapping[str, Any]], imported: Sequence[bool]) -> list[dict[str, Any]]:
    """`configs` with the program that trained each trial, if any of them was `imported`."""
    if not any(imported):
        return [dict(config) for config in configs]
    return [dict(config) if PROGRAM in config else {**config, PROGRAM: OURS} for config in configs]


def with_unknown(configs: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> list[dict[str, Any]]:
    """`configs`, where imported ones get the value "unknown" for each of `axes` that they lack.

    Axes of `OF_THE_RULE` are not filled in.
    """
    filled = [name for name in axes if not name.startswith(OF_THE_RULE)]
    return [
        {**dict.fromkeys(filled, UNKNOWN), **config} if is_partial(config) else dict(config)
        for config in configs
    ]
