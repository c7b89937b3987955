"""The workers of a simulated cluster whose machines come and go."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters import workers as remote
from dqn_exp.workers.clusters.cluster import Answer, ClusterLost, Parcel, WorkerLost
from dqn_exp.workers.clusters.files import packed
from dqn_exp.workers.clusters.host import Work, perform
from dqn_exp.workers.clusters.workers import RemoteWorkers, Travel
from tests.workers.test_cluster_files import Trial


class Call:
    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.end: Answer | WorkerLost | None = None

    def is_over(self) -> bool:
        return self.end is not None

    def answer(self) -> Answer:
        assert self.end is not None
        if isinstance(self.end, WorkerLost):
            raise self.end
        return self.end

    def stop(self) -> None:
        self.end = Answer(death="SIGTERM(-15)")

    def run(self) -> None:
        parcel = self.parcel
        work = Work(parcel.content, (), None, parcel.folder, parcel.environment)
        self.end = Answer(perform(work))


class Cluster:
    """At each look the next of `events` happens."""

    def __init__(self, *events: Callable[[Cluster], object]) -> None:
        self.name, self.capacity = "the cluster", 0
        self.calls: list[Call] = []
        self.mail: list[tuple[str, bytes]] = []
        self.closed = False
        self._events = list(events)

    def look(self) -> Iterator[tuple[str, bytes]]:
        if self._events:
            self._events.pop(0)(self)
        yield from self.mail
        self.mail.clear()

    def begin(self, parcel: Parcel) -> Call:
        self.calls.append(Call(parcel))
        return self.calls[-1]

    def close(self) -> None:
        self.closed = True


def has(n: int) -> Callable[[Cluster], None]:
    def event(cluster: Cluster) -> None:
        cluster.capacity = n

    return event


def ends(call: int, how: Answer | WorkerLost | None = None) -> Callable[[Cluster], None]:
    """By its value, unless it is said otherwise."""

    def event(cluster: Cluster) -> None:
        if how is None:
            cluster.calls[call].run()
        else:
            cluster.calls[call].end = how

    return event


def nothing(cluster: Cluster) -> None: ...


def double(task: Any) -> Any:
    return 2 * task


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0)


def test_the_first_worker_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    workers = RemoteWorkers(Cluster(nothing, nothing, has(2)), double, Travel())
    assert workers.idle_workers == 2
    assert capsys.readouterr().out == "Waiting for the first worker of the cluster\n"


def test_one_that_joins_is_used_at_once() -> None:
    """Nothing has ended, but there is more to do."""
    workers = RemoteWorkers(Cluster(has(1), nothing, has(2), ends(0)), double, Travel())
    workers.submit(1)
    assert workers.idle_workers == 0
    assert list(workers.wait()) == []
    assert workers.idle_workers == 1
    (done,) = workers.wait()
    assert (done.task, done.value) == (1, 2)


def test_no_more_are_used_than_may_be() -> None:
    workers = RemoteWorkers(Cluster(has(5), has(1)), double, Travel(), limit=2)
    assert workers.idle_workers == 2
    workers.submit(1)
    workers.submit(2)
    assert list(workers.wait(0)) == []
    assert workers.idle_workers == 0  # of one that is left, and two tasks


def test_a_lost_worker_is_the_death_of_its_task() -> None:
    workers = RemoteWorkers(Cluster(has(2), ends(0, WorkerLost("it is gone")), ends(1)), double, Travel())
    workers.submit(1)
    workers.submit(2)
    (lost,), (done,) = workers.wait(), workers.wait()
    assert (lost.task, lost.death, lost.stuck) == (1, "it is gone", False)
    assert (done.task, done.value) == (2, 4)


def test_a_refusal_ends_it_all() -> None:
    workers = RemoteWorkers(
        Cluster(has(1), ends(0, Answer(refusal="no GPU; allowed: cpu"))), double, Travel()
    )
    workers.submit(1)
    with pytest.raises(ConfigError, match=r"^no GPU; allowed: cpu$"):
        list(workers.wait())


def test_files_are_kept_as_they_arrive(tmp_path: Path) -> None:
    """Of tasks that run; what comes late of another one is of no use."""
    source, trial = tmp_path / "source", Trial(tmp_path / "trial")
    source.mkdir()
    (source / "episodes.csv").write_text("1,2,3\n")

    def send(cluster: Cluster) -> None:
        cluster.mail += [(cluster.calls[0].parcel.key, packed(source)), ("unknown", b"")]

    cluster = Cluster(has(1), send)
    workers = RemoteWorkers(cluster, double, Travel(checkpoint_seconds=1))
    workers.submit(trial)
    list(workers.wait(0))
    assert (trial.directory / "episodes.csv").read_text() == "1,2,3\n"
    (source / "result.json").write_text("{}")
    content = pickle.dumps((1, None))
    cluster.calls[0].end = Answer(content, archive=packed(source))
    (done,) = workers.wait()
    assert done.value == 1
    assert (trial.directory / "result.json").read_text() == "{}"


def test_a_shared_folder_is_marked_while_it_is_used(tmp_path: Path) -> None:
    cluster = Cluster(has(1))
    workers = RemoteWorkers(cluster, double, Travel())
    workers.submit(Trial(tmp_path / "sweep" / "trial"))
    marker = cluster.calls[0].parcel.files.marker  # type: ignore[attr-defined]
    assert marker.parent == tmp_path / "sweep"
    assert marker.exists()
    workers.close(kill=True)
    assert not marker.exists()
    assert cluster.closed


def test_what_runs_is_stopped_where_it_is_to_be_killed() -> None:
    cluster = Cluster(has(2))
    workers = RemoteWorkers(cluster, double, Travel())
    workers.submit(1)
    workers.close(kill=True)
    assert cluster.calls[0].end == Answer(death="SIGTERM(-15)")
    assert workers.running == []


def test_a_cluster_that_is_lost_is_left(tmp_path: Path) -> None:
    def vanish(cluster: Cluster) -> None:
        raise ClusterLost(cluster.name)

    cluster = Cluster(has(1), vanish, vanish)
    workers = RemoteWorkers(cluster, double, Travel())
    workers.submit(1)
    with pytest.raises(ClusterLost, match=r"^the cluster is gone\..*the same command continues\.$"):
        list(workers.wait())
    workers.close(kill=True)
    assert cluster.closed


@dataclass(frozen=True)
class Broken:
    """What cannot be unpacked where it is to be run."""

    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise ModuleNotFoundError("No module named 'own'")


def test_a_task_that_cannot_be_unpacked_fails_by_itself() -> None:
    workers = RemoteWorkers(Cluster(has(1), ends(0)), double, Travel())
    workers.submit(Broken())
    (done,) = workers.wait()
    assert isinstance(done.error, ModuleNotFoundError)
    assert done.death is None
