"""`python -m analysis report`: figures, tables and one self-contained page about a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimates import (
    AxisTest,
    Compared,
    LogRank,
    Looks,
    Shuffler,
    Table,
    compare,
    configuration_table,
    take_looks,
    value_table,
)
from analysis.estimates.robustness import Robustness, examine
from analysis.records import (
    ALL,
    Axis,
    Paths,
    Sweep,
    Timeline,
    add_path_arguments,
    as_list,
    read_curve,
    read_sweep,
    same_networks,
    slug,
    to_csv,
    trial_columns,
    warn_about,
)
from analysis.report import choices, findings, looks, methods
from analysis.report.figures import (
    Picture,
    Plot,
    axis_plots,
    choices_plot,
    looks_plot,
    paint_all,
    pair_plots,
)
from analysis.report.on_disk import publish, refuse_to_replace
from analysis.report.page import render_page


class Section(NamedTuple):
    """What the report says about one axis."""

    axis: Axis
    title: str
    findings: list[str]
    values: Table
    comparisons: Table = []  # noqa: RUF012 # no list of it is changed
    reference: str = ""
    test: AxisTest | None = None
    """None where seeds were added in looks."""
    robustness: Robustness | None = None
    """The same question by every choice of threshold, budget and measure."""
    asymptotic: LogRank | None = None
    """The test without permutations, where there is no other axis."""
    looks: Looks | None = None
    """What they found, where seeds were added in them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path_arguments(parser)
    parser.add_argument(
        "--output", type=Path, help="folder to write to (default: SWEEP_DIR/report, where there is one)"
    )


def run(args: argparse.Namespace) -> None:
    print(write_report(args.paths, args.output))


def write_report(paths: Paths, output: Path | None = None) -> Path:
    """Write `index.html`, `figures/` and `tables/` about the trials in `paths` into `output`.

    Returns the path of the page. Without `output` it is `report/` in the only one of `paths`. What an earlier
    report wrote is replaced as a whole, when everything new has been made; raises AnalysisError where
    folders of these names are not an earlier report's, or where `output` is needed and missing.
    """
    if output is None:
        output = _only(as_list(paths)) / "report"
    else:
        refuse_to_replace(output)
    sweep = read_sweep(paths)
    sections = _sections(sweep) if sweep.counted else []
    plots = [*_plots(sweep), *_plots_of_claims(sections)] if sweep.counted else []
    warn_about(sweep.skipped)
    cells = configuration_table(sweep, sweep.timelines[0], np.random.default_rng(0))
    pictures = paint_all(plots)
    page = _render(sweep, sections, cells, pictures)
    return publish(output, page, pictures, _tables(sweep, sections, cells))


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise AnalysisError(f"a report on {len(paths)} folders needs --output, a folder to write it to")
    return paths[0]


def _sections(sweep: Sweep) -> list[Section]:
    """What is said of each axis; the tests of several axes are corrected for their number."""
    if any(plan.looks for plan in sweep.plans):
        return [_section_in_looks(sweep, axis) for axis in sweep.axes]
    timeline, shuffler = sweep.timelines[0], Shuffler(np.random.default_rng(0))
    found = [compare.compared(sweep, axis, timeline) for axis in sweep.axes]
    tests = compare.axis_tests(found, timeline, shuffler)
    return [_section(sweep, of, test, shuffler) for of, test in zip(found, tests, strict=True)]


def _section_in_looks(sweep: Sweep, axis: Axis) -> Section:
    """Claims come from the looks, and no other test is made beside them."""
    section, found = _described(sweep, axis), take_looks(sweep)
    claims = looks.outcomes(found) if found else [looks.waiting(sweep)]
    return section._replace(findings=[*section.findings, *claims], looks=found)


def _described(sweep: Sweep, axis: Axis) -> Section:
    """What the trials of each value did."""
    timeline = sweep.timelines[0]
    values = value_table(sweep, axis, timeline, np.random.default_rng(0))
    said = list(findings.describe(sweep, axis, timeline, values))
    said += findings.alike(axis, same_networks(sweep, axis))
    return Section(axis, axis.title or "All trials", said, values)


