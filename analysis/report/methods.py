"""The notes of a report on its methods: measures, counted trials, tests, and where the trials ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from analysis.estimates import blocked
from analysis.estimates import statistics as st
from analysis.records import BLOCK, UNKNOWN, Sweep, Timeline
from analysis.report.findings import values
from dqn_exp.runs import attempts_of
from dqn_exp.text import format_number


def notes(sweep: Sweep, tests: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Pairs (subject, explanation) that a reader needs to judge the numbers."""
    timeline = sweep.timelines[0]
    if sweep.judged:
        yield "Convergence", _rule(sweep)
        yield "Resolution", _resolution(sweep, timeline)
        yield "Budget", _budget(sweep, timeline)
    if any(row.get("budget.seconds") is not None for row in sweep.rows):
        yield (
            "Seconds",
            f"Training ended after {values(sweep, 'budget.seconds')} seconds at the latest. How far a trial "
            "came by then depends on the machine and on what else ran there, so that the same command "
            "gives other numbers, and a value that makes steps slower is given fewer of them.",
        )
    yield (
        "What counts",
        "Trials that converged, spent their budget (exhausted) or diverged count. A diverged trial "
        "never converges: it counts as unconverged for the whole budget. Pruned trials were stopped "
        "because they did badly, so that counting them would mislead; failed, interrupted and "
        "running trials are no outcomes yet. All of these are listed, and none enters a statistic, but that "
        "tests use what was seen of interrupted and running ones: without them, values whose trials end "
        "early would seem better than they are.",
    )
    yield (
        "Median",
        "Kaplan–Meier estimate (SciPy), which uses unconverged trials for as long as they were seen; "
        "its interval lies between order statistics, and has no limits below 6 trials. “Not reached”: fewer "
        "than half had converged by the end.",
    )
    yield (
        "RMST",
        f"Restricted mean time: the mean of min(T, {format_number(timeline.horizon)}) over trials, "
        "where T is the time to convergence.",
    )
    yield (
        "Intervals",
        "95%: of means within known bounds, such as those of RMST, from Dirichlet weights on the trials and "
        "half a pseudo-observation at each bound; of other means Student's t; of fractions Wilson's. Bands "
        "around learning curves: the inner one holds at each moment, the outer one at all moments at once, "
        "as many standard errors wide as the largest deviation is in 95% of random signs of the trials' "
        "deviations; neither is drawn beyond the lowest and the highest point of any trial. Where trials "
        "of several configurations are pooled, those of one seed are averaged first: they share its luck."
        " IQM: mean without the lowest and highest quarter. Area: mean evaluation return over the time "
        "shown, i.e. area under the learning curve, which is level before its first and "
        "after its last evaluation. That of a trial that diverged is minus infinity, as in a study: returns "
        "have no lower bound, and what it had reached before must not speak for it. The final return of a "
        "diverged trial is what the network that it left earned.",
    )
    yield (
        "What was reached",
        "The share of trials that have had, at or before a time, an evaluation with at least a return: the "
        "empirical attainment function (Grunert da Fonseca, Fonseca & Hall 2001). A trial that ended is "
        "unknown above what it had reached, so that nothing is told where some trial is unknown; a diverged "
        "one reaches no more. Two values are compared over the seeds that both have, by the largest "
        "difference anywhere, of equal ones by how much of the surface they cover, with values changing "
        "places within seeds.",
    )
    yield tests
    if len(sweep.by_environment()) > 1:
        yield "Several environments", _environments()


def _rule(sweep: Sweep) -> str:
    threshold = values(sweep, "convergence.threshold")
    consecutive = values(sweep, "convergence.consecutive")
    if sweep.by_training:
        over = f"over evaluations, and where there are none over {BLOCK} training episodes,"
    elif all(trial.imported for trial in sweep.trials):
        over = "over its episodes"
    else:
        over = f"over {values(sweep, 'evaluation.episodes')} greedy episodes"
    return (
        f"The first of {consecutive} consecutive evaluations whose mean return {over} "
        f"is at least {threshold}. T is the time of that first evaluation. A single "
        f"crossing of a noisy mean (1 consecutive) comes early by luck."
    )


