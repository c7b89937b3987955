"""Trials that other programs trained: what their logs do not tell is unknown, and not another value."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from dqn_exp.runs import CLOCK
from dqn_exp.scores import Floats

IMPORTED = "imported"
"""Of a description: where the logs lie, which program wrote them, and when they were read."""
PROGRAM = "program"
"""The configuration value that tells who trained a trial."""
OURS = "dqn_exp"
UNKNOWN = "unknown"
"""On an axis, the value of trials whose logs do not tell theirs."""
JUDGED_BY = "convergence.judged_by"
EVALUATIONS, TRAINING = "evaluations", "training episodes"
"""What convergence is judged by: the second where nothing was evaluated."""
BLOCK = 10
"""Training episodes that stand for one evaluation where there are none."""
OF_THE_RULE = ("budget.", "evaluation.", "convergence.")
"""Configuration that is computed with: there the place of an unknown value stays empty."""


def in_blocks(episodes: Mapping[str, Floats]) -> dict[str, Floats]:
    """Every `BLOCK` training episodes as if they were one evaluation, at the time of the last of them.

    The columns of an evaluations file; {} where there are too few episodes. What is left over is left out.
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
    """What tells which trials share a seed; one that is not known is shared with no other trial."""
    seed: Hashable = row["seed"]
    return f"{UNKNOWN}: {row['run']}" if seed is None else seed


def is_partial(config: Mapping[str, Any]) -> bool:
    """Is this of a log, so that what it lacks is unknown?"""
    return bool(config.get(PROGRAM, OURS) != OURS)


def with_programs(configs: Sequence[Mapping[str, Any]], imported: Sequence[bool]) -> list[dict[str, Any]]:
    """`configs` with who trained each trial, where any of them was `imported`."""
    if not any(imported):
        return [dict(config) for config in configs]
    return [dict(config) if PROGRAM in config else {**config, PROGRAM: OURS} for config in configs]


def with_unknown(configs: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> list[dict[str, Any]]:
    """`configs` in which the logs that do not tell the value of one of `axes` say so."""
    told = [name for name in axes if not name.startswith(OF_THE_RULE)]
    return [
        {**dict.fromkeys(told, UNKNOWN), **config} if is_partial(config) else dict(config)
        for config in configs
    ]
