"""The looks of a sweep with `seed=until_decided`, computed from its records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isclose
from typing import NamedTuple

import numpy as np

from analysis.estimates import blocked, planning, samples, sequential
from analysis.estimates import survival as sv
from analysis.estimates.blocked import Direction, Trials
from analysis.estimates.sequential import Decisions, Design, Look, can_be_equal
from analysis.estimates.statistics import TESTED_FROM
from analysis.records import (
    Axis,
    Plan,
    PlannedLooks,
    Row,
    Schedule,
    Sweep,
    Timeline,
    outcome_keys,
    timelines_of,
)


class Needed(NamedTuple):
    """Seeds per value that would decide with a power of 80%; None where no number would."""

    difference: int | None
    """Seeds to find a difference as large as the observed ratio."""
    equality: int | None
    """Seeds to show that equal values are practically equal, at this look's level."""


class Looks(NamedTuple):
    """The looks at the values of an axis. A value is an index on the axis."""

    axis: Axis
    reference: int
    why: str
    """Why this value is the reference."""
    design: Design
    schedules: Sequence[Schedule]
    """The schedule declared before the first look, then those that added looks."""
    timeline: Timeline
    """The timeline of the trials of the first look, so that later seeds do not change earlier looks."""
    decisions: Decisions
    trials: Trials
    values: Mapping[str, int]
    """For the run of each counted trial, its value."""
    first: int
    """The first seed; the others follow it."""
    identical: Collection[tuple[int, int]]
    """(value, seed) of trials that are identical to the reference's trial, bit for bit."""
    lost: Collection[str]
    """Names of failed trials that the looks left out."""

    @property
    def last(self) -> list[Look]:
        """The latest look at each value."""
        return list({look.value: look for look in self.decisions.looks}.values())

    def extension(self, look: Look) -> int:
        """Index of the schedule by which this look was taken."""
        number = self.design.looks.index(look.seeds)
        return max(index for index, one in enumerate(self.schedules) if one.taken <= number)

    @property
    def unspent(self) -> float:
        """Share of alpha that is left after all looks."""
        return self.design.unspent(len(self.design.looks))

    def direction(self, look: Look) -> Direction:
        return blocked.direction(blocked.advantage(self.pair(look), 0, 1), look.ratio.interval)

    def is_identical(self, look: Look) -> bool:
        """Are all trials of a value identical to the reference's, bit for bit?"""
        pair = self.pair(look)
        ours = pair.seeds[pair.values == 1].tolist()
        return all((look.value, seed) in self.identical for seed in ours)

    def needed(self, look: Look) -> Needed | None:
        """Seeds that would decide on a value, from the observed variance. None if there is no variance."""
        if look.ratio.interval[0] != look.ratio.interval[0]:
            return None
        pair = self.pair(look)
        times = sv.restricted(pair.times, self.timeline.horizon)
        seeds = np.intersect1d(pair.seeds[pair.values == 0], pair.seeds[pair.values == 1])
        theirs, ours = (
            np.array([times[(pair.values == code) & (pair.seeds == seed)][0] for seed in seeds])
            for code in (0, 1)
        )
        variance, ratio = planning.pilot_variance(ours, theirs), look.ratio.ratio
        n_seeds = None if isclose(ratio, 1) else planning.seeds_for_ratio(ratio, variance)
        if not can_be_equal(pair):
            return Needed(n_seeds, None)
        return Needed(
            n_seeds,
            planning.seeds_for_equivalence(
                variance,
                min(self.design.margin[1], 1 / self.design.margin[0]),
                alpha=(1 - look.level) / 2,
            ),
        )

    def pair(self, look: Look) -> Trials:
        """The trials of the reference (code 0) and of the value (code 1) at this look."""
        first = self.trials.where(self.trials.seeds < self.first + look.seeds)
        return first.among([self.reference, look.value])


def take_looks(sweep: Sweep, lost: Collection[str] = ()) -> Looks | None:
    """All looks for which the records exist, without the `lost` trials and those recorded as lost.

    None for a sweep without looks or with several axes, and if a value has fewer than `TESTED_FROM` trials.
    """
    planned = sweep.plans[0].looks if len(sweep.plans) == 1 else None
    if planned is None or len(sweep.axes) > 1:
        return None
    axis, gone = sweep.axes[0], {*planned.lost, *lost}
    rows = [row for row in sweep.counted if row["seed"] in planned.seeds and row["run"] not in gone]
    codes = axis.codes(rows)
    values = {row["run"]: code for row, code in zip(rows, codes.tolist(), strict=True)}
    if np.bincount(codes, minlength=len(axis.values)).min() < TESTED_FROM:
        return None
    at_first = [row for row in rows if row["seed"] < planned.first + planned.looks[0]]
    timeline, (reference, why) = timelines_of(at_first)[0], sweep.reference(axis)
    trials = Trials(
        timeline.times(rows),
        samples.events(rows),
        codes,
        np.array(samples.seeds(rows)),
        np.zeros(len(rows), np.int64),
    )
    design = design_of(planned)
    identical = _identical(sweep, rows, codes.tolist(), reference)
    decisions = sequential.decide(
        trials,
        planned.seeds,
        reference,
        timeline.horizon,
        design,
        _pairs(sweep.plans[0], values, gone),
        identical | _equally_fast(trials, reference),
    )
    return Looks(
        axis,
        reference,
        why,
        design,
        planned.schedules,
        timeline,
        decisions,
        trials,
        values,
        planned.first,
        identical,
        sorted(gone),
    )


def design_of(planned: PlannedLooks) -> Design:
    """The design that a sweep declared, with the looks that were added later."""
    first, *later = planned.schedules
    design = Design(first.looks, planned.margin, planned.alpha, reserve=first.reserve)
    for schedule in later:
        design = design.extended(schedule.looks, schedule.taken, schedule.reserve)
    return design


def _pairs(plan: Plan, values: Mapping[str, int], lost: Collection[str]) -> set[tuple[int, int]]:
    """(value, seed) of `lost` trials.

    A lost trial may have no record. Its value is that of a trial with the same configuration in `values`.
    """
    kinds = {trial.name: {**trial.swept, "seed": ""} for trial in plan.trials}
    known = [(kinds[run], value) for run, value in values.items()]
    return {
        (next(value for kind, value in known if kind == kinds[trial.name]), int(trial.swept["seed"]))
        for trial in plan.trials
        if trial.name in lost
    }


def _identical(
    sweep: Sweep, rows: Sequence[Row], codes: Sequence[int], reference: int
) -> set[tuple[int, int]]:
    outcomes = list(zip(codes, samples.seeds(rows), outcome_keys(sweep, rows), strict=True))
    theirs = {seed: became for code, seed, became in outcomes if code == reference}
    return {(code, seed) for code, seed, became in outcomes if theirs.get(seed) == became}


def _equally_fast(trials: Trials, reference: int) -> set[tuple[int, int]]:
    """(value, seed) of trials that converged at the same time as the reference's trial of this seed."""
    converged = trials.where(trials.events == 1)
    ratios = list(
        zip(converged.values.tolist(), converged.seeds.tolist(), converged.times.tolist(), strict=True)
    )
    theirs = {seed: time for code, seed, time in ratios if code == reference}
    return {(code, seed) for code, seed, time in ratios if theirs.get(seed) == time}
