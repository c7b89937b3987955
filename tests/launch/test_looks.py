"""Trials in looks: who is trained when, what is recorded, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from dqn_exp.config import ConfigError
from dqn_exp.launch.grid import combinations
from dqn_exp.launch.looks import Design, Progress, Taken, at_most, check_axes, read_design, run_looks
from dqn_exp.launch.plan import PlannedTrial
from tests.helpers import make_config

DESIGN = Design(first=3, looks=(2, 4, 5), margin=(0.8, 1.25), alpha=0.05)
SEEDS = {"first": 0, "looks": [8, 12], "margin": [0.8, 1.25], "alpha": 0.05}
Needs = Callable[[int], Mapping[str, int] | None]
"""From the number of the look to the seeds that each value needs next; None where none can be taken."""


def trials(*values: str) -> list[PlannedTrial]:
    config = make_config()
    return [
        PlannedTrial(
            f"{value},seed={seed}",
            (f"seed={seed}", value),
            config.model_copy(update={"seed": seed}),
            DictConfig({}),
        )
        for seed in DESIGN.seeds
        for value in values
    ]


class Sweep:
    """Runs no trials, and notes what it was asked for."""

    def __init__(self, needs: Needs, failing: Sequence[str] = ()) -> None:
        self.needs, self.failing = needs, failing
        self.launched: list[list[str]] = []
        self.lost: list[Sequence[str]] = []
        self.recorded: list[Progress] = []

    def launch(self, asked: Sequence[PlannedTrial]) -> list[JobReturn]:
        self.launched.append([trial.name for trial in asked])
        return [
            JobReturn(
                status=JobStatus.FAILED if trial.name in self.failing else JobStatus.COMPLETED,
                _return_value=0,
            )
            for trial in asked
        ]

    def look(self, lost: Sequence[str]) -> Taken | None:
        self.lost.append(list(lost))
        seeds = self.needs(len(self.lost))
        if seeds is None:
            return None
        names = [trial.name for trial in self.recorded[-1].trials]
        by_name = {name: seeds[name.partition(",")[0]] for name in names}
        is_over = max(seeds.values()) == 0
        return Taken(is_over, by_name, [{"seeds": number} for number in range(len(self.lost))])

    def run(self, planned: Sequence[PlannedTrial], earlier: Progress | None = None) -> tuple[int, bool]:
        results, is_over = run_looks(
            DESIGN, planned, earlier or Progress(()), self.launch, self.look, self.recorded.append
        )
        return len(results), is_over


def test_only_who_is_undecided_gets_more_seeds() -> None:
    needs = {1: {"a": 4, "b": 4, "c": 2}, 2: {"a": 5, "b": 5, "c": 2}, 3: {"a": 0, "b": 0, "c": 0}}
    sweep = Sweep(lambda number: needs[number])
    assert sweep.run(trials("a", "b", "c")) == (6 + 4 + 2, True)
    assert sweep.launched == [
        [f"{value},seed={seed}" for seed in (3, 4) for value in "abc"],
        [f"{value},seed={seed}" for seed in (5, 6) for value in "ab"],
        ["a,seed=7", "b,seed=7"],
    ]
    assert [len(progress.trials) for progress in sweep.recorded] == [6, 6, 10, 10, 12, 12]
    assert [len(progress.looks) for progress in sweep.recorded] == [0, 1, 1, 2, 2, 3]


def test_a_failed_trial_is_lost_once_a_look_was_taken_without_it() -> None:
    needs = {1: {"a": 4, "b": 4}, 2: {"a": 0, "b": 0}}
    sweep = Sweep(lambda number: needs[number], failing=["b,seed=4"])
    assert sweep.run(trials("a", "b")) == (8, True)
    assert sweep.lost == [["b,seed=4"], ["b,seed=4"]]
    assert [progress.lost for progress in sweep.recorded] == [[], ["b,seed=4"], ["b,seed=4"], ["b,seed=4"]]
    again = Sweep(lambda number: needs[number])
    assert again.run(trials("a", "b"), sweep.recorded[-1]) == (7, True)
    assert "b,seed=4" not in again.launched[0]
    assert again.lost == sweep.lost


def test_where_no_look_can_be_taken_failed_trials_are_not_lost() -> None:
    sweep = Sweep(lambda number: None, failing=["b,seed=3", "b,seed=4"])
    assert sweep.run(trials("a", "b")) == (4, False)
    assert [progress.lost for progress in sweep.recorded] == [[]]


def test_it_does_not_wait_for_trials_that_are_over() -> None:
    with pytest.raises(ConfigError, match="waits for trials that are over"):
        Sweep(lambda number: {"a": 2, "b": 2}).run(trials("a", "b"))


def parsed(*overrides: str) -> list[Any]:
    return OverridesParser.create().parse_overrides(list(overrides))


def master(**seeds: object) -> DictConfig:
    return OmegaConf.create({"seeds": {**SEEDS, **seeds}})


def test_the_last_seed_counts() -> None:
    assert read_design(parsed("seed=range(5)"), master()) is None
    design = read_design(parsed("seed=range(5)", "seed=until_decided"), master(first=10))
    assert design is not None
    assert design.seeds == range(10, 22)
    jobs = combinations(parsed("seed=until_decided", "buffer=1,2"), [], design)
    assert len(jobs) == 24
    assert jobs[0] == ["seed=10", "buffer=1"]
    assert not read_design(parsed("seed=until_decided", "seed=3"), master())


@pytest.mark.parametrize("given", ["seeds=until_decided", "seeds.alpha=0.01"])
def test_a_design_without_its_seeds_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="is about seed=until_decided") as refused:
        read_design(parsed(given, "seed=range(5)"), master())
    assert given in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("looks", [8, 8]),
        ("looks", [12, 8]),
        ("looks", []),
        ("looks", 8),
        ("margin", [1.1, 1.25]),
        ("margin", [0.8]),
        ("alpha", 0),
        ("first", -1),
        ("reserve", 1),
    ],
)
def test_designs_that_mean_nothing(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"seeds.{key}"):
        read_design(parsed("seed=until_decided"), master(**{key: value}))


def test_one_axis_is_compared() -> None:
    check_axes(parsed("buffer=1,2", "seed=until_decided", "lr=0.1"), [])
    check_axes(parsed("buffer=1,2", "batch=1,2"), [["buffer", "batch"]])
    check_axes(parsed("buffer=1,2", "batch=1,2", "buffer=3"), [])
    for several in (["buffer=1,2", "batch=1,2"], ["lr=0.1"], []):
        with pytest.raises(ConfigError, match="compares the values of one axis"):
            check_axes(parsed(*several), [])


def test_the_most_is_told() -> None:
    assert "2 seeds of each value, 6 trials" in at_most(DESIGN, trials("a", "b", "c"))
