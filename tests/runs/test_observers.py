"""Observers of a trial: the events that each receives, and that observers do not affect training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.registry import Registry, observers
from dqn_exp.runs.files import BEST
from dqn_exp.runs.metrics import read_columns
from dqn_exp.runs.observers import BestNetwork, Convergence, Observer
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.runs.result import read_result
from dqn_exp.training.evaluate import Score
from dqn_exp.training.run import EpisodeEnded, Evaluated, Event, Run, build_run
from tests.helpers import make_config

BRIEF: dict[str, Any] = {
    "batch": 16,
    "budget__env_steps": 400,
    "evaluation__every_steps": 100,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "checkpoint__every_seconds": 0,
}


class Witness(Observer):
    """Remembers all that it is told, in a list that outlives the trial."""

    told: ClassVar[list[Any]] = []

    def __init__(self, run: Run, directory: Path, word: str = "told") -> None:
        self.word, self.seen = word, 0

    def begin(self, run: Run) -> None:
        self.told.append(("begin", run.clock.env_steps, self.seen))

    def on(self, event: Event, run: Run) -> None:
        self.seen += 1
        self.told.append((self.word, run.clock.env_steps, event))

    def state(self) -> int:
        return self.seen

    def load_state(self, state: int) -> None:
        self.seen = state

    def close(self) -> None:
        self.told.append("close")


@pytest.fixture
def told() -> list[Any]:
    observers.register("witness")(Witness)
    Witness.told.clear()
    return Witness.told


def test_an_observer_is_told_all_between_begin_and_close(told: list[Any], tmp_path: Path) -> None:
    config = make_config(**BRIEF, observers={"witness": {"word": "heard"}})
    events = list(record_trial(config, tmp_path, {}))
    assert told[0] == ("begin", 0, 0)
    assert told[-1] == "close"
    assert [event for _, _, event in told[1:-1]] == events
    assert {word for word, *_ in told[1:-1]} == {"heard"}


def test_its_state_is_that_of_the_checkpoint(told: list[Any], tmp_path: Path) -> None:
    """A continued trial forgets what was told after the checkpoint, and tells it again."""
    config = make_config(**BRIEF, observers={"witness": {}})
    events = record_trial(config, tmp_path, {})
    before = 0
    for event in events:
        before += 1
        if isinstance(event, EpisodeEnded) and before > 6:
            break
    events.close()  # type: ignore[attr-defined]
    told.clear()
    run_trial(config, tmp_path, {})
    _, env_step, seen = told[0]
    assert env_step > 0
    assert 0 < seen <= before
    episodes = read_columns(tmp_path / "episodes.csv")["env_step"]
    assert list(episodes) == sorted(set(episodes))


@pytest.mark.parametrize(("before", "after"), [({"witness": {}}, {}), ({}, {"witness": {}})])
def test_observers_may_come_and_go_between_attempts(
    before: dict[str, Any], after: dict[str, Any], told: list[Any], tmp_path: Path
) -> None:
    events = record_trial(make_config(**BRIEF, observers=before), tmp_path, {})
    for event in events:
        if isinstance(event, Evaluated):
            break
    events.close()  # type: ignore[attr-defined]
    result = run_trial(make_config(**BRIEF, observers=after), tmp_path, {})
    assert (result.status, result.env_steps) == ("exhausted", 400)


def test_where_none_is_registered_the_message_says_how_to() -> None:
    with pytest.raises(ConfigError, match=r"a name that a module in imports=\[\.\.\.\] registers"):
        Registry("observer", {}).check("observers", "x")


def test_watching_changes_nothing(told: list[Any], tmp_path: Path) -> None:
    plain, watched = make_config(**BRIEF), make_config(**BRIEF, observers={"witness": {}})
    assert plain.hash() == watched.hash()
    run_trial(plain, tmp_path / "plain", {})
    run_trial(watched, tmp_path / "watched", {})
    for name in ("episodes.csv", "evaluations.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "watched" / name).read_bytes()


@observers.register("stopper")
class Stopper(Observer):
    """Ends the trial at its first evaluation."""

    def __init__(self, run: Run, directory: Path, cause: str | None = None) -> None:
        self.cause = cause

    def on(self, event: Event, run: Run) -> None:
        if isinstance(event, Evaluated):
            run.stop(self.cause)


@pytest.mark.parametrize("cause", [None, "that is enough"])
def test_an_observer_can_end_the_trial(cause: str | None, tmp_path: Path) -> None:
    config = make_config(**BRIEF, observers={"stopper": {"cause": cause}})
    assert run_trial(config, tmp_path, {}) == read_result(tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    assert (result.status, result.cause, result.env_steps) == ("exhausted", cause, 100)


def test_a_trial_that_converged_keeps_the_cause_of_another_observer(tmp_path: Path) -> None:
    rule = {"convergence__threshold": -1.0, "convergence__consecutive": 1, "convergence__stop": True}
    config = make_config(**BRIEF, **rule, observers={"stopper": {"cause": "that is enough"}})
    result = run_trial(config, tmp_path, {})
    assert (result.status, result.cause, result.env_steps) == ("converged", "that is enough", 100)


def test_the_first_cause_is_recorded() -> None:
    trial = build_run(make_config())
    for cause in (None, "first", None, "second"):
        trial.stop(cause)
    assert (trial.is_over(), trial.cause) == (True, "first")


def test_one_that_cannot_be_had_is_refused(told: list[Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"observers: 'witnes' is unknown\. Did you mean 'witness'"):
        make_config(observers={"witnes": {}})
    config = make_config(**BRIEF, observers={"witness": {"words": "no"}})
    with pytest.raises(ConfigError, match=r"observers.witness=\{'words': 'no'\}: .*words"):
        run_trial(config, tmp_path, {})


def evaluated(mean: float) -> Evaluated:
    return Evaluated(Score([mean], {}))


def ended(length: int) -> EpisodeEnded:
    return EpisodeEnded(0.0, length, 1.0, {}, number=1)


@pytest.mark.parametrize(("keep", "happens"), [("evaluation", evaluated), ("episode", ended)])
def test_only_a_better_network_is_kept_after_a_resume(keep: str, happens: Any, tmp_path: Path) -> None:
    trial = build_run(make_config(checkpoint__keep_best=keep))
    observer = BestNetwork(tmp_path)
    observer.load_state(5.0)
    for value, is_kept in ((4, False), (5, False), (6, True)):
        observer.on(happens(value), trial)
        assert (tmp_path / BEST).exists() == is_kept
    assert observer.state() == 6


def test_a_row_of_good_evaluations_goes_on_after_a_resume() -> None:
    rule = {"convergence__threshold": 5.0, "convergence__consecutive": 2, "convergence__stop": True}
    trial = build_run(make_config(**rule))
    before, after, last = Convergence(), Convergence(), Convergence()
    before.on(evaluated(5.0), trial)
    assert not before.reached
    after.load_state(before.state())
    assert not trial.is_over()
    after.on(evaluated(5.0), trial)
    assert trial.is_over()
    last.load_state(after.state())
    assert last.reached


def test_without_stop_a_converged_trial_goes_on() -> None:
    trial = build_run(
        make_config(convergence__threshold=5.0, convergence__consecutive=1, convergence__stop=False)
    )
    observer = Convergence()
    observer.on(evaluated(5.0), trial)
    assert observer.reached
    assert not trial.is_over()
