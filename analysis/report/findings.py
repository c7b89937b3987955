"""The findings of a report in sentences. Only results of tests are stated as claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.estimates import blocked, compare
from analysis.estimates import statistics as st
from analysis.estimates.compare import AxisTest
from analysis.estimates.describe import Table
from analysis.estimates.samples import group
from analysis.records import ALL, BLOCK, ENDED, UNKNOWN, Axis, Sweep, Timeline, is_partial
from analysis.report import seen
from dqn_exp.text import format_number, format_value

ENVIRONMENT = "env.id"
NAMED = 4
"""The most hyperparameters that a sentence names."""
MEANING = {
    "exhausted": " (budget spent, not converged)",
    "diverged": " (Q-values or loss became infinite, NaN or too large; counts as never converging)",
}


def title(sweep: Sweep) -> str:
    """The question that the sweep asks."""
    asked = [axis for axis in sweep.axes if axis is not ALL and axis.name != ENVIRONMENT]
    if not asked:
        return f"How does this DQN learn {environments(sweep)}?"
    names = [axis.name for axis in asked]
    if any(axis.inseparable for axis in asked):
        names.append(f"what varies with {'it' if len(names) == 1 else 'them'}")
    several = any(axis.name == ENVIRONMENT for axis in sweep.axes)
    where = f" on {environments(sweep)}" if several else ""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    what = "convergence" if sweep.judged else "learning"
    return f"How {'does' if len(names) == 1 else 'do'} {listed} change {what}{where}?"


def values(sweep: Sweep, key: str) -> str:
    """The values of a configuration key as text, separated by " / " if trials differ."""
    row_values = (row.get(key, UNKNOWN if is_partial(row) else None) for row in sweep.rows)
    return " / ".join(dict.fromkeys(map(format_value, row_values)))


def environments(sweep: Sweep) -> str:
    return " and ".join(dict.fromkeys(trial.environment for trial in sweep.trials))


def overview(sweep: Sweep) -> Iterator[str]:
    """The number of trials, how they ended, and how many count as evidence."""
    seeds = len({row["seed"] for row in sweep.rows} - {None})
    sizes = [_count(len(axis.values), f"value of {axis.name}") for axis in sweep.axes]
    seeds_text = _count(seeds, "seed") if seeds else "seeds unknown"
    of = "" if sweep.axes == [ALL] else f": {' × '.join(sizes)}, {seeds_text}"
    yield f"{_count(len(sweep.rows), 'trial')} on {environments(sweep)}{of}."
    yield from map(_inseparable, (axis for axis in sweep.axes if axis.inseparable))
    if sweep.judged:
        in_a_row = values(sweep, "convergence.consecutive")
        first = (
            "its first evaluation" if in_a_row == "1" else f"the first of {in_a_row} consecutive evaluations"
        )
        yield (
            f"A trial is one training run with its own random seed. It converges at {first} "
            f"({_evaluated(sweep)}) with a mean return of at least {values(sweep, 'convergence.threshold')}."
        )
    else:
        yield f"Convergence cannot be judged here: {sweep.obstacle}."
    ends = Counter(row["status"] for row in sweep.rows)
    meaning = MEANING if sweep.judged else {**MEANING, "exhausted": " (budget spent)"}
    if any(trial.imported for trial in sweep.trials):
        meaning = {**meaning, "exhausted": " (their budget was spent or their log ended)"}
    listed = (f"{n} {status}{meaning.get(status, '')}" for status, n in ends.most_common())
    yield f"How they ended: {', '.join(listed)}."
    if sweep.left_out:
        left = _count(len(sweep.left_out), "trial")
        yield f"{left} cannot count as evidence; the reasons are listed below."
    if sweep.ahead:
        finished = sum(entry.status in ENDED for entry in sweep.ahead)
        yield (
            f"Started for a later look, and therefore not counted: {_count(len(sweep.ahead), 'more trial')}, "
            f"{finished} of them finished."
        )
    if sweep.missing:
        yield f"{_count(len(sweep.missing), 'planned trial')} left no record: see below."
    for entry in sweep.shards:
        yield f"{entry.run[:1].upper()}{entry.run[1:]}: {entry.reason}."
    yield from seen.sentences(sweep)


def _inseparable(axis: Axis) -> str:
    """That the effect of an axis may be that of values that vary with it."""
    first, more = axis.inseparable[:NAMED], len(axis.inseparable) - NAMED
    listed = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    those = "that" if len(axis.inseparable) == 1 else "any of those"
    return (
        f"{axis.name} varied only together with {listed}: what is said of {axis.name} may be the effect of "
        f"{those}."
    )


def _evaluated(sweep: Sweep) -> str:
    """The data that judge convergence, in words."""
    blocks = f"blocks of {BLOCK} training episodes, with exploration, instead of greedy episodes"
    if not sweep.by_training:
        return "greedy episodes"
    every = len(sweep.by_training) == len(sweep.rows)
    return blocks if every else f"greedy episodes; if a log has none, {blocks}"


def describe(sweep: Sweep, axis: Axis, timeline: Timeline, table: Table) -> Iterator[str]:
    """Describe the values: those without counted trials, the fastest, the slowest, best and worst return."""
    yield from _unknown(sweep, axis)
    rows = [row for row in table if row["n"]]
    if len(sweep.axes) > 1:
        yield from _common(sweep, axis, sum(row["n"] for row in rows))
    if not rows:
        return
    if axis is ALL:
        if sweep.judged:
            yield f"{_speed(rows[0], timeline)}."
        if np.isfinite(rows[0]["final_return"]):
            yield f"The final return was {_final(rows[0])} on average."
        return
    if sweep.judged:
        ordered = sorted(rows, key=_slowness)
        yield from _extremes(axis, ordered, timeline)
    scored = [row for row in rows if np.isfinite(row["final_return"])]
    if len(scored) > 1:
        best, worst = (choose(scored, key=_final_mean) for choose in (max, min))
        if _final(best) == _final(worst):
            yield f"Mean final return was the same with every value: {_final(best)}."
        else:
            yield (
                f"Mean final return was highest with {_name(axis, best)}: {_final(best)}; "
                f"lowest with {_name(axis, worst)}: {_final(worst)}."
            )


def _unknown(sweep: Sweep, axis: Axis) -> Iterator[str]:
    """The values without counted trials, and how their trials ended."""
    for value, rows in zip(axis.values, group(sweep.rows, axis), strict=True):
        if not any(map(sweep.counts, rows)):
            ends = Counter(row["status"] for row in rows)
            listed = ", ".join(f"{n} {status}" for status, n in ends.most_common())
            how = listed or "they failed before training"
            yield f"No trial of {axis.name} = {format_value(value)} counts as evidence: {how}."


def alike(axis: Axis, groups: list[list[int]]) -> Iterator[str]:
    """Which values gave the same trials. These are one result, not several that agree."""
    labels = axis.labels()
    for codes in groups:
        *first, last = (labels[code] for code in codes)
        yield (
            f"{axis.name} = {', '.join(first)} and {last} gave the same trials: with equal seeds, the final "
            f"networks are the same, bit for bit. Between these values {axis.name} changed nothing (the size "
            f"of a replay buffer, for example, has no effect before it is full). They are one result, not "
            f"{len(codes)} results that agree."
        )


def _common(sweep: Sweep, axis: Axis, n_named: int) -> Iterator[str]:
    """If the grid has gaps: the number of trials that the sentences about an axis describe."""
    others = ", ".join(other.name for other in sweep.axes if other is not axis)
    if not n_named:
        yield f"No setting of {others} was tried with every value of {axis.name}: none is compared here."
    elif n_named < len(sweep.counted):
        trials = _count(n_named, "trial")
        where = f"settings of {others} that every value of {axis.name} was tried with"
        yield f"This describes only the {trials} with {where}."


def _slowness(row: dict[str, Any]) -> tuple[float, float]:
    return row["rmst"], -row["converged"] / row["n"]


def _extremes(axis: Axis, ordered: Table, timeline: Timeline) -> Iterator[str]:
    if not any(row["converged"] for row in ordered):
        yield f"No trial converged within {format_number(timeline.horizon)} {timeline.unit}."
        return
    quick, slow = ordered[0], ordered[-1]
    if quick is slow:
        yield f"Only {_name(axis, quick)} has trials that count. {_speed(quick, timeline)}."
        return
    if _speed(quick, timeline) == _speed(slow, timeline):
        yield f"All values were equally fast in these trials: {_speed(quick, timeline)}."
        return
    yield f"Fastest in these trials: {_name(axis, quick)}. {_speed(quick, timeline)}."
    yield f"Slowest in these trials: {_name(axis, slow)}. {_speed(slow, timeline)}."


def _speed(row: dict[str, Any], timeline: Timeline) -> str:
    median = format_number(row["median"])
    unit = "" if np.isinf(row["median"]) else f" {timeline.unit}"
    return (
        f"{row['converged']} of {row['n']} converged; median time {median}{unit}, "
        f"restricted mean {format_number(row['rmst'])}{_range(row, 'rmst')}"
    )


def _range(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f" (95% interval {format_number(low)} to {format_number(high)})" if low == low else ""


def _final(row: dict[str, Any]) -> str:
    return f"{format_number(row['final_return'])}{_range(row, 'final_return')}"


def best_configurations(sweep: Sweep, timeline: Timeline, table: Table) -> Iterator[str]:
    """The best combinations of the values of several axes, and a caution."""
    rows = [row for row in table if row["n"]]
    if len(sweep.axes) < 2 or not rows:
        return
    names = [axis.name for axis in sweep.axes]

    def name(row: dict[str, Any]) -> str:
        return ", ".join(f"{key} = {format_value(row[key])}" for key in names)

    if sweep.judged and any(row["converged"] for row in rows):
        quick, slow = min(rows, key=_slowness), max(rows, key=_slowness)
        if _speed(quick, timeline) == _speed(slow, timeline):
            yield f"All configurations were equally fast in these trials: {_speed(quick, timeline)}."
        else:
            yield f"Fastest in these trials: {name(quick)}. {_speed(quick, timeline)}."
    scored = [row for row in rows if np.isfinite(row["final_return"])]
    if scored:
        high, low = max(scored, key=_final_mean), min(scored, key=_final_mean)
        if _final(high) == _final(low):
            yield f"Mean final return was the same with every configuration: {_final(high)}."
        else:
            yield f"Highest mean final return: {name(high)}: {_final(high)}."
    yield (
        f"The best of {_count(len(rows), 'configuration')} is partly the luckiest one: confirm it on fresh "
        f"seeds."
    )


def _final_mean(row: dict[str, Any]) -> float:
    return float(row["final_return"])


def _name(axis: Axis, row: dict[str, Any]) -> str:
    return f"{axis.name} = {format_value(row[axis.name])}"


def untested(sweep: Sweep, axis: Axis, table: Table) -> str:
    """Why no claim beyond these trials is made."""
    known = [row for row in table if row["n"]]
    if not sweep.judged:
        return "This describes these trials only: the tests compare the speed of convergence."
    if compare.defines_the_outcome(axis):
        return (
            f"This describes these trials only: {axis.name} defines the outcome itself, so times under its "
            f"values answer different questions."
        )
    if len(known) < 2:
        return "This describes these trials only: there is nothing to compare them with."
    fewest = min(row["seeds"] for row in known)
    return (
        f"This describes these trials only. Tests begin at {st.TESTED_FROM} seeds per value. Here the fewest "
        f"are {_count(fewest, 'seed')}, with which p of two values cannot be below "
        f"{blocked.smallest_p(fewest):.2g}. Add seeds for a test, for example 'seed=range(10)'."
    )


def tested(axis: Axis, test: AxisTest, comparisons: Table, reference: str) -> Iterator[str]:
    """Results of the tests: which values differ from the reference, or that no difference was shown."""
    shown = [row for row in comparisons if row["p_closed"] < st.SIGNIFICANT]
    yield from _differences(axis, shown, reference)
    if not shown:
        yield _nothing_shown(axis, test, reference)
    equal = [format_value(row[axis.name]) for row in comparisons if row["equivalent"]]
    if equal:
        low, high = st.EQUIVALENCE
        yield (
            f"Practically as fast as {reference}, with a ratio of restricted means within {low} to {high}: "
            f"{', '.join(equal)}."
        )
    yield from _ordered(axis, test)


def _nothing_shown(axis: Axis, test: AxisTest, reference: str) -> str:
    """Sentence if no single value was shown to differ from the reference; the omnibus test still may."""
    if test.p_holm < st.SIGNIFICANT:
        return (
            f"The values of {axis.name} do not all converge equally fast ({_omnibus_text(test)}), but no "
            f"single value was shown to differ from {reference}. More seeds may show which one differs."
        )
    return (
        f"No value of {axis.name} was shown to differ from {reference} in the speed of convergence "
        f"({_omnibus_text(test)}). That is not evidence that there is no difference."
    )


def _omnibus_text(test: AxisTest) -> str:
    if not test.omnibus:
        return "no setting of the other axes was tried with every value, so they were not tested together"
    adjusted = f", {p_value(test.p_holm)} corrected for several axes" if test.p_holm > test.omnibus.p else ""
    return f"all values together: {p_value(test.omnibus.p, test.omnibus.is_floor)}{adjusted}"


def _ordered(axis: Axis, test: AxisTest) -> Iterator[str]:
    """Results of the tests for ordered values: trend, peak, and the values that may be the fastest."""
    if test.trend and test.trend.p < st.SIGNIFICANT:
        yield (
            f"Over its values in ascending order, convergence becomes {test.trend_direction} "
            f"({p_value(test.trend.p, test.trend.is_floor)} for a trend)."
        )
    elif test.umbrella and test.umbrella.p < st.SIGNIFICANT:
        yield (
            f"Convergence is fastest or slowest at one value of {axis.name}, and less so the further a value "
            f"is from it ({p_value(test.umbrella.p, test.umbrella.is_floor)} for a peak at any value)."
        )
    if test.may_be_best and len(test.may_be_best) < test.n_values:
        named = [axis.labels()[code] for code in test.may_be_best]
        between = f"lies between {named[0]} and {named[-1]}" if len(named) > 1 else f"is {named[0]}"
        yield f"The fastest of these values {between}, with 95% confidence (Hsu's comparison with the best)."


def _differences(axis: Axis, shown: Table, reference: str) -> Iterator[str]:
    """The values that tests showed to be faster or slower than the reference."""
    groups: dict[str, list[str]] = {"faster": [], "slower": [], "neither is faster throughout": []}
    for row in shown:
        interval = row["rmst_ratio_low"], row["rmst_ratio_high"]
        groups[blocked.direction(row["advantage"], interval)].append(_difference(axis, row))
    for direction, differences in groups.items():
        listed = "; ".join(differences)
        if differences and direction in ("faster", "slower"):
            yield f"Converged {direction} than with {reference}: {listed}."
        elif differences:
            yield f"Converged at another speed than with {reference}: {listed}. Neither is faster throughout."


def _difference(axis: Axis, row: dict[str, Any]) -> str:
    low, high = row["rmst_ratio_low"], row["rmst_ratio_high"]
    level = format_number(100 * row["rmst_ratio_level"])
    interval = f", {level}% interval {low:.2f} to {high:.2f}" if low == low else ""
    return (
        f"{format_value(row[axis.name])} (restricted mean {row['rmst_ratio']:.2f} times as long{interval}, "
        f"{p_value(row['p_closed'], row['p_closed_is_floor'])})"
    )


def p_value(p: float, is_floor: bool = False) -> str:
    """ "p = 0.03", or "p ≤ 0.0001" if that is the smallest p the number of permutations can give."""
    return f"p\u00a0{'≤' if is_floor else '='}\u00a0{p:.2g}"


def _count(number: int, noun: str) -> str:
    first, space, rest = noun.partition(" ")
    plural = f"{first}s{space}{rest}" if rest.startswith("of ") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
