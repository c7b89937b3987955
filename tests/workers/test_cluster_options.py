"""Options that the launchers of clusters refuse before anything runs, with one message each."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pytest
from hydra_plugins.dqn_exp.launcher import ClusterLauncher

from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters import opening
from dqn_exp.workers.clusters.cluster import ClusterLost, Parcel, WorkerLost
from dqn_exp.workers.clusters.files import SharedFiles
from dqn_exp.workers.clusters.host import host
from dqn_exp.workers.clusters.opening import check_kind
from dqn_exp.workers.clusters.queue import QUEUE_SECONDS, Queue, last_state
from dqn_exp.workers.clusters.slurm import SILENCE_SECONDS, SlurmCluster, SlurmLine
from tests.program import TINY, deaf_service, run_here


@pytest.mark.parametrize("kind", ["dask", "ray", "slurm"])
def test_a_missing_extra_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[..., Any] = importlib.util.find_spec
    package = opening.PACKAGES[kind]
    monkeypatch.setattr(opening, "find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(ConfigError) as refused:
        ClusterLauncher(kind, retries=0)
    assert str(refused.value) == f"hydra/launcher={kind} needs {package}: pip install 'dqn_exp[{kind}]'"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["hydra/launcher=slurm", "hydra.launcher.shared=false"],
            "hydra.launcher.shared=false: Slurm's jobs reach this command through files; allowed: true",
        ),
        (["hydra/launcher=dask", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs=0: allowed:"),
        (["hydra/launcher=ray", "hydra.launcher.retries=-1"], "hydra.launcher.retries=-1: allowed:"),
        (
            ["hydra/launcher=dask", "hydra.launcher.shared=false", "hydra.launcher.checkpoint_seconds=0"],
            "hydra.launcher.checkpoint_seconds=0: allowed: a number of seconds > 0",
        ),
        (
            [
                *("hydra/sweeper=optuna", "lr=range(1,4)", "hydra/sweeper/pruner=median"),
                *("hydra/launcher=dask", "hydra.launcher.shared=false"),
            ],
            "hydra.launcher.shared=false: workers cannot reach ",
        ),
        (["hydra/launcher=dask", "hydra.launcher.address=nohost"], "hydra.launcher.address=nohost: allowed:"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_it_is_refused_with_one_message(arguments: list[str], told: str, tmp_path: Path) -> None:
    ended = run_here("-m", *TINY, *arguments, "seed=1,2", cwd=tmp_path)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(told)
    assert "allowed: " in line
    assert not list(tmp_path.iterdir())


ADDRESSES = {
    "dask": (
        ("tcp://first:8786", "first:8786", "tls://10.0.0.1:1", "tcp://[::1]:8786", None),
        (
            "",
            "first",
            "tcp://first",
            "http://first:8786",
            "tcp://first:port",
            "tcp://a b:8786",
            "auto",
            8786,
        ),
    ),
    "ray": (
        ("auto", "first:6379", "[::1]:6379", None),
        ("", "first", "ray://first:10001", "first:port", "local", 6379),
    ),
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_what_is_no_address_is_refused_before_anybody_is_asked(kind: str) -> None:
    right, wrong = ADDRESSES[kind]
    for address in right:
        check_kind(kind, True, {"address": address})
    for address in wrong:
        with pytest.raises(ConfigError, match=r"^hydra\.launcher\.address=.*: allowed: .*, or null for this"):
            check_kind(kind, True, {"address": address})


def test_where_nobody_answers_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dqn_exp.workers.clusters import dask

    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    asked = ("hydra/launcher=dask", "hydra.launcher.address=tcp://127.0.0.1:9", "seed=1,2")
    ended = run_here("-m", *TINY, *asked, cwd=tmp_path)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    head = "hydra.launcher.address=tcp://127.0.0.1:9: no scheduler answers "
    assert line.startswith(head)
    assert any(reason in line.removeprefix(head) for reason in ("(Timed out", "refused"))
    assert not list(tmp_path.iterdir())


def test_without_slurm_nothing_is_written(tmp_path: Path) -> None:
    ended = run_here("-m", *TINY, "hydra/launcher=slurm", "seed=1,2", cwd=tmp_path, PATH="/nowhere")
    assert ended.code == 2
    assert "hydra/launcher=slurm: submitit says: " in ended.err
    assert not list(tmp_path.iterdir())


def test_a_network_that_workers_do_not_see_is_refused(tmp_path: Path) -> None:
    trained = run_here(*TINY, "hydra.run.dir=first", cwd=tmp_path)
    assert trained.code == 0, trained.said
    asked = ("init_from=first", "hydra/launcher=dask", "hydra.launcher.shared=false", "seed=1,2")
    ended = run_here("-m", *TINY, *asked, cwd=tmp_path)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("init_from=first: with hydra.launcher.shared=false workers cannot read ")
    assert {path.name for path in tmp_path.iterdir()} == {"first"}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no address"])
def test_nobody_answers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dqn_exp.workers.clusters import dask

    monkeypatch.setattr(dask, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ConfigError, match=rf"^hydra\.launcher\.address={address}: no scheduler answers "):
        opening.open_cluster("dask", address=address, n_jobs=1)


@pytest.mark.parametrize("kind", ["dask", "ray"])
def test_a_service_that_never_answers_is_refused_in_seconds(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever listens there: the clients of dask and ray would wait for minutes, or for ever."""
    monkeypatch.setattr(importlib.import_module(f"dqn_exp.workers.clusters.{kind}"), "ANSWER_SECONDS", 2)
    began = time.monotonic()
    with deaf_service() as address, pytest.raises(ConfigError) as refused:
        opening.open_cluster(kind, address=address, n_jobs=1)
    assert time.monotonic() - began < 20
    told = str(refused.value)
    assert told.startswith(f"hydra.launcher.address={address}: no ")
    assert f"(no answer within 2 seconds); allowed: {opening.ADDRESSES[kind]}" in told


