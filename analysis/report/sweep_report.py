"""`python -m analysis report`: figures, tables and one self-contained page about a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimates.blocked import Shuffler
from analysis.estimates.scores import Scores, Tuning, over_scores
from analysis.records import (
    Paths,
    Sweep,
    add_path_arguments,
    as_list,
    read_curve,
    read_sweep,
    slug,
    warn_about,
)
from analysis.report import looks, methods, overview, scores
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
    sweeps_plot,
)
from analysis.report.on_disk import publish, refuse_to_replace
from analysis.report.over import Over, over_environments, sentences
from analysis.report.page import render_page
from analysis.report.screen import SubjectSentences, first_screen
from analysis.report.sections import ReportPart, parts_of
from analysis.report.side_by_side import SweepComparison, compare_sweeps
from analysis.report.tables import csv_tables
from analysis.wording import p_value


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
        output = _single_folder(as_list(paths)) / "report"
    else:
        refuse_to_replace(output)
    sweep = read_sweep(paths)
    parts, over, scored = parts_of(sweep), list[Over](), None
    if len(parts) > 1:
        by_name = {part.name: part.sweep for part in parts}
        over = over_environments(by_name, Shuffler(np.random.default_rng(0)))
        scored = over_scores(by_name, np.random.default_rng(0))
    warn_about(sweep.skipped)
    plots = [list(_plots(part)) if part.sweep.counted else [] for part in parts]
    together = [environments_plot(each.name, each.parts) for each in over]
    together += scores_plots(scored) if scored else []
    comparison = compare_sweeps(sweep)
    together += [sweeps_plot(comparison.panels)] if comparison and comparison.panels else []
    painted = iter(paint_all([*together, *chain(*plots)]))
    of_all = list(islice(painted, len(together)))
    pictures = [list(islice(painted, len(own))) for own in plots]
    page = _render(sweep, parts, over, scored, comparison, of_all, pictures)
    tables = csv_tables(sweep, parts, over, scored, comparison)
    return publish(output, page, [*of_all, *chain(*pictures)], tables)


def findings_about(paths: Paths) -> list[str]:
    """The findings of the report about `paths`, one sentence each."""
    all_sentences = list[str]()
    for part in parts_of(read_sweep(paths)):
        part_sentences = [*chain(*(section.findings for section in part.sections)), *part.best]
        all_sentences += [
            f"{part.name}: {sentence}" if part.name else sentence for sentence in part_sentences
        ]
    return all_sentences


def _single_folder(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise AnalysisError(f"a report on {len(paths)} folders needs --output, a folder to write it to")
    return paths[0]


def _plots(part: ReportPart) -> Iterator[Plot]:
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


def _tests(parts: list[ReportPart]) -> tuple[str, str]:
    """Heading and text about the tests behind the claims."""
    section_looks = next(
        (section.looks for part in parts for section in part.sections if section.looks), None
    )
    return ("Looks", looks.methods(section_looks)) if section_looks else methods.tests()


def _sentences_by_subject(
    summary: list[str],
    over: list[tuple[Over, list[str]]],
    scored: list[str] | None,
    comparison: SweepComparison | None,
    parts: list[ReportPart],
) -> Iterator[SubjectSentences]:
    """All sentences, grouped by subject."""
    yield SubjectSentences("", summary)
    if comparison:
        yield SubjectSentences("Side by side", comparison.sentences)
    for each, texts in over:
        yield SubjectSentences(f"{each.name}, over all environments", texts)
    if scored:
        yield SubjectSentences("scores over all environments", scored)
    for part in parts:
        about = f"{part.name}: " if part.name else ""
        if part.best:
            yield SubjectSentences(f"{about}configurations", part.best)
        for section in part.sections:
            heading = f"{about}{section.axis.name}" if about or len(part.sections) > 1 else ""
            yield SubjectSentences(heading, section.findings, section.takeaway)


def _render(
    sweep: Sweep,
    parts: list[ReportPart],
    over: list[Over],
    scored: Scores | None,
    comparison: SweepComparison | None,
    of_all: list[Picture],
    pictures: list[list[Picture]],
) -> str:
    summary = list(overview.overview(sweep))
    over_sentences = [(each, list(sentences(each))) for each in over]
    score_sentences = list(scores.sentences(scored)) if scored else None
    return render_page(
        "report.html.j2",
        title=overview.title(sweep),
        overview=summary,
        screen=first_screen(
            list(_sentences_by_subject(summary, over_sentences, score_sentences, comparison, parts))
        ),
        comparison=comparison,
        main=next(iter([*of_all, *chain(*pictures)]), None),
        sweep=sweep,
        parts=list(zip(parts, pictures, strict=True)),
        over=over_sentences,
        scored=score_sentences,
        tuned=scores.tuning_table(scored.tuning) if scored and isinstance(scored.tuning, Tuning) else [],
        of_all=of_all,
        slug=slug,
        p_value=p_value,
        look_rows=looks.records,
        notes=list(methods.notes(sweep, _tests(parts))),
        provenance=list(methods.provenance(sweep)),
    )
