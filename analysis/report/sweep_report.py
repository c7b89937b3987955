"""`python -m analysis report`: figures, tables and one self-contained page about a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain, islice
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
from analysis.estimates.attainment import Attainment, surfaces
from analysis.estimates.robustness import Robustness, examine
from analysis.estimates.scores import Scores, Tuning, over_scores
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
from analysis.report import attainment, choices, findings, looks, methods, scores
from analysis.report.figures import (
    Picture,
    Plot,
    attainment_plot,
    axis_plots,
    choices_plot,
    environments_plot,
    looks_plot,
    paint_all,
    pair_plots,
    scores_plots,
    sides_plot,
)
from analysis.report.on_disk import publish, refuse_to_replace
from analysis.report.over import Over, flat_table, over_environments, sentences
from analysis.report.page import render_page
from analysis.report.screen import Said, first_screen
from analysis.report.side_by_side import Sides, side_by_side


class Section(NamedTuple):
    """The report's section about one axis."""

    axis: Axis
    title: str
    findings: list[str]
    values: Table
    takeaway: int = 0
    """Index of the most important finding."""
    comparisons: Table = []  # noqa: RUF012 # no list of it is changed
    reference: str = ""
    test: AxisTest | None = None
    """None if seeds were added in looks."""
    robustness: Robustness | None = None
    """The test repeated for every choice of threshold, budget and measure."""
    asymptotic: LogRank | None = None
    """The test without permutations; only if the sweep has no other axis."""
    attainment: Attainment | None = None
    """The share of trials that had reached a return by a time."""
    looks: Looks | None = None
    """The looks, if seeds were added in looks."""


class Part(NamedTuple):
    """The report's part about one environment; about all trials if there is only one environment."""

    name: str
    """Name of the environment; empty if there is only one."""
    sweep: Sweep
    sections: list[Section]
    configurations: Table
    best: list[str]

    @property
    def timeline(self) -> Timeline:
        return self.sweep.timelines[0]

    @property
    def prefix(self) -> str:
        """Prefix of the names of the part's figures and tables."""
        return f"{slug(self.name)}_" if self.name else ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path_arguments(parser)
    parser.add_argument(
        "--output", type=Path, help="folder to write to (default: SWEEP_DIR/report, where there is one)"
    )


def run(args: argparse.Namespace) -> None:
    print(write_report(args.paths, args.output))


def write_report(paths: Paths, output: Path | None = None) -> Path:
    """Write `index.html`, `figures/` and `tables/` about the trials in `paths` into `output`.

    Returns the path of the page. Without `output` the report is written to `report/` in the single folder of
    `paths`. An earlier report there is replaced as a whole, after all new files have been made. Raises
    AnalysisError if `output` holds `figures/` or `tables/` that no report wrote, or if there are several
    `paths` and no `output`.
    """
    if output is None:
        output = _only(as_list(paths)) / "report"
    else:
        refuse_to_replace(output)
    sweep = read_sweep(paths)
    parts, over, scored = _parts(sweep), list[Over](), None
    if len(parts) > 1:
        by_name = {part.name: part.sweep for part in parts}
        over = over_environments(by_name, Shuffler(np.random.default_rng(0)))
        scored = over_scores(by_name, np.random.default_rng(0))
    warn_about(sweep.skipped)
    plots = [list(_plots(part)) if part.sweep.counted else [] for part in parts]
    together = [environments_plot(each.name, each.parts) for each in over]
    together += scores_plots(scored) if scored else []
    sides = side_by_side(sweep)
    together += [sides_plot(sides.panels)] if sides and sides.panels else []
    painted = iter(paint_all([*together, *chain(*plots)]))
    of_all = list(islice(painted, len(together)))
    pictures = [list(islice(painted, len(own))) for own in plots]
    page = _render(sweep, parts, over, scored, sides, of_all, pictures)
    tables = _tables(sweep, parts, over, scored) | (_sides_tables(sweep, sides) if sides else {})
    return publish(output, page, [*of_all, *chain(*pictures)], tables)


def findings_about(paths: Paths) -> list[str]:
    """The findings of the report about `paths`, one sentence each."""
    found = list[str]()
    for part in _parts(read_sweep(paths)):
        said = [*chain(*(section.findings for section in part.sections)), *part.best]
        found += [f"{part.name}: {sentence}" if part.name else sentence for sentence in said]
    return found


