"""Results over several environments, as numbers and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.estimates import compare, environments, samples
from analysis.estimates import statistics as st
from analysis.estimates import survival as sv
from analysis.estimates.blocked import PValue, Shuffler, Trials
from analysis.estimates.compare import Compared
from analysis.estimates.describe import Table, per_seed, with_interval
from analysis.estimates.scores import normalised_returns
from analysis.records import Axis, Row, Sweep, seed_of
from analysis.wording import p_value
from dqn_exp.scores import Floats
from dqn_exp.text import format_value


class Over(NamedTuple):
    """One axis over all environments in which it was varied."""

    name: str
    reference: object
    parts: Mapping[str, tuple[Sweep, Axis]]
    omnibus: PValue | None
    values: Table
    """One row per value: tests against the reference, ratios by environment, normalised scores."""


def over_environments(sweeps: Mapping[str, Sweep], shuffler: Shuffler) -> list[Over]:
    """The axes that all environments share, each with the values that can be compared in all of them."""
    first = next(iter(sweeps.values()))
    comparisons = []
    for name in (axis.name for axis in first.axes):
        parts = {
            environment: (sweep, axis)
            for environment, sweep in sweeps.items()
            for axis in sweep.axes
            if axis.name == name and len(axis.values) > 1
        }
        if len(parts) == len(sweeps):
            over = _over(name, parts, shuffler)
            comparisons += [over] if over else []
    return comparisons


def _over(name: str, parts: Mapping[str, tuple[Sweep, Axis]], shuffler: Shuffler) -> Over | None:
    compared = [compare.compared(sweep, axis, sweep.timelines[0]) for sweep, axis in parts.values()]
    if not all(of.is_testable for of in compared):
        return None
    tested = [[of.axis.values[code] for code in of.codes] for of in compared]
    values = [value for value in tested[0] if all(value in others for others in tested)]
    if len(values) < 2 or any(others[0] != values[0] for others in tested):
        return None
    trials, of_environment = _pooled(compared, values)
    omnibus = environments.overall(trials, of_environment, shuffler)
    table = [
        {name: value, **_against(code, trials, of_environment, parts, values, shuffler)}
        for code, value in enumerate(values)
    ]
    return Over(name, values[0], parts, omnibus, table)


def _pooled(compared: Sequence[Compared], values: Sequence[object]) -> tuple[Trials, np.ndarray]:
    """The trials of all environments with common codes of values and seeds, and each trial's environment."""
    seeds = sorted({str(seed_of(row)) for of in compared for row in of.rows})
    parts, within, first_stratum = [], [], 0
    for number, of in enumerate(compared):
        indices = {of.axis.values.index(value): index for index, value in enumerate(values)}
        common = np.array([indices.get(code, -1) for code in of.axis.codes(of.rows).tolist()])
        trials = of.trials._replace(
            values=common,
            seeds=np.array([seeds.index(str(seed_of(row))) for row in of.rows]),
            strata=of.trials.strata + first_stratum,
        ).where(common >= 0)
        first_stratum = int(trials.strata.max()) + 1
        parts.append(trials)
        within.append(np.full(len(trials.times), number))
    together = Trials._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
    return together, np.concatenate(within)


def _against(
    code: int,
    trials: Trials,
    of_environment: np.ndarray,
    parts: Mapping[str, tuple[Sweep, Axis]],
    values: Sequence[object],
    shuffler: Shuffler,
) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    scores, reference = (_normalised(parts, values[each]) for each in (code, 0))
    numbers: dict[str, Any] = {**with_interval("iqm", np.nan, (np.nan, np.nan))}
    if scores and reference:
        numbers |= with_interval("iqm", *environments.interquartile_mean(scores, rng))
    if code == 0:
        return numbers
    if scores and reference:
        better = environments.probability_of_improvement(scores, reference, rng)
        numbers |= with_interval("better", *better)
    overall = environments.overall_difference(trials, of_environment, 0, code, shuffler)
    ratios = {name: _ratio(sweep, axis, values[code], values[0]) for name, (sweep, axis) in parts.items()}
    complete = all(ratios.values())
    spread = {name: ratio for name, ratio in ratios.items() if ratio and ratio.error > 0}
    return {
        **numbers,
        "p_overall": overall.p if overall else np.nan,
        "advantage": environments.overall_advantage(trials, of_environment, 0, code),
        "p_every": environments.in_every_environment(trials, of_environment, 0, code, shuffler),
        "p_interaction": environments.interaction(list(spread.values())) if complete else np.nan,
        "p_reversal": environments.reversal(list(spread.values())) if complete else np.nan,
        "silent": [name for name in ratios if complete and name not in spread],
        "ratios": {
            name: float(np.exp(ratio.estimate)) if ratio else np.nan for name, ratio in ratios.items()
        },
    }


