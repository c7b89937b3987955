"""Several sweeps in one report: the results of each, their differences, and their common configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.estimates.describe import Table, value_table
from analysis.estimates.samples import configurations
from analysis.records import ALIASES, ALL, NOT_AXES, Axis, RecordedTrial, Row, Sweep, timelines_of
from analysis.report.overview import ENVIRONMENT
from dqn_exp.text import format_number, format_value

SWEEP = "sweep"
SHOWN = 6
"""The most values of a key that are listed for one sweep."""
DIGITS = 10
"""Number of digits of a digest that are shown."""
SAME = ("steps_to_threshold", "episodes_to_threshold", "final_return", "env_steps", "episodes", "updates")
"""Two trials had the same result if they agree in these columns."""


Pair = tuple[Row, Row]


class SweepComparison(NamedTuple):
    """The results of several sweeps beside each other."""

    outcomes: Table
    """One row per environment and sweep: the results of its trials."""
    differences: list[dict[str, str]]
    """One row per key whose values differ between sweeps: the key, and the values in each sweep."""
    shared: Table
    """Results of each configuration that several sweeps contain, one row per sweep."""
    sentences: list[str]
    panels: Mapping[str, tuple[Sweep, Axis]]
    """The sweeps that a figure can show, with the axis to show."""


def compare_sweeps(sweep: Sweep) -> SweepComparison | None:
    """Compare the sweeps of several folders; None if there is only one folder.

    A trial that is in two of the sweeps counts in both.
    """
    sweeps = sweep.by_path()
    if len(sweeps) < 2:
        return None
    return SweepComparison(
        list(_outcomes(sweeps)),
        list(_differences(sweeps)),
        list(_shared(sweep, sweeps)),
        [*_budgets(sweep, sweeps), *_sentences(sweeps)],
        dict(_panels(sweeps)),
    )


def _outcomes(sweeps: Mapping[str, Sweep]) -> Iterator[dict[str, Any]]:
    for environment in _environments(sweeps):
        of_it = {
            name: sweep.where([_is_of(row, environment) for row in sweep.rows])
            for name, sweep in sweeps.items()
        }
        for name, sweep in of_it.items():
            if sweep.rows:
                varied = [axis for axis in sweep.axes if axis is not ALL and axis.name != ENVIRONMENT]
                yield {
                    SWEEP: name,
                    "environment": environment,
                    "varies": ", ".join(f"{axis.name} ({len(axis.values)})" for axis in varied) or "nothing",
                    **_described(sweep, list(of_it.values())),
                }


def _environments(sweeps: Mapping[str, Sweep]) -> list[str]:
    return list(dict.fromkeys(str(row.get(ENVIRONMENT)) for sweep in sweeps.values() for row in sweep.rows))


def _is_of(row: Mapping[str, Any], environment: str) -> bool:
    return str(row.get(ENVIRONMENT)) == environment


def _described(sweep: Sweep, together: list[Sweep]) -> dict[str, Any]:
    """All trials of one sweep as one row. Times are restricted to the common horizon of all in `together`."""
    timeline = timelines_of([row for each in together for row in each.counted])[0]
    (row,) = value_table(sweep, ALL, timeline, np.random.default_rng(0))
    return {name: value for name, value in row.items() if name != ALL.name}


def _differences(sweeps: Mapping[str, Sweep]) -> Iterator[dict[str, str]]:
    """Programs, machines and configuration values that differ between sweeps."""
    facts = {name: [_facts(trial) for trial in sweep.trials] for name, sweep in sweeps.items()}
    for key in dict.fromkeys(key for found in facts.values() for fact in found for key in fact):
        values = {
            name: list(dict.fromkeys(fact.get(key, "–") for fact in found)) for name, found in facts.items()
        }
        if len({frozenset(found) for found in values.values()}) > 1:
            yield {"key": key, **{name: _listed(found) for name, found in values.items()}}


def _facts(trial: RecordedTrial) -> dict[str, str]:
    """The program and machine that trained a trial, and its configuration; digests are shortened."""
    record, git = trial.record, trial.record.get("git") or {}
    versions = {
        f"version of {name}": str(version) for name, version in (record.get("versions") or {}).items()
    }
    config = {
        key: format_value(value)
        for key, value in trial.config.items()
        if key not in ALIASES and key.partition(".")[0] not in NOT_AXES
    }
    return {
        "source": str(record.get("source", "unknown"))[:DIGITS],
        "commit": f"{str(git.get('commit'))[:DIGITS]}{' with changes' if git.get('dirty') else ''}",
        **{key: str(record.get(key)) for key in ("host", "learner", "device")},
        **versions,
        **config,
    }


def _listed(values: list[str]) -> str:
    more = f", and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(values[:SHOWN]) + more


def _shared(sweep: Sweep, sweeps: Mapping[str, Sweep]) -> Iterator[dict[str, Any]]:
    runs = {name: {row["run"] for row in part_of.counted} for name, part_of in sweeps.items()}
    for values, rows in configurations(sweep):
        held = {name: {row["run"] for row in rows} & own for name, own in runs.items()}
        holders = {name: runs_here for name, runs_here in held.items() if runs_here}
        if len(holders) < 2:
            continue
        parts = {
            name: sweeps[name].where([row["run"] in runs_here for row in sweeps[name].rows])
            for name, runs_here in holders.items()
        }
        for name, part in parts.items():
            yield {**values, SWEEP: name, **_described(part, list(parts.values()))}


def _budgets(sweep: Sweep, sweeps: Mapping[str, Sweep]) -> Iterator[str]:
    """If the sweeps of one environment trained for different times: how long, and what is compared."""
    counted = {name: own.counted for name, own in sweeps.items() if own.counted}
    if len(_environments(sweeps)) > 1 or len(counted) < 2:
        return
    together = timelines_of(sweep.counted)[0]
    ends = {name: _end(rows, together.unit) for name, rows in counted.items()}
    if len(set(ends.values())) > 1:
        listed = ", ".join(f"{name} {format_number(end)}" for name, end in ends.items())
        yield (
            f"The sweeps have different budgets ({together.unit}: {listed}): times of convergence are "
            f"compared up to {format_number(together.horizon)}, and final returns as they were after each "
            f"budget."
        )


def _end(rows: Sequence[Row], unit: str) -> float:
    """The budget of these trials in this unit; without a common one, the longest time."""
    timeline = next(each for each in timelines_of(rows) if each.unit == unit)
    return timeline.longest if np.isnan(timeline.budget) else timeline.budget


def _sentences(sweeps: Mapping[str, Sweep]) -> Iterator[str]:
    first, *others = sweeps
    for other in others:
        pairs = _pairs(sweeps[first], sweeps[other])
        same = sum(all(_equal(one[name], two[name]) for name in SAME) for one, two in pairs)
        if not pairs:
            yield f"{first} and {other} have no trial of the same configuration and seed."
            continue
        count = f"All {same}" if same == len(pairs) else f"{same} of {len(pairs)}"
        yield (
            f"Trials of the same configuration and seed in {first} and {other}: {len(pairs)} in each. "
            f"{count} ended with the same numbers{_difference(pairs, other, first)}."
        )


def _pairs(sweep: Sweep, other: Sweep) -> list[Pair]:
    """Pairs of trials with the same configuration and seed, one of each sweep."""
    ours, theirs = _by_identity(sweep), _by_identity(other)
    return [(ours[key], theirs[key]) for key in ours if key in theirs]


def _by_identity(sweep: Sweep) -> dict[object, Row]:
    hashes = {trial.run: trial.record.get("config_hash") for trial in sweep.trials}
    return {hashes[row["run"]]: row for row in sweep.counted if hashes[row["run"]] is not None}


def _equal(one: Any, two: Any) -> bool:
    return bool(one == two) or (one != one and two != two)


def _difference(pairs: list[Pair], other: str, first: str) -> str:
    """The mean difference of final returns (second minus first of each pair), in words."""
    more = np.array([two["final_return"] - one["final_return"] for one, two in pairs], dtype=np.float64)
    if not np.isfinite(more).any() or not more.any():
        return ""
    mean = format_number(float(np.nanmean(more)))
    return f"; the final return of {other} minus that of {first} is {mean} on average"


def _panels(sweeps: Mapping[str, Sweep]) -> Iterator[tuple[str, tuple[Sweep, Axis]]]:
    for name, sweep in sweeps.items():
        if sweep.judged and len(sweep.by_environment()) == 1:
            yield name, (sweep, sweep.axes[0])
