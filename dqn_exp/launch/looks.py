"""`seed=until_decided`: a sweep whose trials are run in looks, with a decision after each look.

At a look, every undecided value and the reference value have the same number of seeds. The caller passes in
the judge that decides; a look is a function of the trials' records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dqn_exp.config import Config, ConfigError
from dqn_exp.plan import Groups, PlannedTrial, without_seed
from dqn_exp.text import format_count
from dqn_exp.workers import RunTrials

UNTIL_DECIDED = "until_decided"
SEEDS = "seeds"
"""The section with the design, and the key of `sweep.json` that records it."""
DESIGNS = "designs"
"""The key of `sweep.json` that records all declared designs, and when they were declared."""


class SeedsDesign(BaseModel):
    """The design, which is declared before the first look, or when looks are added to those taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Annotated[int, Field(ge=0)]
    """The first seed; the others follow it."""
    looks: Annotated[tuple[int, ...], Field(min_length=1)]
    """The number of seeds of a value at each look."""
    margin: tuple[float, float]
    """The range of ratios of restricted means that count as practically equal."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    """Probability of any wrong difference, over all looks and values."""
    reserve: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of alpha that these looks leave for looks that may be added later."""

    @model_validator(mode="after")
    def _check(self) -> SeedsDesign:
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError(f"looks={list(self.looks)}: allowed: more seeds at each look, [8,12,16]")
        if not 0 < self.margin[0] < 1 < self.margin[1]:
            raise ValueError(
                f"margin={list(self.margin)}: allowed: a ratio below 1 and one above, [0.8,1.25]"
            )
        return self

    @property
    def seeds(self) -> range:
        """The seeds of a value that stays undecided to the end, in the order of training."""
        return range(self.first, self.first + self.looks[-1])

    def record(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class Taken(NamedTuple):
    """The results of the looks so far."""

    is_over: bool
    seeds: Mapping[str, int]
    """The number of seeds that the value of a trial needs next, by the trial's name."""
    looks: Sequence[Mapping[str, Any]]
    """The looks, as recorded in `sweep.json`."""
    lines: Sequence[str] = ()
    """A line for each look, and lines about the end; printed after the looks are recorded."""


class Judge(Protocol):
    """Decides at each look which values are decided."""

    def check(self, design: SeedsDesign, configs: Sequence[Config], groups: Groups) -> None:
        """Raise ConfigError if such trials cannot decide anything."""

    def look(self, directory: Path, lost: Sequence[str]) -> Taken | None:
        """Take all looks that the trials below `directory` allow, without waiting for trials that are `lost`.

        None if too few trials of a value are left.
        """

    def unspent(self, manifest: Mapping[str, Any], taken: int) -> float:
        """The share of alpha that the designs in `sweep.json` have not spent after `taken` looks."""


def read_design(overrides: Sequence[Override], master: DictConfig) -> SeedsDesign | None:
    """The design of `seed=until_decided`; None if the seeds are given. Raises ConfigError."""
    last = {override.get_key_element(): override for override in overrides}
    seed = last.get("seed")
    if seed is None or seed.value() != UNTIL_DECIDED:
        for key, override in last.items():
            if key.partition(".")[0] == SEEDS and override.value() != "fixed":
                given = f", and {seed.input_line} is given" if seed else ""
                raise ConfigError(
                    f"{override.input_line} is used only with seed={UNTIL_DECIDED}{given}; allowed: "
                    f"seed={UNTIL_DECIDED}"
                )
        return None
    values: Any = OmegaConf.to_container(master[SEEDS], resolve=True)
    try:
        return SeedsDesign(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(map(_explain, error.errors()))) from None


def _explain(problem: Any) -> str:
    text = problem["msg"].replace("Input should be", "must be")
    if not problem["loc"]:
        return f"{SEEDS}.{text.removeprefix('Value error, ')}"
    return f"{SEEDS}.{problem['loc'][0]}={problem['input']!r}: {text}"


def check_axes(overrides: Sequence[Override], groups: Groups) -> None:
    """Raise ConfigError unless exactly one axis is swept, or several axes whose values are paired."""
    latest = {override.get_key_element().lstrip("+"): override for override in overrides}
    swept = {key for key, override in latest.items() if override.is_sweep_override()} - {"seed"}
    axes = [group for group in groups if swept & set(group)]
    axes += [[key] for key in sorted(swept) if not any(key in group for group in groups)]
    if len(axes) != 1:
        listed = ", ".join("+".join(axis) for axis in axes) or "none"
        raise ConfigError(
            f"seed={UNTIL_DECIDED} compares the values of one axis, and the sweep has: {listed}; allowed: "
            f"one axis such as buffer=500,17k,100k, paired axes 'zip=[buffer,batch]', or "
            f"'seed=range(10)'"
        )


def maximum_text(design: SeedsDesign, trials: Sequence[PlannedTrial]) -> str:
    """The text for a dry run that says how many trials there may be."""
    n_values = len(set(map(without_seed, trials)))
    return (
        f"seed={UNTIL_DECIDED}: at most what follows. The first look takes {design.looks[0]} seeds of each "
        f"value, {n_values * design.looks[0]} trials; a value that is decided gets no more seeds."
    )


class LookProgress(NamedTuple):
    """The progress of a sweep."""

    trials: Sequence[PlannedTrial]
    """The trials of the looks that have begun; in a sweep without looks, all trials."""
    lost: Sequence[str] = ()
    """The names of trials that failed, and without which a look was taken."""
    looks: Sequence[Mapping[str, Any]] = ()
    ahead: Sequence[str] = ()
    """The names of trials that were begun ahead and that no look has requested yet."""


Record = Callable[[LookProgress], None]


def run_looks(
    design: SeedsDesign,
    trials: Sequence[PlannedTrial],
    earlier: LookProgress,
    run: RunTrials,
    look: Callable[[Sequence[str]], Taken | None],
    record: Record,
) -> tuple[list[JobReturn], bool]:
    """Run as many of the `trials` as needed; returns their results, and whether all looks were taken.

    `earlier` is what an earlier command recorded. When a look is taken without a failed trial, the trial is
    lost and not retried, because another outcome would change the look. While the last trials of a look run,
    trials of the next look are begun for values that are still undecided; a look uses only its own trials.
    """
    tracker, results, n_printed = LookTracker(design, trials, earlier, record), list[JobReturn](), 0
    taken = look(earlier.lost) if earlier.looks else None
    if taken is not None:
        tracker.take(taken, earlier.lost)
    while True:
        to_run = tracker.begin()
        ended = run(to_run, () if taken is not None and taken.is_over else tracker.ahead())
        results += ended
        failed = [
            trial.name
            for trial, result in zip(to_run, ended, strict=True)
            if result.status is JobStatus.FAILED
        ]
        lost = [*tracker.lost, *failed]
        taken = look(lost)
        if taken is None:
            return results, False
        tracker.take(taken, lost)
        for line in taken.lines[n_printed:]:
            print(line, flush=True)
        n_printed = len(taken.lines)
        if taken.is_over:
            if n := len(tracker.unrequested):
                print(f"Started ahead, but needed by no look: {format_count(n, 'trial')}.", flush=True)
            return results, True


class LookTracker:
    """Keeps track of the trials that looks have requested and may request next; records every change."""

    def __init__(
        self, design: SeedsDesign, trials: Sequence[PlannedTrial], earlier: LookProgress, record: Record
    ) -> None:
        self._design, self._trials, self._record = design, trials, record
        self._counts = dict.fromkeys(map(without_seed, trials), design.looks[0])
        self._begun: dict[str, PlannedTrial] = {}
        self._ahead = dict.fromkeys(earlier.ahead)
        self.lost, self._looks = earlier.lost, earlier.looks

    def take(self, taken: Taken, lost: Sequence[str]) -> None:
        """Note that a look was taken, without the trials that are `lost`."""
        self.lost, self._looks = lost, taken.looks
        self._counts |= {
            without_seed(trial): taken.seeds[trial.name]
            for trial in self._trials
            if trial.name in taken.seeds
        }
        self._note()

    def begin(self) -> list[PlannedTrial]:
        """The trials that the next look needs; raises ConfigError if all trials are over and do not count."""
        wanted = [
            trial
            for trial in self._trials
            if trial.name not in self._begun and self._place(trial) < self._counts[without_seed(trial)]
        ]
        if not wanted:
            raise ConfigError(
                f"seed={UNTIL_DECIDED}: the next look needs trials that have ended and do not count; the "
                f"report names them"
            )
        self._begun |= {trial.name: trial for trial in wanted}
        self._note()
        return [trial for trial in wanted if trial.name not in self.lost]

    def ahead(self) -> Iterator[PlannedTrial]:
        """Yield, seed by seed, the trials that the following look needs if the next one decides nothing.

        A yielded trial counts as begun ahead.
        """
        now = max(self._counts.values())
        then = min((count for count in self._design.looks if count > now), default=now)
        undecided = [trial for trial in self._trials if self._counts[without_seed(trial)] == now]
        for trial in sorted(undecided, key=self._place):
            if now <= self._place(trial) < then and trial.name not in self.lost:
                self._ahead[trial.name] = None
                self._note()
                yield trial

    def _place(self, trial: PlannedTrial) -> int:
        """The position of the trial's seed in the design, from 0."""
        return trial.config.seed - self._design.first

    @property
    def unrequested(self) -> list[str]:
        """The names of trials that were begun ahead and that no look has requested yet."""
        return [name for name in self._ahead if name not in self._begun]

    def _note(self) -> None:
        self._record(LookProgress(list(self._begun.values()), self.lost, self._looks, self.unrequested))