def _ratio(sweep: Sweep, axis: Axis, value: object, reference: object) -> environments.Jackknife | None:
    groups, horizon = samples.group(sweep.counted, axis), sweep.timelines[0].horizon
    ours, theirs = (groups[axis.values.index(each)] for each in (value, reference))  # type: ignore[arg-type]
    pairs = samples.in_pairs(sweep, axis, ours, theirs)
    if pairs is None or len({seed_of(row) for row in pairs[0]}) < 2:
        return None
    x, y = (per_seed(samples.seeds(rows), _times(sweep, rows, horizon)) for rows in pairs)
    return environments.jackknife(x, y)


def _times(sweep: Sweep, rows: Sequence[Row], horizon: float) -> Floats:
    return sv.restricted(sweep.timelines[0].times(rows), horizon)


def _normalised(parts: Mapping[str, tuple[Sweep, Axis]], value: object) -> list[Floats]:
    """Normalised final returns of a value in each environment (random play 0, threshold 1); [] if unknown."""
    tables = []
    for sweep, axis in parts.values():
        rows = samples.group(sweep.counted, axis)[axis.values.index(value)]  # type: ignore[arg-type]
        scores = normalised_returns(rows)
        tables.append(scores[np.isfinite(scores)])
    return tables if all(len(scores) for scores in tables) else []


def flat_table(over: Over) -> Table:
    """`over.values` with a column for each environment's ratio of restricted means."""
    return [
        {
            **{name: value for name, value in row.items() if name not in ("ratios", "silent")},
            **{f"rmst_ratio.{name}": ratio for name, ratio in row.get("ratios", {}).items()},
        }
        for row in over.values
    ]


def sentences(over: Over) -> Iterator[str]:
    """Sentences about all environments together."""
    n = len(over.parts)
    if over.omnibus is None:
        yield (
            f"{over.name}: in the {n} environments no setting of the other axes was tried with every value, "
            "so the values were not tested together."
        )
        return
    test = p_value(over.omnibus.p, over.omnibus.is_floor)
    if over.omnibus.p >= st.SIGNIFICANT:
        yield f"Over {n} environments together, no effect of {over.name} was shown ({test})."
    else:
        direction = _direction(over) if len(over.values) == 2 else ""
        yield (
            f"Over {n} environments together, the speed of convergence depends on {over.name} "
            f"({test}){direction}."
        )
    silent = over.values[-1]["silent"]
    if silent:
        yield (
            f"In {', '.join(silent)} every value of {over.name} took the same time (for example, nothing "
            f"converged), so its effect there is unknown."
        )
    for row in over.values[1:]:
        yield from _about(over, row)


def _direction(over: Over) -> str:
    """Which of two values converges sooner, in words."""
    word = "faster" if over.values[1]["advantage"] > 0 else "slower"
    return f": {format_value(over.values[1][over.name])} is {word} than {format_value(over.reference)}"


def _about(over: Over, row: dict[str, Any]) -> Iterator[str]:
    name = f"{over.name} = {format_value(row[over.name])}"
    reference, ratios = format_value(over.reference), row["ratios"]
    if row["p_every"] < st.SIGNIFICANT:
        word = "slower" if all(ratio > 1 for ratio in ratios.values()) else "faster"
        yield f"{name} is {word} than {reference} in every environment ({p_value(row['p_every'])})."
    if row["p_reversal"] < st.SIGNIFICANT:
        faster = [environment for environment, ratio in ratios.items() if ratio < 1]
        slower = [environment for environment, ratio in ratios.items() if ratio > 1]
        yield (
            f"{name} is faster than {reference} on {', '.join(faster)} and slower on {', '.join(slower)} "
            f"({p_value(row['p_reversal'])} for a reversal)."
        )
    elif row["p_interaction"] < st.SIGNIFICANT:
        yield (
            f"How much {name} differs from {reference} is not the same in all environments "
            f"({p_value(row['p_interaction'])})."
        )
    if "better" in row and not row["better_low"] <= 0.5 <= row["better_high"]:
        yield (
            f"A trial with {name} ends with a higher score than one with {reference} in {row['better']:.0%} "
            f"of cases (95% interval {row['better_low']:.0%} to {row['better_high']:.0%}; score: final "
            "return, scaled so that random play is 0 and the threshold 1)."
        )
