"""`python -m analysis robustness`: does the answer hold whatever the analyst chooses?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.errors import AnalysisError
from analysis.estimates import compare
from analysis.estimates import statistics as st
from analysis.estimates.blocked import Shuffler
from analysis.estimates.compare import Compared
from analysis.estimates.robustness import Choice, Robustness, examine
from analysis.records import Axis, add_path_arguments, read_sweep, warn_about
from analysis.report.figures.choices import choices_map
from analysis.report.figures.painting import Plot, paint
from analysis.wording import p_number, p_value
from dqn_exp.runs import write_atomic
from dqn_exp.text import format_number

IN_LOOKS = (
    "The seeds of this sweep were added in looks, and the results decided when the looks ended. Its claims "
    "are those of the looks. The p values below ignore this and are descriptive only."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path_arguments(parser)
    parser.add_argument("--figure", type=Path, help="draw the map of all choices into this PNG file")


def run(args: argparse.Namespace) -> None:
    sweep, console = read_sweep(args.paths), Console()
    timeline, shuffler, n_tested = sweep.timelines[0], Shuffler(np.random.default_rng(0)), 0
    warn_about(sweep.skipped)
    if any(plan.looks for plan in sweep.plans):
        console.print(IN_LOOKS, highlight=False)
    for axis in sweep.axes:
        of = compare.compared(sweep, axis, timeline)
        robustness = examine(sweep, of, timeline, shuffler)
        if robustness is None:
            continue
        n_tested += 1
        for sentence in sentences(axis, of, robustness):
            console.print(sentence, highlight=False)
        console.print(table(axis, of, robustness))
        if args.figure:
            name = args.figure if n_tested == 1 else args.figure.with_stem(f"{args.figure.stem}_{axis.name}")
            plot = Plot(axis.name, name.stem, "", "", lambda r=robustness: choices_map(r))  # type: ignore[misc]
            write_atomic(name, paint(plot).png)
    if not n_tested:
        raise AnalysisError(
            f"{sweep.paths[0]}: no axis has two values that share {st.TESTED_FROM} seeds and have "
            f"evaluations; allowed: a sweep with such an axis"
        )


def sentences(axis: Axis, of: Compared, robustness: Robustness) -> Iterator[str]:
    """The share of choices with the declared conclusion, and the p-values of all choices together."""
    shown = robustness.p < st.SIGNIFICANT
    declared, holds = bool(shown[robustness.declared]), int(shown.sum())
    claim = "finds that values differ" if declared else "shows no difference"
    share = holds if declared else len(shown) - holds
    yield (
        f"{axis.name}: the declared analysis {claim} ({p_value(float(robustness.p[robustness.declared]))}), "
        f"and so do {share} of {len(shown)} choices of threshold, evaluations in a row, budget and measure."
    )
    yield (
        f"All choices together: {p_value(robustness.p_largest)} for the strongest of them, "
        f"{p_value(robustness.p_typical)} for the typical one. A single choice is not a test: one of so many "
        f"is often significant by luck."
    )
    best = Counter(robustness.best)
    labels = axis.labels()
    listed = ", ".join(f"{labels[of.codes[code]]} by {count}" for code, count in best.most_common())
    yield f"Best value, with the number of choices: {listed}."


def table(axis: Axis, of: Compared, robustness: Robustness) -> Table:
    """Counts of significant choices, and median p, for each measure, budget, threshold and run length."""
    shown = Table(box=None, header_style="", pad_edge=False)
    for title in ("choice", "choices", "p < 0.05", "median p"):
        shown.add_column(title, justify="left" if title == "choice" else "right")
    labels = [_parts(choice) for choice in robustness.choices]
    in_order = (parts[place] for place in range(4) for parts in labels if place < len(parts))
    for part in dict.fromkeys(in_order):
        members = np.array([part in parts for parts in labels])
        p = robustness.p[members]
        shown.add_row(part, str(len(p)), str(int((p < st.SIGNIFICANT).sum())), p_number(float(np.median(p))))
    return shown


def _parts(choice: Choice) -> list[str]:
    parts = [f"measure {choice.measure}", f"budget {format_number(choice.budget)}"]
    if choice.threshold is not None and choice.consecutive is not None:
        parts += [f"threshold {format_number(choice.threshold)}", f"{choice.consecutive} in a row"]
    return parts