def test_tls_without_certificates_is_no_traceback() -> None:
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\.address=tls://.*: no scheduler answers \(TLS "):
        opening.open_cluster("dask", address="tls://127.0.0.1:9", n_jobs=1)


def test_a_call_that_ends_with_its_scheduler_is_no_lost_worker() -> None:
    """The client cancels what it waits for a moment before it says that the scheduler is gone."""
    from distributed import Future
    from distributed.client import FutureCancelledError

    from dqn_exp.workers.clusters.dask import DaskCall, DaskCluster

    future, cluster = create_autospec(Future, instance=True), create_autospec(DaskCluster, instance=True)
    future.exception.return_value = None
    future.result.side_effect = FutureCancelledError("key", "scheduler-connection-lost")
    cluster.name = "the dask cluster at host"
    with pytest.raises(ClusterLost, match=r"^the dask cluster at host is gone\."):
        DaskCall(cluster, "tcp://worker", future).answer()


def test_slurm_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    options = {"folder": str(tmp_path / "unused"), "array_parallelism": 2, "partition": "gpu"}
    with pytest.raises(ConfigError, match=r"^hydra/launcher=slurm: submitit says: .*srun.*executor=local$"):
        opening.open_cluster("slurm", executor="slurm", parameters={}, **options)
    with pytest.raises(ConfigError, match="colour"):
        opening.open_cluster("slurm", executor="local", parameters={"colour": "red"}, **options)


def stand_ins(folder: Path, **commands: str) -> None:
    """Programs that say what a real Slurm (22.05) says."""
    for name, script in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for stand-ins of Slurm's commands, which is searched first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    stand_ins(folder, srun="exit 0", squeue="exit 0")
    return folder


def test_what_sbatch_refuses_is_one_message(
    slurm: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = (
        "invalid partition specified: gpu",
        "Batch job submission failed: Invalid partition name specified",
    )
    stand_ins(slurm, sbatch="".join(f"echo 'sbatch: error: {line}' >&2; " for line in said) + "exit 1")
    options = {"array_parallelism": 2, "partition": "gpu", "parameters": None, "timeout_min": 1}
    cluster = SlurmCluster("slurm", str(tmp_path), **options)
    call = cluster.begin(Parcel("key", b"", SharedFiles(), Path.cwd(), {}, None, False, False))
    with pytest.raises(ConfigError) as refused:
        list(cluster.look())
    assert str(refused.value).startswith(f"hydra/launcher=slurm: sbatch says: {said[0]}; {said[1]}. ")
    call.stop()
    assert call.is_over()
    with pytest.raises(WorkerLost):
        call.answer()
    cluster.close()
    assert capfd.readouterr().err == ""


def test_a_job_that_slurm_no_longer_has_is_gone(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    queue = Queue()
    assert not queue.lacks("7_1", clock - 1)
    stand_ins(
        slurm, squeue="printf '7_0\\n8\\n'", scontrol="echo 'JobId=9 ArrayJobId=7 JobState=TIMEOUT A=b'"
    )
    queue.look()
    assert [queue.lacks(job, clock - 1) for job in ("7_0", "7_1", "8")] == [False, True, False]
    assert not queue.lacks("9", clock + 1)  # submitted after the look
    assert last_state("7_1") == "TIMEOUT"
    stand_ins(slurm, squeue="exit 1", scontrol="exit 1")  # the controller is gone
    clock += QUEUE_SECONDS
    queue.look()
    assert [queue.lacks(job, clock - QUEUE_SECONDS - 1) for job in ("7_0", "7_1")] == [False, True]
    assert last_state("7_1") == "UNKNOWN"


def test_other_parameters_of_submitit_can_be_given(tmp_path: Path) -> None:
    options = ("hydra/launcher=slurm", "hydra.launcher.parameters={slurm_account: mine, slurm_qos: long}")
    ended = run_here("-m", *TINY, *options, "seed=1,2", "dry_run=true", cwd=tmp_path)
    assert ended.code == 0, ended.said


def test_a_trial_that_needs_a_gpu_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    parcel = Parcel("key", b"", SharedFiles(), Path.cwd(), {}, None, preload=False, needs_gpu=True)
    answer = host(parcel, SlurmLine(Path(), Path()))
    assert answer.refusal == "device='cuda': a worker of the cluster has no CUDA device; allowed: cpu"


def test_a_job_notices_when_its_driver_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    driver, stopped = tmp_path / "driver", tmp_path / "stopped"
    driver.touch()
    line = SlurmLine(driver, stopped)
    assert not line.is_cut()
    clock += SILENCE_SECONDS
    assert line.is_cut()
    driver.write_text("it beats")
    assert not line.is_cut()
    stopped.touch()
    assert line.is_cut()
    stopped.unlink()
    driver.unlink()
    assert line.is_cut()


def test_what_killed_drivers_have_left_in_slurm_s_folder_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, going_on, theirs = (tmp_path / name for name in ("dqn_exp-jobs-1", "dqn_exp-jobs-2", "src"))
    for folder in (left, going_on, theirs):
        folder.mkdir()
        (folder / "driver").touch()
    for folder in (left, theirs):
        os.utime(folder / "driver", (0, 0))
    options = {"array_parallelism": 1, "partition": None, "parameters": {}, "timeout_min": 1}
    SlurmCluster("local", str(tmp_path), **options).close()
    assert set(tmp_path.iterdir()) == {going_on, theirs}
