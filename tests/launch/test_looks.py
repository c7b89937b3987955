"""Sweeps in looks: which trials are trained when, what is recorded, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf

from analysis.estimates import sequential
from dqn_exp.config import ConfigError
from dqn_exp.launch.combinations import combinations
from dqn_exp.launch.looks import (
    LookProgress,
    SeedsDesign,
    Taken,
    check_axes,
    maximum_text,
    read_design,
    run_looks,
)
from dqn_exp.plan.planner import PlannedTrial, pack
from tests.analysis.estimates.test_blocked import simulate
from tests.helpers import make_config
from tests.launch.virtual import Engine, Simulated

DESIGN = SeedsDesign(first=3, looks=(2, 4, 5), margin=(0.8, 1.25), alpha=0.05)
SEEDS = {"first": 0, "looks": [8, 12], "margin": [0.8, 1.25], "alpha": 0.05}
Counts = Mapping[str, int]
Needs = Mapping[int, tuple[Counts, bool] | None]
"""By how often trials were launched: the seeds that each value needs next, and whether all is over."""


def trials(*values: str) -> list[PlannedTrial]:
    config = make_config()
    return [
        PlannedTrial(
            f"{value},seed={seed}",
            (f"seed={seed}", value),
            config.model_copy(update={"seed": seed}),
            pack(DictConfig({})),
        )
        for seed in DESIGN.seeds
        for value in values
    ]


class Sweep:
    """Runs no trials, and notes what it was asked for; `idle` workers begin trials ahead."""

    def __init__(self, needs: Needs, failing: Sequence[str] = (), idle: int = 0) -> None:
        self.needs, self.failing, self.idle = needs, failing, idle
        self.launched: list[list[str]] = []
        self.ahead: list[list[str]] = []
        self.lost: list[Sequence[str]] = []
        self.recorded: list[LookProgress] = []

    def launch(self, asked: Sequence[PlannedTrial], ahead: Iterable[PlannedTrial]) -> list[JobReturn]:
        self.launched.append([trial.name for trial in asked])
        self.ahead.append([trial.name for trial in islice(ahead, self.idle)])
        return [
            JobReturn(
                status=JobStatus.FAILED if trial.name in self.failing else JobStatus.COMPLETED,
                _return_value=0,
            )
            for trial in asked
        ]

    def look(self, lost: Sequence[str]) -> Taken | None:
        self.lost.append(list(lost))
        needed = self.needs[len(self.launched)]
        if needed is None:
            return None
        seeds, is_over = needed
        by_name = {name: seeds[name.partition(",")[0]] for name in names("abc") if name[0] in seeds}
        return Taken(is_over, by_name, [{"seeds": number} for number in range(len(self.launched))])

    def run(self, planned: Sequence[PlannedTrial], earlier: LookProgress | None = None) -> tuple[int, bool]:
        results, is_over = run_looks(
            DESIGN, planned, earlier or LookProgress(()), self.launch, self.look, self.recorded.append
        )
        return len(results), is_over


def names(values: str, *seeds: int) -> list[str]:
    return [f"{value},seed={seed}" for seed in seeds or DESIGN.seeds for value in values]


NEEDS: Needs = {
    1: ({"a": 4, "b": 4, "c": 2}, False),
    2: ({"a": 5, "b": 5, "c": 2}, False),
    3: ({"a": 5, "b": 5, "c": 2}, True),
}


def test_only_who_is_undecided_gets_more_seeds() -> None:
    sweep = Sweep(NEEDS)
    assert sweep.run(trials("a", "b", "c")) == (6 + 4 + 2, True)
    assert sweep.launched == [names("abc", 3, 4), names("ab", 5, 6), names("ab", 7)]
    changes = [(len(progress.trials), len(progress.looks)) for progress in sweep.recorded]
    assert changes == [(6, 0), (6, 1), (10, 1), (10, 2), (12, 2), (12, 3)]
    assert not any(progress.ahead for progress in sweep.recorded)


def test_idle_workers_begin_the_next_look_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Seed by seed, for values that are undecided; recorded before it begins, until the look asks for it."""
    sweep = Sweep(NEEDS, idle=4)
    sweep.run(trials("a", "b", "c"))
    assert sweep.launched == [names("abc", 3, 4), names("ab", 5, 6), names("ab", 7)]
    assert sweep.ahead == [["a,seed=5", "b,seed=5", "c,seed=5", "a,seed=6"], names("ab", 7), []]
    ahead = [list(progress.ahead) for progress in sweep.recorded]
    assert ahead[1:5] == [sweep.ahead[0][:number] for number in (1, 2, 3, 4)]
    assert ahead[6] == ["c,seed=5"]
    assert ahead[-1] == ["c,seed=5"]
    assert "needed by no look: 1 trial.\n" in capsys.readouterr().out