def _resolution(sweep: Sweep, timeline: Timeline) -> str:
    gaps = [np.diff(curve[timeline.curve]) for curve in sweep.evaluations.values() if curve]
    known = np.concatenate([np.empty(0), *gaps])
    spacing = format_number(float(np.median(known))) if len(known) else "unknown"
    return (
        f"Evaluations lie {spacing} {timeline.unit} apart (median). T is known no more precisely than "
        f"that, and smaller differences mean nothing."
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
    had = f"Each trial had {' or '.join(limits)}" if limits else "How long trials were meant to be is unknown"
    text = f"{had}; time is counted in {timeline.unit}"
    if np.isnan(timeline.budget) or timeline.horizon < timeline.budget:
        text += f", up to {format_number(timeline.horizon)}, as far as every trial was seen"
    both = " The tables folder holds both clocks." if len(sweep.timelines) > 1 else ""
    return f"{text}.{both}"


def tests() -> tuple[str, str]:
    """Heading and text about the tests for a fixed number of seeds."""
    low, high = st.EQUIVALENCE
    return "Tests", (
        f"From {st.TESTED_FROM} seeds on. The score of a trial is 1 where it converged, less the "
        "Nelson–Aalen estimate of all compared trials at its time (log-rank scores), within trials that "
        "agree on every other axis. Trials of one seed are related, so that values change places only "
        "within a seed, in all such groups at once: in every way where these are at most "
        f"{blocked.PERMUTATIONS}, otherwise in as many random ones (then the smallest p is written with ≤). "
        "Where no seed is shared, values change places among all trials of a group. Claims about single "
        "values come from a closed test: the p of a value is the largest over all sets of values that hold "
        "it, so that with a probability of at least 95% none of an axis's claims is wrong (above "
        f"{blocked.CLOSED_UP_TO} values a step-down test). The test of all values together decides nothing; "
        "with several axes it is corrected by Holm's method. Values that gave the same trials are merged "
        "first, and only seeds and groups in which every compared value was tried are used. Trials that "
        "still run or were interrupted take part for as long as they were seen. The direction is the sign "
        "of observed less expected convergences; where the interval of the ratio of restricted means holds "
        "1, neither is called faster. That interval has level 1 − 0.1 / (values − 1); equivalence needs it "
        f"within {low}–{high}, a margin set beforehand, and half of the trials of both values converged "
        "(times cut to the budget are alike whatever they would have been). Ratios and differences are taken "
        "in pairs where seeds are shared, and the correlation says what that achieved. Ordered values: a "
        "trend weighs scores by position, a peak is the largest over all places of it, and the values that "
        "may be the fastest are those that Hsu's comparison with the best cannot leave out. The random "
        "generator is seeded: the same trials give the same report."
    )


def _environments() -> str:
    return (
        "Returns and times of different environments are never mixed. Over environments: the sums of "
        "log-rank scores of each environment, divided by their size, are added, and one permutation of a "
        "seed's values serves all environments. In every environment: the largest of their one-sided p. "
        "Interaction: Welch's analysis of variance of jackknife values of log ratios of restricted means. "
        "Reversal: Gail & Simon's test. Scores: final return, random play 0 and the threshold 1; their "
        "interquartile mean and the probability of a higher score have intervals from a bootstrap within "
        "each environment (Agarwal et al. 2021), the performance profile has exact ones of as many trials as "
        "have its variance (Korn & Graubard 1998). Sensitivity and effective "
        "dimensionality (Adkins et al. 2024) are means over 200 random halves of the seeds, one of which "
        "chooses settings that the other scores, both ways; with the same seeds for both a loss would be "
        "found where there is none. Their intervals are Student's, with the standard error of resampled "
        "seeds."
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
            "their environments keep something from one episode to the next that no seed determines, so that "
            f"another run of these trials may give other numbers: {', '.join(inexact)}",
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
