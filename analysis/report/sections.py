"""The parts of a report, one for each environment, and their sections, one for each axis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.estimates import compare
from analysis.estimates.attainment import Attainment, surfaces
from analysis.estimates.blocked import Shuffler
from analysis.estimates.compare import AxisTest, Compared
from analysis.estimates.describe import Table, configuration_table, value_table
from analysis.estimates.looks import Looks, take_looks
from analysis.estimates.robustness import Robustness, examine
from analysis.estimates.survival import LogRank
from analysis.records import ALL, Axis, Sweep, Timeline, same_networks, slug
from analysis.report import attainment, choices, description, findings, looks


class ReportSection(NamedTuple):
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


class ReportPart(NamedTuple):
    """The report's part about one environment; about all trials if there is only one environment."""

    name: str
    """Name of the environment; empty if there is only one."""
    sweep: Sweep
    sections: list[ReportSection]
    configurations: Table
    best: list[str]

    @property
    def timeline(self) -> Timeline:
        return self.sweep.timelines[0]

    @property
    def prefix(self) -> str:
        """Prefix of the names of the part's figures and tables."""
        return f"{slug(self.name)}_" if self.name else ""


def parts_of(sweep: Sweep) -> list[ReportPart]:
    """One part for each environment, so that returns and times of several environments are never mixed."""
    by_environment = sweep.by_environment()
    if len(by_environment) < 2:
        return [_part("", sweep)]
    return [_part(name, own) for name, own in by_environment.items()]


def _part(name: str, sweep: Sweep) -> ReportPart:
    cells = configuration_table(sweep, sweep.timelines[0], np.random.default_rng(0))
    sections = sections_of(sweep) if sweep.counted else []
    best = list(description.best_configurations(sweep, sweep.timelines[0], cells))
    return ReportPart(name, sweep, sections, cells, best)


def sections_of(sweep: Sweep) -> list[ReportSection]:
    """One section for each axis. The tests of several axes are corrected for their number."""
    if any(plan.looks for plan in sweep.plans):
        return [_section_in_looks(sweep, axis) for axis in sweep.axes]
    timeline, shuffler = sweep.timelines[0], Shuffler(np.random.default_rng(0))
    compared = [compare.compared(sweep, axis, timeline) for axis in sweep.axes]
    tests = compare.axis_tests(compared, timeline, shuffler)
    return [_section(sweep, of, test, shuffler) for of, test in zip(compared, tests, strict=True)]


def _section_in_looks(sweep: Sweep, axis: Axis) -> ReportSection:
    """A section whose claims come from the looks alone; no other test is made."""
    section, taken_looks = _described(sweep, axis), take_looks(sweep)
    claims = looks.outcomes(taken_looks) if taken_looks else [looks.waiting(sweep)]
    sentences = [*section.findings, *claims]
    return section._replace(findings=sentences, takeaway=len(section.findings), looks=taken_looks)


def _described(sweep: Sweep, axis: Axis, of: Compared | None = None) -> ReportSection:
    """A section that only describes the trials of each value, without tests."""
    timeline = sweep.timelines[0]
    reached = surfaces(sweep, axis, timeline, of, np.random.default_rng(0))
    values = value_table(sweep, axis, timeline, np.random.default_rng(0))
    sentences = list(description.describe(sweep, axis, timeline, values))
    sentences += description.alike(axis, same_networks(sweep, axis))
    return ReportSection(axis, axis.title or "All trials", sentences, values, attainment=reached)


def _section(sweep: Sweep, of: Compared, test: AxisTest, shuffler: Shuffler) -> ReportSection:
    timeline, axis = sweep.timelines[0], of.axis
    section = _described(sweep, axis, of)
    sentences, takeaway = section.findings, 0
    index, why = sweep.reference(axis)
    reference = f"{axis.name} = {axis.labels()[index]} ({why})"
    comparisons: Table = []
    asymptotic = robustness = None
    if of.is_testable:
        robustness = examine(sweep, of, timeline, shuffler)
        asymptotic = compare.asymptotic(sweep, axis, timeline) if len(sweep.axes) == 1 else None
        comparisons = compare.comparison_table(sweep, of, timeline, shuffler)
        takeaway = len(sentences)
        sentences += findings.tested(axis, test, comparisons, reference)
        sentences += [next(choices.sentences(axis, of, robustness))] if robustness else []
        sentences += attainment.sentences(axis, section.attainment, timeline) if section.attainment else []
    elif axis is not ALL:
        sentences.append(findings.untested(sweep, axis, section.values))
    return section._replace(
        takeaway=takeaway, comparisons=comparisons, reference=reference, test=test, robustness=robustness,
        asymptotic=asymptotic,
    )  # fmt: skip
