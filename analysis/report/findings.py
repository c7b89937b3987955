"""The findings of a report in sentences. Only results of tests are stated as claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.estimates import blocked, compare
from analysis.estimates import statistics as st
from analysis.estimates.compare import AxisTest
from analysis.estimates.describe import Table
from analysis.records import Axis, Sweep
from analysis.wording import hundredths, interval_text, p_number, p_value
from dqn_exp.text import format_count, format_value


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
        f"are {format_count(fewest, 'seed')}, with which p of two values cannot be below "
        f"{p_number(blocked.smallest_p(fewest))}. Add seeds for a test, for example 'seed=range(10)'."
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
    ends = row["rmst_ratio_low"], row["rmst_ratio_high"]
    interval = interval_text(ends, hundredths, row["rmst_ratio_level"])
    parts = [
        f"restricted mean {hundredths(row['rmst_ratio'])} times as long",
        *([interval] if interval else []),
        p_value(row["p_closed"], row["p_closed_is_floor"]),
    ]
    return f"{format_value(row[axis.name])} ({', '.join(parts)})"
