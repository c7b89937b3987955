"""`python -m analysis plan`: how many seeds a question needs, from a pilot or from assumptions."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from analysis.errors import AnalysisError
from analysis.estimates import planning, samples
from analysis.estimates.describe import per_seed
from analysis.estimates.statistics import TESTED_FROM
from analysis.records import ALL, Axis, Sweep, Timeline, as_list, read_sweep
from dqn_exp.text import format_number

RATIOS = (1.25, 1.5, 2.0)
CV = 0.5
"""Assumed coefficient of variation without a pilot: the standard deviation of times over their mean."""


class Basis(NamedTuple):
    """The assumptions or measurements behind a plan."""

    description: str
    variance: float
    """Variance of the difference of relative times of two values, each averaged over the other axes."""
    n_values: int
    combinations: int
    """Combinations of the other axes' values, in each of which a seed trains every value."""
    seconds: float
    """Training time of one trial on one core; NaN if unknown."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="SWEEP_DIR", help="a pilot: at least two values, three seeds"
    )
    parser.add_argument("--cv", type=float, help=f"assumed relative spread of times (default: {CV})")
    parser.add_argument(
        "--correlation", type=float, help="assumed correlation of trials of one seed (default: 0)"
    )
    parser.add_argument("--values", type=int, help="values to compare, including the reference (default: 2)")
    parser.add_argument(
        "--power", type=float, default=planning.POWER, help="power of the test (default: %(default)s)"
    )
    parser.add_argument(
        "--ratios",
        type=float,
        nargs="+",
        default=RATIOS,
        help="ratios of times to find (default: 1.25 1.5 2)",
    )


def run(args: argparse.Namespace) -> None:
    assumed = [name for name in ("cv", "correlation") if getattr(args, name) is not None]
    if args.paths and assumed:
        raise AnalysisError(f"--{assumed[0]} is measured from {args.paths[0]}; allowed: one of the two")
    _check(args)
    bases = pilots(read_sweep(as_list(args.paths)), args.values) if args.paths else [_assumptions(args)]
    for basis in bases:
        show(basis, planning.needs(basis.variance, args.ratios, args.power), args.power, Console())


def _check(args: argparse.Namespace) -> None:
    wrong = {
        "--power": not 0 < args.power < 1,
        "--ratios": not all(ratio > 0 and ratio != 1 for ratio in args.ratios),
        "--cv": args.cv is not None and args.cv <= 0,
        "--correlation": args.correlation is not None and not -1 < args.correlation < 1,
        "--values": args.values is not None and args.values < 2,
    }
    allowed = {
        "--power": "between 0 and 1",
        "--ratios": "above 0, and not 1",
        "--cv": "above 0",
        "--correlation": "between -1 and 1",
        "--values": "2 or more",
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise AnalysisError(f"{name} {getattr(args, name[2:])}; allowed: {allowed[name]}")


def _assumptions(args: argparse.Namespace) -> Basis:
    cv = CV if args.cv is None else args.cv
    correlation = args.correlation or 0.0
    description = (
        f"Assumed: the standard deviation of times is {cv:g} of their mean; trials of one seed have a "
        f"correlation of {correlation:g}."
    )
    return Basis(description, planning.variance(cv, correlation), args.values or 2, 1, np.nan)


def pilots(sweep: Sweep, n_values: int | None) -> list[Basis]:
    """One basis for each axis of a pilot: the largest variance of a value against the reference.

    Raises AnalysisError if no axis has a value that shares three seeds with the reference.
    """
    timeline = sweep.timelines[0]
    trials = [trial.number("wall_seconds") for trial in sweep.trials if sweep.counts({"run": trial.run})]
    known = [seconds for seconds in trials if not np.isnan(seconds)]
    seconds = float(np.mean(known)) if known else np.nan
    bases = [
        Basis(description, variance, n_values or len(axis.values), combinations, seconds)
        for axis in sweep.axes
        for description, variance, combinations in _pilot(sweep, axis, timeline)
    ]
    if not bases:
        raise AnalysisError(
            f"{sweep.paths[0]}: no value shares three seeds with the reference; allowed: "
            f"a sweep with such values, or assumptions (--cv, --correlation)"
        )
    return bases


def _pilot(sweep: Sweep, axis: Axis, timeline: Timeline) -> list[tuple[str, float, int]]:
    if axis is ALL or not sweep.judged:
        return []
    reference, _ = sweep.reference(axis)
    groups = samples.group(sweep.counted, axis)
    found = []
    for code, rows in enumerate(groups):
        pairs = samples.in_pairs(sweep, axis, rows, groups[reference]) if code != reference else None
        if pairs and len(set(samples.seeds(pairs[0]))) >= 3:
            ours, theirs = (
                per_seed(samples.seeds(part), np.minimum(timeline.times(part), timeline.horizon))
                for part in pairs
            )
            combinations = len(np.unique(sweep.strata(axis, pairs[0])))
            variance = planning.pilot_variance(ours, theirs)
            found.append((variance, len(ours), combinations, axis.labels()[code]))
    if not found:
        return []
    variance, n, combinations, label = max(found)
    within = (
        f", each the mean of {combinations} combinations of the other axes' values"
        if combinations > 1
        else ""
    )
    description = (
        f"From this pilot: {axis.name} = {label} against {axis.labels()[reference]}, the values with the "
        f"largest variance, in {n} seeds{within}. The plan uses the upper {planning.CAUTION:.0%} limit of "
        "the variance, because a small pilot often shows too little variance."
    )
    return [(description, variance, combinations)]


def show(basis: Basis, needs: list[planning.Need], power: float, console: Console) -> None:
    """Print the plan. Its times are for one core."""
    console.print(basis.description, highlight=False)
    table = Table(box=None, header_style="", pad_edge=False)
    for title in ("to find, with power " + f"{power:g}", "seeds per value", "trials", "hours of one core"):
        table.add_column(title, justify="left" if title.startswith("to") else "right")
    for need in needs:
        trials = need.seeds * basis.n_values * basis.combinations
        hours = f"{trials * basis.seconds / 3600:.2g}" if basis.seconds == basis.seconds else "unknown"
        table.add_row(need.question, str(need.seeds), format_number(trials), hours)
    console.print(table)
    within = f" in each of {basis.combinations} combinations" if basis.combinations > 1 else ""
    values = f"For {basis.n_values} values{within}"
    console.print(f"{values}; tests begin at {TESTED_FROM} seeds.", highlight=False)