def _parts(sweep: Sweep) -> list[Part]:
    """One part for each environment, so that returns and times of several environments are never mixed."""
    by_environment = sweep.by_environment()
    if len(by_environment) < 2:
        return [_part("", sweep)]
    return [_part(name, own) for name, own in by_environment.items()]


def _part(name: str, sweep: Sweep) -> Part:
    cells = configuration_table(sweep, sweep.timelines[0], np.random.default_rng(0))
    sections = _sections(sweep) if sweep.counted else []
    best = list(findings.best_configurations(sweep, sweep.timelines[0], cells))
    return Part(name, sweep, sections, cells, best)


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise AnalysisError(f"a report on {len(paths)} folders needs --output, a folder to write it to")
    return paths[0]


def _sections(sweep: Sweep) -> list[Section]:
    """One section for each axis. The tests of several axes are corrected for their number."""
    if any(plan.looks for plan in sweep.plans):
        return [_section_in_looks(sweep, axis) for axis in sweep.axes]
    timeline, shuffler = sweep.timelines[0], Shuffler(np.random.default_rng(0))
    found = [compare.compared(sweep, axis, timeline) for axis in sweep.axes]
    tests = compare.axis_tests(found, timeline, shuffler)
    return [_section(sweep, of, test, shuffler) for of, test in zip(found, tests, strict=True)]


def _section_in_looks(sweep: Sweep, axis: Axis) -> Section:
    """A section whose claims come from the looks alone; no other test is made."""
    section, found = _described(sweep, axis), take_looks(sweep)
    claims = looks.outcomes(found) if found else [looks.waiting(sweep)]
    said = [*section.findings, *claims]
    return section._replace(findings=said, takeaway=len(section.findings), looks=found)


def _described(sweep: Sweep, axis: Axis, of: Compared | None = None) -> Section:
    """A section that only describes the trials of each value, without tests."""
    timeline = sweep.timelines[0]
    reached = surfaces(sweep, axis, timeline, of, np.random.default_rng(0))
    values = value_table(sweep, axis, timeline, np.random.default_rng(0))
    said = list(findings.describe(sweep, axis, timeline, values))
    said += findings.alike(axis, same_networks(sweep, axis))
    return Section(axis, axis.title or "All trials", said, values, attainment=reached)


def _section(sweep: Sweep, of: Compared, test: AxisTest, shuffler: Shuffler) -> Section:
    timeline, axis = sweep.timelines[0], of.axis
    section = _described(sweep, axis, of)
    said, takeaway = section.findings, 0
    index, why = sweep.reference(axis)
    reference = f"{axis.name} = {axis.labels()[index]} ({why})"
    comparisons: Table = []
    asymptotic = robustness = None
    if of.is_testable:
        robustness = examine(sweep, of, timeline, shuffler)
        asymptotic = compare.asymptotic(sweep, axis, timeline) if len(sweep.axes) == 1 else None
        comparisons = compare.comparison_table(sweep, of, timeline, shuffler)
        takeaway = len(said)
        said += findings.tested(axis, test, comparisons, reference)
        said += [next(choices.sentences(axis, of, robustness))] if robustness else []
        said += attainment.sentences(axis, section.attainment, timeline) if section.attainment else []
    elif axis is not ALL:
        said.append(findings.untested(sweep, axis, section.values))
    return section._replace(
        takeaway=takeaway, comparisons=comparisons, reference=reference, test=test, robustness=robustness,
        asymptotic=asymptotic,
    )  # fmt: skip


def _plots(part: Part) -> Iterator[Plot]:
    sweep = part.sweep
    episodes = {trial.run: read_curve(trial, "episodes", sweep.skipped) for trial in sweep.trials}
    losses = {trial.run: read_curve(trial, "losses", sweep.skipped) for trial in sweep.trials}
    plots = [*pair_plots(sweep)]
    for section in part.sections:
        plots += axis_plots(sweep, section.axis, episodes, losses)
        if section.robustness:
            plots.append(choices_plot(section.axis, section.robustness))
        if section.attainment:
            plots.append(attainment_plot(sweep, section.axis, section.attainment))
        if section.looks and section.looks.decisions.looks:
            plots.append(looks_plot(section.looks))
    for plot in plots:
        yield plot._replace(name=f"{part.prefix}{plot.name}")


