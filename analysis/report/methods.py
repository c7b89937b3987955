"""The notes of a report on its methods: measures, counted trials, tests, and where the trials ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from analysis.estimates import blocked
from analysis.estimates import statistics as st
from analysis.records import BLOCK, UNKNOWN, Sweep, Timeline
from analysis.report.overview import values
from dqn_exp.runs import attempts_of
from dqn_exp.text import format_number


def notes(sweep: Sweep, tests: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs (subject, explanation) that a reader needs to judge the numbers; one paragraph a line."""
    timeline = sweep.timelines[0]
    if sweep.judged:
        yield "Convergence", _rule(sweep)
        yield "Resolution", _resolution(sweep, timeline)
        yield "Budget", _budget(sweep, timeline)
    if any(row.get("budget.seconds") is not None for row in sweep.rows):
        yield (
            "Seconds",
            f"Training ended after at most {values(sweep, 'budget.seconds')} seconds. How many steps a trial "
            "makes in this time depends on the machine and on what else runs there. So the same command "
            "gives other numbers, and a value with slower steps gets fewer of them.",
        )
    yield (
        "What counts",
        "Trials count if they converged, spent their budget (exhausted) or diverged. A diverged trial never "
        "converges: it counts as unconverged for the whole budget.\n"
        "Pruned trials do not count: they were stopped because they did badly, so counting them would "
        "mislead. Failed, interrupted and running trials do not count either: they have no outcome yet. All "
        "of these are listed, but enter no statistic. There is one exception: tests use interrupted and "
        "running trials for as long as they were observed. Without them, values whose trials end early would "
        "seem better than they are.",
    )
    yield (
        "Median",
        "Kaplan–Meier estimate (SciPy), which uses unconverged trials for as long as they were observed. Its "
        "interval lies between order statistics, and has no limits below 6 trials. “Not reached”: fewer than "
        "half of the trials had converged by the end.",
    )
    yield (
        "RMST",
        f"Restricted mean time: the mean of min(T, {format_number(timeline.horizon)}) over trials, "
        "where T is the time to convergence.",
    )
    yield (
        "Intervals",
        "Their level is 95%. Means within known bounds, such as those of RMST: Dirichlet weights on "
        "the trials and half a pseudo-observation at each bound. Other means: Student's t. "
        "Fractions: Wilson's.\n"
        "Bands around learning curves: the inner band holds at each moment, the outer band at all moments at "
        "once. The outer band is as many standard errors wide as the largest deviation is in 95% of random "
        "changes of the signs of the trials' deviations. Neither band is drawn beyond the lowest and the "
        "highest point of any trial.\n"
        "If trials of several configurations are pooled, the trials of one seed are averaged first, because "
        "they share its luck.",
    )
    yield (
        "IQM, area, final return",
        "IQM: mean without the lowest and highest quarter. Area: mean evaluation return over the time shown, "
        "that is, the area under the learning curve. The curve is level before its first and after its last "
        "evaluation.\n"
        "The area of a diverged trial is minus infinity, as in a study: returns have no lower bound, and "
        "what the trial had reached before it diverged must not count in its favour. The final return of a "
        "diverged trial is that of its last network.",
    )
    yield (
        "What was reached",
        "The share of trials that had, at or before a time, an evaluation with at least a given return: the "
        "empirical attainment function (Grunert da Fonseca, Fonseca & Hall 2001).\n"
        "It is unknown whether a trial that ended would have reached more. Where this is unknown for any "
        "trial, no share is shown. A diverged trial reaches no more.\n"
        "Two values are compared over the seeds that both have, with values permuted within seeds. The "
        "statistic is the largest difference anywhere; among equal ones, the one that covers more of the "
        "surface counts as larger.",
    )
    yield tests
    if len(sweep.by_environment()) > 1:
        yield "Several environments", _environments()


