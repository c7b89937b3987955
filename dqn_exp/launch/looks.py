"""As many seeds as it takes: a sweep whose trials are run in looks, with a decision after each.

At a look every value that is not decided, and the value that others are compared with, has the same
number of seeds. Who decides is handed in: a look is a function of what the trials recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch.pairing import Groups
from dqn_exp.launch.plan import PlannedTrial, without_seed

UNTIL_DECIDED = "until_decided"
SEEDS = "seeds"
"""The section that says how, and the key of `sweep.json` that records it."""
DESIGNS = "designs"
"""The key of `sweep.json` that records all that were declared, and when."""


class Design(BaseModel):
    """What is declared before the first look, or when looks are added to those that were taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Annotated[int, Field(ge=0)]
    """The first seed; the others follow it."""
    looks: Annotated[tuple[int, ...], Field(min_length=1)]
    """Seeds of a value at each look."""
    margin: tuple[float, float]
    """Ratios of restricted means that count as practically equal."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    """Probability of any wrong difference, over all looks and values."""
    reserve: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of alpha that these looks leave to others, which may be added later."""

    @model_validator(mode="after")
    def _check(self) -> Design:
        if list(self.looks) != sorted(set(self.looks)):
            raise ValueError(f"looks={list(self.looks)}: allowed: more seeds at each look, [8,12,16]")
        if not 0 < self.margin[0] < 1 < self.margin[1]:
            raise ValueError(
                f"margin={list(self.margin)}: allowed: a ratio below 1 and one above, [0.8,1.25]"
            )
        return self

    @property
    def seeds(self) -> range:
        """Those of a value that stays undecided to the end, in the order in which they are trained."""
        return range(self.first, self.first + self.looks[-1])

    def record(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class Taken(NamedTuple):
    """What the looks so far have found."""

    is_over: bool
    seeds: Mapping[str, int]
    """How many seeds the value of a trial is to have next, by the trial's name."""
    looks: Sequence[Mapping[str, Any]]
    """As `sweep.json` records them."""
    told: Sequence[str] = ()
    """A line for each look, and what is known when all is over: told once the looks are recorded."""


class Judge(Protocol):
    """Decides which values are decided."""

    def check(self, design: Design, configs: Sequence[Config], groups: Groups) -> None:
        """Raises ConfigError where such trials can decide nothing."""

    def look(self, directory: Path, lost: Sequence[str]) -> Taken | None:
        """All looks that the trials below `directory` allow; those that are `lost` are not waited for.

        None where too few trials are left of a value.
        """

    def unspent(self, manifest: Mapping[str, Any], taken: int) -> float:
        """Share of alpha that the designs in `sweep.json` have left when so many looks are taken."""


def read_design(overrides: Sequence[Override], master: DictConfig) -> Design | None:
    """What `seed=until_decided` declares; None where the seeds are given. Raises ConfigError."""
    last = {override.get_key_element(): override for override in overrides}
    seed = last.get("seed")
    if seed is None or seed.value() != UNTIL_DECIDED:
        for key, override in last.items():
            if key.partition(".")[0] == SEEDS and override.value() != "fixed":
                given = f", and {seed.input_line} gives the seeds" if seed else ""
                raise ConfigError(
                    f"{override.input_line} is about seed={UNTIL_DECIDED}{given}; allowed: with "
                    f"seed={UNTIL_DECIDED}"
                )
        return None
    values: Any = OmegaConf.to_container(master[SEEDS], resolve=True)
    try:
        return Design(**values)
    except ValidationError as error:
        raise ConfigError("\n".join(map(_explain, error.errors()))) from None


def _explain(problem: Any) -> str:
    text = problem["msg"].replace("Input should be", "must be")
    if not problem["loc"]:
        return f"{SEEDS}.{text.removeprefix('Value error, ')}"
    return f"{SEEDS}.{problem['loc'][0]}={problem['input']!r}: {text}"


def check_axes(overrides: Sequence[Override], groups: Groups) -> None:
    """Raise ConfigError unless one axis is swept, or several whose values go together."""
    latest = {override.get_key_element().lstrip("+"): override for override in overrides}
    swept = {key for key, override in latest.items() if override.is_sweep_override()} - {"seed"}
    axes = [group for group in groups if swept & set(group)]
    axes += [[key] for key in sorted(swept) if not any(key in group for group in groups)]
    if len(axes) != 1:
        told = ", ".join("+".join(axis) for axis in axes) or "none"
        raise ConfigError(
            f"seed={UNTIL_DECIDED} compares the values of one axis, and these are swept: {told}; allowed: "
            f"one axis such as buffer=500,17k,100k, several that go together, 'zip=[buffer,batch]', or "
            f"'seed=range(10)'"
        )


def at_most(design: Design, trials: Sequence[PlannedTrial]) -> str:
    """How many trials there may be, for a dry run."""
    n_values = len(set(map(without_seed, trials)))
    return (
        f"seed={UNTIL_DECIDED}: at most what follows. The first look takes {design.looks[0]} seeds of each "
        f"value, {n_values * design.looks[0]} trials; values that are decided get no more."
    )


class Progress(NamedTuple):
    """How far a sweep has come."""

    trials: Sequence[PlannedTrial]
    """Those of the looks that have begun; of a sweep without looks, all."""
    lost: Sequence[str] = ()
    """Names of trials that failed, and without which a look was taken."""
    looks: Sequence[Mapping[str, Any]] = ()
    ahead: Sequence[str] = ()
    """Names of trials that were begun ahead of a look that has not asked for them."""


Launch = Callable[[Sequence[PlannedTrial], Iterable[PlannedTrial]], list[JobReturn]]
"""Runs the first; while the last of them run, idle workers may draw from the second what they begin."""
Record = Callable[[Progress], None]


def run_looks(
    design: Design,
    trials: Sequence[PlannedTrial],
    earlier: Progress,
    launch: Launch,
    look: Callable[[Sequence[str]], Taken | None],
    record: Record,
) -> tuple[list[JobReturn], bool]:
    """Run as many of the `trials` as it takes; their results, and whether all looks were taken.

    `earlier` is what a command before this one recorded. A trial that fails is lost when a look is taken
    without it, and not tried again: another outcome would make another look of it. While the last trials of a
    look run, those of the next one are begun for values that are still undecided: a look uses its own alone.
    """
    course, results, n_told = Course(design, trials, earlier, record), list[JobReturn](), 0
    taken = look(earlier.lost) if earlier.looks else None
    if taken is not None:
        course.take(taken, earlier.lost)
    while True:
        to_run = course.begin()
        ended = launch(to_run, () if taken is not None and taken.is_over else course.ahead())
        results += ended
        failed = [
            trial.name
            for trial, result in zip(to_run, ended, strict=True)
            if result.status is JobStatus.FAILED
        ]
        lost = [*course.lost, *failed]
        taken = look(lost)
        if taken is None:
            return results, False
        course.take(taken, lost)
        for line in taken.told[n_told:]:
            print(line, flush=True)
        n_told = len(taken.told)
        if taken.is_over:
            if n := len(course.unasked):
                print(f"Begun ahead, and asked for by no look: {n} trial{'s' * (n != 1)}.", flush=True)
            return results, True


class Course:
    """Which trials the looks have asked for, and which they may ask for next; recorded as it changes."""

    def __init__(
        self, design: Design, trials: Sequence[PlannedTrial], earlier: Progress, record: Record
    ) -> None:
        self._design, self._trials, self._record = design, trials, record
        self._counts = dict.fromkeys(map(without_seed, trials), design.looks[0])
        self._begun: dict[str, PlannedTrial] = {}
        self._ahead = dict.fromkeys(earlier.ahead)
        self.lost, self._looks = earlier.lost, earlier.looks

    def take(self, taken: Taken, lost: Sequence[str]) -> None:
        """A look was taken without the trials that are `lost`."""
        self.lost, self._looks = lost, taken.looks
        self._counts |= {
            without_seed(trial): taken.seeds[trial.name]
            for trial in self._trials
            if trial.name in taken.seeds
        }
        self._note()

    def begin(self) -> list[PlannedTrial]:
        """What the next look waits for. Raises ConfigError where all of it is over and does not count."""
        wanted = [
            trial
            for trial in self._trials
            if trial.name not in self._begun and self._place(trial) < self._counts[without_seed(trial)]
        ]
        if not wanted:
            raise ConfigError(
                f"seed={UNTIL_DECIDED}: the next look waits for trials that are over and do not count; the "
                f"report says which"
            )
        self._begun |= {trial.name: trial for trial in wanted}
        self._note()
        return [trial for trial in wanted if trial.name not in self.lost]

    def ahead(self) -> Iterator[PlannedTrial]:
        """What the look after it asks for if it decides nothing, seed by seed; what is drawn is begun."""
        now = max(self._counts.values())
        then = min((count for count in self._design.looks if count > now), default=now)
        undecided = [trial for trial in self._trials if self._counts[without_seed(trial)] == now]
        for trial in sorted(undecided, key=self._place):
            if now <= self._place(trial) < then and trial.name not in self.lost:
                self._ahead[trial.name] = None
                self._note()
                yield trial

    def _place(self, trial: PlannedTrial) -> int:
        """Of its seed, from 0."""
        return trial.config.seed - self._design.first

    @property
    def unasked(self) -> list[str]:
        """Names of trials that were begun ahead of a look that has not asked for them."""
        return [name for name in self._ahead if name not in self._begun]

    def _note(self) -> None:
        self._record(Progress(list(self._begun.values()), self.lost, self._looks, self.unasked))