def _tables(sweep: Sweep, parts: list[Part], over: list[Over], scored: Scores | None) -> dict[str, str]:
    """CSV text by table name."""
    found = {"trials": to_csv(sweep.rows, trial_columns(sweep), sweep.axes)}
    for part in parts:
        axes = part.sweep.axes
        found[f"{part.prefix}configurations"] = to_csv(_timed(part.configurations, part.timeline), axes=axes)
        for section in part.sections:
            name = slug(section.axis.name)
            values = _values_csv(part.sweep, section)
            found[f"{part.prefix}values_{name}"] = to_csv(values, axes=[section.axis])
            if section.comparisons:
                found[f"{part.prefix}comparisons_{name}"] = to_csv(section.comparisons, axes=[section.axis])
            if section.attainment:
                table = attainment.attainment_table(section.axis, section.attainment, part.timeline)
                found[f"{part.prefix}attainment_{name}"] = to_csv(table, axes=[section.axis])
            if section.looks:
                found[f"{part.prefix}looks_{name}"] = to_csv(looks.records(section.looks))
    for each in over:
        found[f"environments_{slug(each.name)}"] = to_csv(flat_table(each))
    return found | (_scores_tables(scored) if scored else {})


def _sides_tables(sweep: Sweep, sides: Sides) -> dict[str, str]:
    tables = {"sweeps": to_csv(sides.outcomes), "sweeps_differences": to_csv(sides.differences)}
    if sides.shared:
        tables["sweeps_shared"] = to_csv(sides.shared, axes=sweep.axes)
    return tables


def _scores_tables(found: Scores) -> dict[str, str]:
    tables = {
        f"scores_{slug(each.axis.name)}": to_csv(scores.profile_table(each), axes=[each.axis])
        for each in found.profiles
    }
    if isinstance(found.tuning, Tuning):
        tables["sensitivity"] = to_csv(scores.tuning_table(found.tuning))
    return tables


def _values_csv(sweep: Sweep, section: Section) -> Table:
    first, *others = sweep.timelines
    tables = [(first, section.values)]
    tables += [(other, value_table(sweep, section.axis, other, np.random.default_rng(0))) for other in others]
    return [row for timeline, table in tables for row in _timed(table, timeline)]


def _timed(table: Table, timeline: Timeline) -> Table:
    return [{"clock": timeline.unit, "horizon": timeline.horizon, **row} for row in table]


def _tests(parts: list[Part]) -> tuple[str, str]:
    """Heading and text about the tests behind the claims."""
    found = next((section.looks for part in parts for section in part.sections if section.looks), None)
    return ("Looks", looks.methods(found)) if found else methods.tests()


def _said(
    overview: list[str],
    over: list[tuple[Over, list[str]]],
    scored: list[str] | None,
    sides: Sides | None,
    parts: list[Part],
) -> Iterator[Said]:
    """All sentences, grouped by subject."""
    yield Said("", overview)
    if sides:
        yield Said("side by side", sides.said)
    for each, told in over:
        yield Said(f"{each.name}, over all environments", told)
    if scored:
        yield Said("scores over all environments", scored)
    for part in parts:
        about = f"{part.name}: " if part.name else ""
        if part.best:
            yield Said(f"{about}configurations", part.best)
        for section in part.sections:
            heading = f"{about}{section.axis.name}" if about or len(part.sections) > 1 else ""
            yield Said(heading, section.findings, section.takeaway)


def _render(
    sweep: Sweep,
    parts: list[Part],
    over: list[Over],
    scored: Scores | None,
    sides: Sides | None,
    of_all: list[Picture],
    pictures: list[list[Picture]],
) -> str:
    overview = list(findings.overview(sweep))
    told = [(each, list(sentences(each))) for each in over]
    told_scores = list(scores.sentences(scored)) if scored else None
    return render_page(
        "report.html.j2",
        title=findings.title(sweep),
        overview=overview,
        screen=first_screen(list(_said(overview, told, told_scores, sides, parts))),
        sides=sides,
        main=next(iter([*of_all, *chain(*pictures)]), None),
        sweep=sweep,
        parts=list(zip(parts, pictures, strict=True)),
        over=told,
        scored=told_scores,
        tuned=scores.tuning_table(scored.tuning) if scored and isinstance(scored.tuning, Tuning) else [],
        of_all=of_all,
        slug=slug,
        p_value=findings.p_value,
        look_rows=looks.records,
        notes=list(methods.notes(sweep, _tests(parts))),
        provenance=list(methods.provenance(sweep)),
    )