def _rule(sweep: Sweep) -> str:
    threshold = values(sweep, "convergence.threshold")
    consecutive = values(sweep, "convergence.consecutive")
    if sweep.by_training:
        over = f"over an evaluation, or over {BLOCK} training episodes if there are no evaluations,"
    elif all(trial.imported for trial in sweep.trials):
        over = "over its episodes"
    else:
        over = f"over {values(sweep, 'evaluation.episodes')} greedy episodes"
    return (
        f"The first of {consecutive} consecutive evaluations whose mean return {over} "
        f"is at least {threshold}. T is the time of that first evaluation. With only 1 "
        f"evaluation, a noisy mean would cross the threshold early by luck."
    )


def _resolution(sweep: Sweep, timeline: Timeline) -> str:
    gaps = [np.diff(curve[timeline.curve]) for curve in sweep.evaluations.values() if curve]
    known = np.concatenate([np.empty(0), *gaps])
    spacing = format_number(float(np.median(known))) if len(known) else "unknown"
    return (
        f"Evaluations are {spacing} {timeline.unit} apart (median). T is not known more precisely than this; "
        f"smaller differences mean nothing."
    )


def _budget(sweep: Sweep, timeline: Timeline) -> str:
    limits = [
        f"{values(sweep, key)} {unit}"
        for key, unit in (
            ("budget.env_steps", "environment steps"),
            ("budget.episodes", "episodes"),
            ("budget.learning_episodes", "episodes after the first update"),
            ("budget.seconds", "seconds of training"),
        )
        if not set(values(sweep, key).split(" / ")) <= {"none", UNKNOWN}
    ]
    limits_text = f"Each trial had {' or '.join(limits)}" if limits else "The budget of the trials is unknown"
    text = f"{limits_text}; time is counted in {timeline.unit}"
    if np.isnan(timeline.budget) or timeline.horizon < timeline.budget:
        text += f", up to {format_number(timeline.horizon)}, the time up to which every trial was observed"
    both = " The tables folder holds both clocks." if len(sweep.timelines) > 1 else ""
    return f"{text}.{both}"


def tests() -> tuple[str, str]:
    """Heading and text about the tests for a fixed number of seeds, one paragraph a line."""
    low, high = st.EQUIVALENCE
    return "Tests", (
        f"Tests begin at {st.TESTED_FROM} seeds. The score of a trial is 1 if it converged and otherwise 0, "
        "minus the Nelson–Aalen estimate of all compared trials at its time (log-rank scores). It is "
        "computed within groups of trials that agree on every other axis.\n"
        "Trials of one seed are related. So values are permuted only within a seed, in all groups at once: "
        f"in every possible way if there are at most {blocked.PERMUTATIONS} ways, otherwise in as many "
        "random ways (then the smallest p is written with ≤). If no seed is shared, values are permuted "
        "among all trials of a group.\n"
        "Claims about single values come from a closed test: the p of a value is the largest p over all sets "
        "of values that contain it. So, with a probability of at least 95%, none of an axis's claims is "
        f"wrong. Above {blocked.CLOSED_UP_TO} values, it is a step-down test. The test of all values "
        "together decides nothing; with several axes it is corrected by Holm's method.\n"
        "Values that gave the same trials are merged first. Only seeds and groups in which every compared "
        "value was tried are used. Trials that still run or were interrupted are used for as long as they "
        "were observed.\n"
        "The direction is the sign of observed minus expected convergences. If the interval of the ratio of "
        "restricted means contains 1 or contradicts this sign, neither value is called faster. The interval "
        "has level 1 − 0.1 / (values − 1).\n"
        f"Two values are equivalent if this interval lies within {low:g}–{high:g}, a margin set beforehand, "
        "and at least half of the trials of both values converged (times cut to the budget are alike, "
        "whatever they would have been). If seeds are shared, ratios and differences are computed in pairs, "
        "and the correlation shows what the pairing achieved.\n"
        "Ordered values: the test for a trend weighs scores by position. The test for a peak uses the "
        "largest result over all positions of the peak. The values that may be the fastest are those that "
        "Hsu's comparison with the best cannot exclude.\n"
        "The random generator is seeded: the same trials give the same report."
    )