def _section(sweep: Sweep, of: Compared, test: AxisTest, shuffler: Shuffler) -> Section:
    timeline, axis = sweep.timelines[0], of.axis
    section = _described(sweep, axis)
    said = section.findings
    index, why = sweep.reference(axis)
    reference = f"{axis.name} = {axis.labels()[index]} ({why})"
    comparisons: Table = []
    asymptotic = robustness = None
    if of.is_testable:
        robustness = examine(sweep, of, timeline, shuffler)
        asymptotic = compare.asymptotic(sweep, axis, timeline) if len(sweep.axes) == 1 else None
        comparisons = compare.comparison_table(sweep, of, timeline, shuffler)
        said += findings.tested(axis, test, comparisons, reference)
        said += [next(choices.sentences(axis, of, robustness))] if robustness else []
    elif axis is not ALL:
        said.append(findings.untested(sweep, axis, section.values))
    return section._replace(
        comparisons=comparisons, reference=reference, test=test, robustness=robustness, asymptotic=asymptotic
    )


def _plots(sweep: Sweep) -> Iterator[Plot]:
    episodes = {trial.run: read_curve(trial, "episodes", sweep.skipped) for trial in sweep.trials}
    losses = {trial.run: read_curve(trial, "losses", sweep.skipped) for trial in sweep.trials}
    yield from pair_plots(sweep)
    for axis in sweep.axes:
        yield from axis_plots(sweep, axis, episodes, losses)


def _plots_of_claims(sections: list[Section]) -> Iterator[Plot]:
    for section in sections:
        if section.robustness:
            yield choices_plot(section.axis, section.robustness)
        if section.looks and section.looks.decisions.looks:
            yield looks_plot(section.looks)


def _tables(sweep: Sweep, sections: list[Section], cells: Table) -> dict[str, str]:
    """CSV by name."""
    return {
        "trials": to_csv(sweep.rows, trial_columns(sweep), sweep.axes),
        "configurations": to_csv(_timed(cells, sweep.timelines[0]), axes=sweep.axes),
        **{f"values_{slug(s.axis.name)}": to_csv(_values_csv(sweep, s), axes=[s.axis]) for s in sections},
        **{
            f"comparisons_{slug(s.axis.name)}": to_csv(s.comparisons, axes=[s.axis])
            for s in sections
            if s.comparisons
        },
        **{f"looks_{slug(s.axis.name)}": to_csv(looks.records(s.looks)) for s in sections if s.looks},
    }


def _values_csv(sweep: Sweep, section: Section) -> Table:
    first, second = sweep.timelines
    again = value_table(sweep, section.axis, second, np.random.default_rng(0))
    return _timed(section.values, first) + _timed(again, second)


def _timed(table: Table, timeline: Timeline) -> Table:
    return [{"clock": timeline.unit, "horizon": timeline.horizon, **row} for row in table]


def _tests(sections: list[Section]) -> tuple[str, str]:
    """How what is claimed was tested."""
    found = next((section.looks for section in sections if section.looks), None)
    return ("Looks", looks.methods(found)) if found else methods.tests()


def _render(sweep: Sweep, sections: list[Section], cells: Table, pictures: list[Picture]) -> str:
    return render_page(
        "report.html.j2",
        title=findings.title(sweep),
        overview=list(findings.overview(sweep)),
        best=list(findings.best_configurations(sweep, sweep.timelines[0], cells)),
        sweep=sweep,
        timeline=sweep.timelines[0],
        sections=sections,
        pictures=pictures,
        slug=slug,
        p_value=findings.p_value,
        configurations=cells,
        look_rows=looks.records,
        notes=list(methods.notes(sweep, _tests(sections))),
        provenance=list(methods.provenance(sweep)),
    )
