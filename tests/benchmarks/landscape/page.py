"""Tables of the comparison in Markdown, for the terminal and for the marked part of docs/landscape.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.landscape.agreement import BEST
from tests.benchmarks.landscape.comparison import Comparison
from tests.benchmarks.pages import put, table

PAGE = Path(__file__).parents[3] / "docs" / "landscape.md"
FIGURES = PAGE.parent / "figures"
LARGEST = 5
"""How many of the largest differences of an environment are listed."""
KINDS = ["buffer_prio_sampling", "use_target_network"]
SHOWN = {
    "buffer_prio_sampling": "prioritised",
    "use_target_network": "target network",
    "learning_rate": "lr",
    "buffer_batch_size": "batch",
    "buffer_size": "buffer",
    "learning_starts": "starts",
    "target_epsilon": "epsilon",
}


def write(text: str) -> None:
    """Put `text` where the page has its results."""
    put(PAGE, text)


def results(compared: Sequence[Comparison]) -> str:
    """All of it."""
    return "\n".join(_lines(compared))


def _lines(compared: Sequence[Comparison]) -> Iterator[str]:
    names = list(compared[0].correlations)
    yield from table(
        ["rank correlation", "configurations", *names],
        ([one.title, str(len(one.ours)), *map(str, one.correlations.values())] for one in compared),
    )
    yield from table(
        [f"of the {BEST} best, in both", "by chance", *names],
        ([one.title, f"{BEST**2 / len(one.ours):.1f}", *_counts(one)] for one in compared),
    )
    yield from table(
        ["", "mean: theirs", "ours", "difference", "p", "differ, p <= 0.05", "seeds' share: theirs", "ours"],
        ([one.title, *_means(one), *map(str, one.shares)] for one in compared),
    )
    yield from table(
        [
            "",
            "prioritised",
            "target network",
            "configurations",
            "theirs",
            "ours",
            "difference ± standard error",
            "p <= 0.05",
        ],
        (row for one in compared for row in _by_kind(one)),
    )
    yield from table(
        [
            "largest differences",
            "number",
            *SHOWN.values(),
            "theirs: mean ± deviation",
            "ours",
            "difference",
            "p",
        ],
        (row for one in compared for row in _largest(one)),
    )


def _counts(one: Comparison) -> list[str]:
    return [f"{found.value:.0f} ({found.low:.0f} to {found.high:.0f})" for found in one.best.values()]


def _means(one: Comparison) -> list[str]:
    gap = one.difference
    return [
        f"{one.theirs.mean():.1f}",
        f"{one.ours.mean():.1f}",
        f"{gap.value:.1f} ({gap.low:.1f} to {gap.high:.1f})",
        f"{one.p_of_difference:.3f}",
        f"{int((one.p <= 0.05).sum())} of {len(one.p)}",
    ]


def _by_kind(one: Comparison) -> Iterator[list[str]]:
    for kind, rows in one.settings.reset_index(drop=True).groupby(KINDS).groups.items():
        ours, theirs = one.ours[rows].mean(axis=1), one.theirs[rows].mean(axis=1)
        gap = ours - theirs
        spread = f" ± {gap.std(ddof=1) / np.sqrt(len(gap)):.1f}" if len(gap) > 1 else ""
        means = [f"{theirs.mean():.1f}", f"{ours.mean():.1f}", f"{gap.mean():.1f}{spread}"]
        flags = map(_shown, kind)  # type: ignore[call-overload]
        yield [one.title, *flags, str(len(rows)), *means, str((one.p[rows] <= 0.05).sum())]


def _largest(one: Comparison) -> Iterator[list[str]]:
    gaps = one.ours.mean(axis=1) - one.theirs.mean(axis=1)
    for row in np.argsort(-np.abs(gaps))[:LARGEST]:
        settings = [_shown(one.settings.iloc[row][key]) for key in SHOWN]
        scores = [f"{s[row].mean():.0f} ± {s[row].std(ddof=1):.0f}" for s in (one.theirs, one.ours)]
        number = str(one.settings.index[row])
        yield [one.title, number, *settings, *scores, f"{gaps[row]:.0f}", f"{one.p[row]:.3f}"]


def _shown(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    number = float(str(value))
    return f"{number:.2g}" if abs(number) < 1 else f"{number:.0f}"