def _environments() -> str:
    return (
        "Returns and times of different environments are never mixed.\n"
        "Over environments: the sums of log-rank scores of each environment are divided by their norm and "
        "added. One permutation of a seed's values is used in all environments. In every environment: the "
        "largest of their one-sided p. Interaction: Welch's analysis of variance of jackknife values of log "
        "ratios of restricted means. Reversal: Gail & Simon's test.\n"
        "Scores: final return, scaled so that random play is 0 and the threshold 1. Their interquartile mean "
        "and the probability of a higher score have intervals from a bootstrap within each environment "
        "(Agarwal et al. 2021). The performance profile has exact intervals for the number of trials that "
        "would give the same variance (Korn & Graubard 1998).\n"
        "Sensitivity and effective dimensionality (Adkins et al. 2024) are means over 200 random splits of "
        "the seeds into halves. One half chooses the settings, the other half scores them, and vice versa. "
        "With the same seeds for both, a loss would be found where there is none. The intervals are "
        "Student's, with the standard error of resampled seeds."
    )


def provenance(sweep: Sweep) -> Iterator[tuple[str, str]]:
    """Pairs (what, value) about the origin of the trials; a value lists all variants if trials differ."""
    imported = [trial.imported for trial in sweep.trials if trial.imported]
    records = [trial.record for trial in sweep.trials if not trial.imported]
    commands = unique(plan.command for plan in sweep.plans) or unique(r.get("command") for r in records)
    yield "Command", "; ".join(commands)
    yield "Directory", "; ".join(str(path.resolve()) for path in sweep.paths)
    if imported:
        yield "Logs of other programs", "; ".join(unique(each.get("path") for each in imported))
    if not records:
        return
    yield "Started", " to ".join(_ends(unique(record.get("started") for record in records)))
    attempts = [attempt for record in records for attempt in attempts_of(record)]
    yield "Source", "; ".join(unique(_commit(attempt.get("git")) for attempt in attempts))
    yield "Host", "; ".join(unique(f"{a.get('host')} ({a.get('cpu')})" for a in attempts))
    yield "Learner, device", "; ".join(unique(f"{r.get('learner')}, {r.get('device')}" for r in records))
    yield "Versions", "; ".join(unique(_versions(attempt.get("versions")) for attempt in attempts))
    ours = [trial for trial in sweep.trials if not trial.imported]
    mixed = [trial.run for trial in ours if len(_programs(trial.record)) > 1]
    if mixed:
        yield "Continued with another program", f"another commit or other versions: {', '.join(mixed)}"
    inexact = [trial.run for trial in ours if not all(map(_is_exact, attempts_of(trial.record)))]
    if inexact:
        yield (
            "Not continued exactly",
            "their environments keep a state between episodes that no seed determines, so another run of "
            f"these trials may give other numbers: {', '.join(inexact)}",
        )
    seconds = [trial.result.get("wall_seconds") or 0.0 for trial in ours]
    yield "Training time", f"{format_number(float(sum(seconds)))} s over all trials"


def _is_exact(attempt: Mapping[str, Any]) -> bool:
    """Could the attempt restore the environments to the state in which the trial was saved?"""
    return bool(attempt.get("exact", True))


def _programs(record: Mapping[str, Any]) -> list[str]:
    """The programs (commit and versions) that trained a trial, from its first attempt to its last."""
    return unique((_commit(a.get("git")), _versions(a.get("versions"))) for a in attempts_of(record))


def _ends(times: list[str]) -> list[str]:
    return unique([min(times), max(times)]) if times else []


def _commit(git: object) -> str:
    if not isinstance(git, dict):
        return "no git repository"
    return f"commit {git.get('commit')}{' with changes' if git.get('dirty') else ''}"


def _versions(versions: object) -> str:
    items = versions.items() if isinstance(versions, dict) else ()
    return ", ".join(f"{name} {version}" for name, version in items)


def unique(values: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values if value is not None))