def test_what_was_recorded_is_gone_on_with() -> None:
    """A value that is decided is not begun ahead again; what was begun stays recorded."""
    earlier = LookProgress((), (), [{"seeds": 2}], ["c,seed=5", "a,seed=6"])
    sweep = Sweep({0: NEEDS[1], 1: NEEDS[2], 2: NEEDS[3]}, idle=4)
    sweep.run(trials("a", "b", "c"), earlier)
    assert sweep.launched == [[*names("abc", 3, 4), *names("ab", 5, 6)], names("ab", 7)]
    assert sweep.ahead == [names("ab", 7), []]
    assert sweep.recorded[-1].ahead == ["c,seed=5"]


def test_when_all_is_decided_nothing_is_begun_ahead() -> None:
    """Also where that is known from the beginning, and looks would be left."""
    over: tuple[Counts, bool] = ({"a": 2, "b": 2}, True)
    sweep = Sweep({0: over, 1: over}, idle=4)
    assert sweep.run(trials("a", "b"), LookProgress((), (), [{"seeds": 2}])) == (4, True)
    assert sweep.ahead == [[]]


def test_a_failed_trial_is_lost_once_a_look_was_taken_without_it() -> None:
    needs: Needs = {1: ({"a": 4, "b": 4}, False), 2: ({"a": 4, "b": 4}, True)}
    sweep = Sweep(needs, failing=["b,seed=4"])
    assert sweep.run(trials("a", "b")) == (8, True)
    assert sweep.lost == [["b,seed=4"], ["b,seed=4"]]
    assert [progress.lost for progress in sweep.recorded] == [(), ["b,seed=4"], ["b,seed=4"], ["b,seed=4"]]
    again = Sweep({0: needs[2], 1: needs[2]})
    assert again.run(trials("a", "b"), sweep.recorded[-1]) == (7, True)
    assert "b,seed=4" not in again.launched[0]
    assert again.lost == sweep.lost


def test_where_no_look_can_be_taken_failed_trials_are_not_lost() -> None:
    sweep = Sweep({1: None}, failing=["b,seed=3", "b,seed=4"])
    assert sweep.run(trials("a", "b")) == (4, False)
    assert [progress.lost for progress in sweep.recorded] == [()]


def test_it_does_not_wait_for_trials_that_are_over() -> None:
    with pytest.raises(ConfigError, match="needs trials that have ended"):
        Sweep({1: ({"a": 2, "b": 2}, False)}).run(trials("a", "b"))


@pytest.mark.parametrize("n_workers", [1, 2, 3, 7, 100])
def test_decisions_do_not_depend_on_the_number_of_workers(n_workers: int, tmp_path: Path) -> None:
    """The runner and the looks in simulated time; workers idle only where the next look has no trial left."""
    simulated = simulate(np.random.default_rng(6), 12, [1, 1, 3, 1.1], 0.3)
    looks = (6, 8, 12)
    expected = sequential.decide(simulated, range(12), 0, 50_000, sequential.Design(looks, paths=200))
    assert expected.verdicts[2] == "differs"
    sweep, engine = Simulated(simulated, looks), Engine(n_workers, lambda name: sweep.seconds(name))
    assert sweep.run(engine, tmp_path) == expected
    assert len(engine.begun) == len(set(engine.begun))
    last = sweep.recorded[-1]
    asked = {trial.name for trial in last.trials}
    assert asked | set(last.ahead) == set(engine.begun)
    assert not asked & set(last.ahead)
    assert (n_workers > 1) >= bool(last.ahead) >= (n_workers > 6)
    all_of_a_look = {4 * 8, 4 * 12, len(engine.begun)}
    assert all(n_begun in all_of_a_look for idle, n_begun in engine.idle if idle)


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
    with pytest.raises(ConfigError, match="is used only with seed=until_decided") as refused:
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
    assert "2 seeds of each value, 6 trials" in maximum_text(DESIGN, trials("a", "b", "c"))
