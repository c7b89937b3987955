"""Finds values of a setting that changed nothing: their trials are identical, bit for bit."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from analysis.records.axes import Axis
from analysis.records.disk import RecordedTrial
from analysis.records.imported import seed_of
from analysis.records.rows import Row
from analysis.records.sweep import Sweep
from dqn_exp.runs import NETWORK

OUTCOMES = ("status", "steps_to_threshold", "env_steps", "final_return")


def same_networks(sweep: Sweep, axis: Axis) -> list[list[int]]:
    """Values of `axis` (by index) that gave the same trials, in groups of two or more.

    Two values gave the same trials if each counted trial of one has a trial of the other with the same seed,
    the same values of all other axes, the same outcome and, byte for byte, the same network. Training is
    deterministic, so such trials were the same from beginning to end.
    """
    others = [other.codes(sweep.counted) for other in sweep.axes if other is not axis]
    codes_by_hash: dict[int, set[Hashable]] = defaultdict(set)
    results = outcome_keys(sweep, sweep.counted)
    for row, code, result, *context in zip(
        sweep.counted, axis.codes(sweep.counted), results, *others, strict=True
    ):
        codes_by_hash[int(code)].add((seed_of(row), *map(int, context), result))
    groups: dict[frozenset[Hashable], list[int]] = defaultdict(list)
    for code in sorted(codes_by_hash):
        groups[frozenset(codes_by_hash[code])].append(code)
    return [codes for codes in groups.values() if len(codes) > 1]


def outcome_keys(sweep: Sweep, rows: Sequence[Row]) -> list[Hashable]:
    """A key for each of `rows`, equal for trials with the same outcome and the same final network.

    A trial without a saved network equals no other trial.
    """
    trials = {trial.run: trial for trial in sweep.trials}
    return [
        (
            _digest(trials[row["run"]]) or row["run"],
            *(str(row[name]) for name in OUTCOMES),  # as text, so that NaN equals itself
        )
        for row in rows
    ]


def _digest(trial: RecordedTrial) -> bytes | None:
    path = Path(trial.directory, NETWORK)
    return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None
