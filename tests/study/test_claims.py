"""Every proposal is run once, and no more than the total, even if processes share a study and die."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from dqn_exp.study import presence as presence_module
from dqn_exp.study.claims import Claims
from dqn_exp.study.presence import Presence
from dqn_exp.study.storage import KEY, PROCESS, RETRY_OF, is_withdrawn, open_storage, proposals

fork = multiprocessing.get_context("fork")
GRID = [{"x": 0.1 * index} for index in range(6)]


def create(location: str) -> None:
    """In a process of its own: connections do not outlive a fork."""
    in_process(lambda: optuna.create_study(study_name="s", storage=open_storage(location)))


def in_process(work: Callable[[], object]) -> int:
    process = start(work)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def start(work: Callable[[], object]) -> multiprocessing.process.BaseProcess:
    process = fork.Process(target=work)
    process.start()
    return process


def load(location: str) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=open_storage(location))


def work_on(location: str, directory: Path, total: int, grid: bool = False) -> None:
    """Claim, note down and finish proposals until there are none."""
    study = load(location)
    presence = Presence(study, directory)
    with presence.announced(), open(directory / f"ran-{os.getpid()}", "w") as ran:
        claims = Claims(study, location, presence, total)
        if grid:
            claims.enqueue({f"grid:{index}": point for index, point in enumerate(GRID)}, "grid")
        claims.recover()
        while claim := claims.next():
            x = claim.trial.suggest_float("x", 0, 1)
            print(claim.number, claim.rank, x, claim.directory, file=ran, flush=True)
            study.tell(claim.number, x)


def die_in(location: str, directory: Path, total: int, moment: str) -> None:
    """Claim one proposal and be killed before or after its parameters are known."""
    study = load(location)
    presence = Presence(study, directory)
    with presence.announced():
        claim = Claims(study, location, presence, total).next()
        assert claim is not None
        if moment == "running":
            claim.trial.suggest_float("x", 0, 1)
        os.kill(os.getpid(), signal.SIGKILL)


def ran(directory: Path) -> list[list[str]]:
    return [line.split() for path in directory.glob("ran-*") for line in path.read_text().splitlines()]


def test_three_processes_run_exactly_the_total(location: str, tmp_path: Path) -> None:
    create(location)
    workers = [start(lambda: work_on(location, tmp_path, 17)) for _ in range(3)]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    numbers = [line[0] for line in ran(tmp_path)]
    assert len(numbers) == len(set(numbers)) == 17
    assert sorted(int(line[1]) for line in ran(tmp_path)) == list(range(17))  # ranks, without a gap

    def check() -> None:
        trials = load(location).get_trials()
        counted = proposals(trials)
        assert [trial.state for trial in counted] == [TrialState.COMPLETE] * 17
        assert all(is_withdrawn(trial) for trial in trials if trial not in counted)

    assert in_process(check) == 0


def test_a_grid_is_run_point_by_point(tmp_path: Path) -> None:
    location = str(tmp_path / "journal.log")
    create(location)
    workers = [start(lambda: work_on(location, tmp_path, len(GRID), grid=True)) for _ in range(2)]
    for worker in workers:
        worker.join()
    assert sorted(float(line[2]) for line in ran(tmp_path)) == pytest.approx([p["x"] for p in GRID])


def test_the_dead_are_run_again_once(location: str, tmp_path: Path) -> None:
    """Two processes find the trial of a killed one: it is failed once and run once more."""
    check_recovery(location, tmp_path, "running")


def test_those_that_died_in_the_claim_too(tmp_path: Path) -> None:
    check_recovery(str(tmp_path / "journal.log"), tmp_path, "claiming")


def check_recovery(location: str, tmp_path: Path, moment: str) -> None:
    create(location)
    assert in_process(lambda: die_in(location, tmp_path, 5, moment)) == -signal.SIGKILL
    workers = [start(lambda: work_on(location, tmp_path, 5)) for _ in range(2)]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert len(ran(tmp_path)) == 5

    def check() -> None:
        trials = load(location).get_trials()
        dead, *_ = trials
        (again,) = [t for t in trials if t.user_attrs.get(RETRY_OF) == 0 and not is_withdrawn(t)]
        assert dead.state is TrialState.FAIL
        assert again.state is TrialState.COMPLETE
        assert dict(dead.params).items() <= again.params.items()
        assert again.user_attrs["directory"] == "0000"
        assert len(proposals(trials)) == 5

    assert in_process(check) == 0


def test_a_living_process_keeps_its_trial(tmp_path: Path) -> None:
    location = str(tmp_path / "journal.log")
    create(location)
    study = load(location)
    one, other = Presence(study, tmp_path), Presence(study, tmp_path)
    with one.announced():
        claim = Claims(study, location, one, 3).next()
        assert claim is not None
        assert Claims(study, location, other, 3).recover() == []
        assert [trial.number for trial in Claims(study, location, other, 3).unfinished()] == [claim.number]
    assert Claims(study, location, other, 3).recover() == [claim.number]


def test_on_another_machine_the_heartbeat_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = str(tmp_path / "journal.log")
    create(location)
    study = load(location)
    monkeypatch.setattr(presence_module, "machine", lambda: "elsewhere")
    far, here = Presence(study, tmp_path), Presence(study, tmp_path)
    with far.announced():
        pass  # it is gone now, and its last beat is 0
    monkeypatch.setattr(presence_module, "machine", lambda: "here")
    now = [100.0]
    monkeypatch.setattr(presence_module.time, "monotonic", lambda: now[0])
    assert here.is_alive(far.name)
    now[0] += presence_module.SILENCE - 1
    assert here.is_alive(far.name)
    monkeypatch.setattr(presence_module, "machine", lambda: "elsewhere")
    far._write_beat(1)
    monkeypatch.setattr(presence_module, "machine", lambda: "here")
    now[0] += 2
    assert here.is_alive(far.name)  # a new beat starts a new wait
    now[0] += presence_module.SILENCE
    assert not here.is_alive(far.name)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return optuna.create_study(study_name="s", storage=open_storage(str(tmp_path / "journal.log")))


class Command:
    """One start of the command, whose workers die."""

    def __init__(self, study: optuna.Study, directory: Path, total: int = 1) -> None:
        self.presence = Presence(study, directory)
        self.claims = Claims(study, str(directory / "journal.log"), self.presence, total)

    def loses_a_worker(self) -> bool:
        """With the next proposal; is it to be run again?"""
        claim = self.claims.next()
        assert claim is not None
        assert claim.directory == "0000"
        return self.claims.worker_died(claim, allowed=1)


def test_a_worker_that_dies_twice_has_failed(study: optuna.Study, tmp_path: Path) -> None:
    command = Command(study, tmp_path)
    with command.presence.announced():
        assert command.loses_a_worker()
        assert not command.loses_a_worker()
        assert command.claims.next() is None


def test_deaths_count_whichever_living_command_saw_them(study: optuna.Study, tmp_path: Path) -> None:
    one, other = Command(study, tmp_path), Command(study, tmp_path)
    with one.presence.announced(), other.presence.announced():
        assert one.loses_a_worker()
        assert not other.loses_a_worker()


def test_a_failed_proposal_begins_anew_with_the_command(study: optuna.Study, tmp_path: Path) -> None:
    command = Command(study, tmp_path)
    with command.presence.announced():
        assert [command.loses_a_worker(), command.loses_a_worker()] == [True, False]
        command.claims.retry_failed()  # what another start of the command does
        assert [command.loses_a_worker(), command.loses_a_worker()] == [True, False]


@pytest.mark.parametrize("running", [True, False])
def test_a_killed_command_costs_no_proposal_its_retry(
    running: bool, study: optuna.Study, tmp_path: Path
) -> None:
    """Neither its own death nor that of a worker which it saw before: all of it was killed."""
    killed, again = Command(study, tmp_path), Command(study, tmp_path)
    with killed.presence.announced():
        assert killed.loses_a_worker()
        if running:
            assert killed.claims.next() is not None
    with again.presence.announced():
        assert bool(again.claims.recover()) == running
        again.claims.retry_failed()
        assert [again.loses_a_worker(), again.loses_a_worker()] == [True, False]


def test_a_death_in_the_middle_of_a_claim_lets_no_two_be_drawn_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is asked for again after the third has its number, and before it knows its rank."""
    location = str(tmp_path / "journal.log")
    create(location)
    study = load(location)
    presence = Presence(study, tmp_path)
    with presence.announced():
        claims = Claims(study, location, presence, 10)
        first, second = claims.next(), claims.next()
        assert first is not None
        assert second is not None
        ask = study.ask

        def ask_late() -> optuna.Trial:
            trial = ask()
            monkeypatch.undo()
            claims.worker_died(first, 1)
            return trial

        monkeypatch.setattr(study, "ask", ask_late)
        third, again, fourth = claims.next(), claims.next(), claims.next()
    found = [(claim.number, claim.rank) for claim in (first, second, third, again, fourth) if claim]
    assert found == [(0, 0), (1, 1), (2, 2), (3, 0), (4, 3)]


def test_a_death_before_a_second_retry_is_withdrawn_does_not_run_it(
    study: optuna.Study, tmp_path: Path
) -> None:
    """Two processes queue the same retry. The one that asks for the second copy is killed at once."""
    living, killed = Command(study, tmp_path, total=2), Command(study, tmp_path, total=2)
    with living.presence.announced():
        first = living.claims.next()
        assert first is not None
        assert living.claims.worker_died(first, allowed=1)
        study.enqueue_trial({}, user_attrs={RETRY_OF: 0, KEY: "retry:0"})
        again = living.claims.next()
        with killed.presence.announced():
            study.ask().set_user_attr(PROCESS, killed.presence.name)
        assert living.claims.recover() == [2]
        new, end = living.claims.next(), living.claims.next()
    assert [(claim.number, claim.rank) for claim in (first, again, new) if claim] == [(0, 0), (1, 0), (3, 1)]
    assert end is None
