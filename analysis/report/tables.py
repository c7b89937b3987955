"""The tables beside a report: CSV text by name."""

from __future__ import annotations

import numpy as np

from analysis.estimates.describe import Table, value_table
from analysis.estimates.scores import Scores, Tuning
from analysis.records import Sweep, Timeline, slug, to_csv, trial_columns
from analysis.report import attainment, looks, scores
from analysis.report.over import Over, flat_table
from analysis.report.sections import ReportPart, ReportSection
from analysis.report.side_by_side import SweepComparison


def csv_tables(
    sweep: Sweep,
    parts: list[ReportPart],
    over: list[Over],
    scored: Scores | None,
    comparison: SweepComparison | None,
) -> dict[str, str]:
    """All tables of a report, as CSV text by name."""
    tables = {"trials": to_csv(sweep.rows, trial_columns(sweep), sweep.axes)}
    for part in parts:
        tables |= {f"{part.prefix}{name}": text for name, text in _part_tables(part).items()}
    tables |= {f"environments_{slug(each.name)}": to_csv(flat_table(each)) for each in over}
    tables |= _scores_tables(scored) if scored else {}
    return tables | (_comparison_tables(sweep, comparison) if comparison else {})


def _part_tables(part: ReportPart) -> dict[str, str]:
    configurations = _timed(part.configurations, part.timeline)
    tables = {"configurations": to_csv(configurations, axes=part.sweep.axes)}
    for section in part.sections:
        name, axes = slug(section.axis.name), [section.axis]
        tables[f"values_{name}"] = to_csv(_values_table(part.sweep, section), axes=axes)
        if section.comparisons:
            tables[f"comparisons_{name}"] = to_csv(section.comparisons, axes=axes)
        if section.attainment:
            table = attainment.attainment_table(section.axis, section.attainment, part.timeline)
            tables[f"attainment_{name}"] = to_csv(table, axes=axes)
        if section.looks:
            tables[f"looks_{name}"] = to_csv(looks.records(section.looks))
    return tables


def _comparison_tables(sweep: Sweep, comparison: SweepComparison) -> dict[str, str]:
    tables = {"sweeps": to_csv(comparison.outcomes), "sweeps_differences": to_csv(comparison.differences)}
    if comparison.shared:
        tables["sweeps_shared"] = to_csv(comparison.shared, axes=sweep.axes)
    return tables


def _scores_tables(scored: Scores) -> dict[str, str]:
    tables = {
        f"scores_{slug(each.axis.name)}": to_csv(scores.profile_table(each), axes=[each.axis])
        for each in scored.profiles
    }
    if isinstance(scored.tuning, Tuning):
        tables["sensitivity"] = to_csv(scores.tuning_table(scored.tuning))
    return tables


def _values_table(sweep: Sweep, section: ReportSection) -> Table:
    """The values of the section's axis on every clock."""
    first, *others = sweep.timelines
    tables = [(first, section.values)]
    tables += [(other, value_table(sweep, section.axis, other, np.random.default_rng(0))) for other in others]
    return [row for timeline, table in tables for row in _timed(table, timeline)]


def _timed(table: Table, timeline: Timeline) -> Table:
    return [{"clock": timeline.unit, "horizon": timeline.horizon, **row} for row in table]
