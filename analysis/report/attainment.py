"""The attainment surface (share of trials that reached a return by a time) in words and as a table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.estimates import statistics as st
from analysis.estimates.attainment import Attainment, Difference
from analysis.estimates.describe import Table
from analysis.records import Axis, Timeline
from analysis.wording import p_value
from dqn_exp.text import format_number


def sentences(axis: Axis, attainment: Attainment, timeline: Timeline) -> Iterator[str]:
    """Which values differ from the reference over all returns and times, and where they differ most."""
    if not attainment.differences:
        return
    labels = axis.labels()
    about = "The share of trials that had reached a return by a time"
    reference = f"{axis.name} = {labels[attainment.reference]}"
    shown = {code: one for code, one in attainment.differences.items() if one.p.p < st.SIGNIFICANT}
    if shown:
        listed = ", ".join(
            f"{labels[code]} ({_most(one, attainment, timeline)})" for code, one in shown.items()
        )
        yield f"{about} differs from that of {reference}, over all returns and times at once: {listed}."
    else:
        least = min(one.p for one in attainment.differences.values())
        test = f"{p_value(*least)} over all returns and times at once"
        yield f"{about} was not shown to differ from that of {reference} ({test})."


def _most(difference: Difference, attainment: Attainment, timeline: Timeline) -> str:
    shares = difference.shares
    time, level = np.unravel_index(np.nanargmax(np.abs(shares)), shares.shape)
    largest = float(shares[time, level])
    word = "higher" if largest > 0 else "lower"
    reached, by = (format_number(at) for at in (attainment.grid.returns[level], attainment.grid.times[time]))
    return (
        f"{word} by up to {abs(largest):.2f}, for a return of {reached} by {by} {timeline.unit}; "
        f"{p_value(*difference.p)}"
    )


def attainment_table(axis: Axis, attainment: Attainment, timeline: Timeline) -> Table:
    """One row per value, time and return, with the difference from the reference if it was tested."""
    return [
        {
            axis.name: value,
            "n": count,
            timeline.curve: time,
            "mean_return": level,
            "share": float(share[row, column]),
            **_difference(attainment.differences.get(code), row, column),
        }
        for code, (value, count, share) in enumerate(
            zip(axis.values, attainment.counts, attainment.shares, strict=True)
        )
        for row, time in enumerate(attainment.grid.times.tolist())
        for column, level in enumerate(attainment.grid.returns.tolist())
    ]


def _difference(difference: Difference | None, row: int, column: int) -> dict[str, object]:
    if difference is None:
        return {"pairs": None, "difference": None, "beyond": None, "p": None}
    share, beyond = difference.shares[row, column], difference.beyond[row, column]
    return {
        "pairs": difference.n_seeds,
        "difference": float(share),
        "beyond": bool(beyond),
        "p": difference.p.p,
    }
