"""`hydra/launcher=slurm`: each trial is a Slurm job, submitted by submitit, or a local submitit job.

Jobs that are submitted together form one array. Driver and jobs communicate by files in a shared folder.
"""

from __future__ import annotations

import re
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import submitit
from submitit.core.utils import FailedJobError

from dqn_exp.config import ConfigError
from dqn_exp.workers.clusters.cluster import Answer, Parcel, WorkerLost
from dqn_exp.workers.clusters.host import host, stop
from dqn_exp.workers.clusters.queue import Queue, ask_slurm, last_state
from dqn_exp.workers.server import interrupts_blocked

BEAT_SECONDS = 10.0
SILENCE_SECONDS = 12 * BEAT_SECONDS
"""A driver whose file has not changed for so many seconds is considered gone."""
JOBS, BEAT = "dqn_exp-jobs-", "driver"
"""The prefix of the name of a driver's folder, and the file in it that the driver touches."""
RESULT_SECONDS = 5.0
"""Seconds to wait for the answer of a finished job, which a file server may show late."""


class SlurmCluster:
    def __init__(
        self,
        executor: str,
        folder: str,
        array_parallelism: int,
        partition: str | None,
        parameters: Mapping[str, Any] | None,
        **generic: Any,
    ) -> None:
        """`executor`: slurm, or local for jobs on this machine; `generic`, `parameters`: for submitit.

        Raises ConfigError if Slurm is missing or a parameter is unknown.
        """
        slurm = {"slurm_partition": partition, "slurm_array_parallelism": array_parallelism}
        self.name, self.capacity = f"submitit's {executor} executor", array_parallelism
        _remove_silent(Path(folder))
        self._folder = Path(folder).absolute() / f"{JOBS}{uuid.uuid4().hex}"
        self._executor = self._made(executor, {**slurm, **generic, **(parameters or {})})
        self._waiting: list[SlurmCall] = []
        self._queue = Queue() if executor == "slurm" else None
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._beating.start()

    def _made(self, executor: str, parameters: Mapping[str, Any]) -> submitit.Executor:
        try:
            made = submitit.AutoExecutor(self._folder / "%j", cluster=executor)
            made.update_parameters(**parameters)
        except (ValueError, RuntimeError, NameError, AssertionError, TypeError) as error:
            said = " ".join(str(error).split())
            raise ConfigError(
                f"hydra/launcher=slurm: submitit says: {said}; allowed: submitit's parameters, on "
                "a machine with Slurm's commands, or with hydra.launcher.executor=local"
            ) from None
        return made

    def look(self) -> Iterator[tuple[str, bytes]]:
        """Submit the waiting parcels as one array. Raises ConfigError if Slurm refuses them."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._submit(waiting)
        if self._queue is not None:
            self._queue.look()
        return iter(())

    def _submit(self, calls: Sequence[SlurmCall]) -> None:
        try:
            with redirect_stderr(StringIO()), interrupts_blocked(), self._executor.batch():
                jobs = [self._executor.submit(run_job, call.parcel, call.line) for call in calls]
        except FailedJobError as error:
            reason = "; ".join(str(error).replace("sbatch: error: ", "").splitlines())
            raise ConfigError(
                f"hydra/launcher=slurm: sbatch says: {reason}. Finished trials are kept; the same command "
                f"continues, also with other options of hydra.launcher"
            ) from None
        for call, job in zip(calls, jobs, strict=True):
            call.job, call.submitted = job, time.monotonic()

    def begin(self, parcel: Parcel) -> SlurmCall:
        line = SlurmLine(self._beat_file, self._folder / parcel.key)
        self._waiting.append(SlurmCall(parcel, line, self._queue))
        return self._waiting[-1]

    def close(self) -> None:
        self._over.set()
        self._beating.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _beat_file(self) -> Path:
        return self._folder / BEAT

    def _beat(self) -> None:
        while True:
            self._beat_file.touch()
            if self._over.wait(BEAT_SECONDS):
                return


class SlurmCall:
    def __init__(self, parcel: Parcel, line: SlurmLine, queue: Queue | None) -> None:
        self.parcel, self.line = parcel, line
        self.job: submitit.Job[Answer] | None = None
        self.submitted = 0.0
        self._queue = queue
        self._ended: float | None = None

    def is_over(self) -> bool:
        if self.job is None:
            return self.line.stopped.exists()
        if self._has_result():
            return True
        if not self._has_left():
            return False
        self._ended = self._ended or time.monotonic()
        return time.monotonic() - self._ended >= RESULT_SECONDS

    def answer(self) -> Answer:
        if self.job is None:
            raise WorkerLost("its job was not submitted")
        if not self._has_result():
            raise WorkerLost(f"job {self.job.job_id} is gone: {self._state()}")
        try:
            answer: Answer = self.job.result()
        except FailedJobError as error:
            raise WorkerLost(f"job {self.job.job_id} failed: {_last_of_trace(str(error))}") from None
        return answer

    def stop(self) -> None:
        self.line.stopped.touch()
        if isinstance(self.job, submitit.SlurmJob):
            ask_slurm("scancel", self.job.job_id)  # also a job that still waits

    def _has_result(self) -> bool:
        assert self.job is not None
        folder = self.job.paths.folder
        with suppress(OSError):
            folder.chmod(folder.stat().st_mode)  # so that a file server shows what is new in it
        return bool(self.job.paths.result_pickle.exists())

    def _has_left(self) -> bool:
        assert self.job is not None
        if self._queue is None:
            return bool(self.job.done())
        return self._queue.lacks(self.job.job_id, self.submitted)

    def _state(self) -> str:
        assert self.job is not None
        return self.job.state if self._queue is None else last_state(self.job.job_id)


def _last_of_trace(message: str) -> str:
    """The last line of the trace in a message of submitit, which is framed by dashes."""
    trace = re.split(r"^-{10,}$", message, flags=re.MULTILINE)[1:2] or [message]
    return (trace[0].strip().splitlines() or ["without a word"])[-1]


@dataclass
class SlurmLine:
    driver: Path
    """A file that the driver touches regularly and removes at its end."""
    stopped: Path
    """A file that the driver creates to stop the job."""
    last_touched: tuple[float, float] = (0.0, 0.0)
    """The latest modification time of `driver`, and our monotonic time when it changed."""

    def is_cut(self) -> bool:
        if self.stopped.exists():
            return True
        try:
            touched = self.driver.stat().st_mtime
        except FileNotFoundError:
            return True
        if touched != self.last_touched[0]:
            self.last_touched = touched, time.monotonic()
        return time.monotonic() - self.last_touched[1] >= SILENCE_SECONDS

    def send(self, archive: bytes) -> None:
        """Do nothing: the files are shared."""


def run_job(parcel: Parcel, line: SlurmLine) -> Answer:
    """Runs in a job: SIGTERM and SIGUSR2, by which Slurm ends a job, end the task in an orderly way."""

    def end(number: int, frame: FrameType | None) -> None:
        stop(parcel.key)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGUSR2, end)
    return host(parcel, line)


def _remove_silent(folder: Path) -> None:
    """Remove the folders of killed drivers, and nothing else in `folder`."""
    for beat in folder.glob(f"{JOBS}*/{BEAT}"):
        if time.time() - beat.stat().st_mtime > SILENCE_SECONDS:
            shutil.rmtree(beat.parent, ignore_errors=True)
