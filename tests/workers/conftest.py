"""Clusters of real processes on this machine; a test's folder can be hidden from them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.program import ROOT, alive, descendants, wait_until

RAY = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""Whoever connects needs no token, nobody is told, and workers are no less important than others."""


class DaskProcesses:
    """A scheduler and its workers, started as one does by hand."""

    def __init__(self, place: Path, n_workers: int, hidden: Path | None = None) -> None:
        """`hidden`: a folder that the workers see empty."""
        self._place, self._hidden = place, hidden
        self.temporary = place / "worker"
        """Where workers are started and have their temporary files."""
        self.temporary.mkdir(parents=True)
        self.scheduler = self._start("scheduler", ["--port", "0", "--host", "127.0.0.1", "--no-dashboard"])
        contact = place / "contact.json"
        wait_until(contact.exists)
        self.workers = [self.add_worker() for _ in range(n_workers)]

    @property
    def address(self) -> str:
        address: str = json.loads((self._place / "contact.json").read_text())["address"]
        return address

    def add_worker(self) -> subprocess.Popen[bytes]:
        """One process: to kill it is as if its machine had died."""
        return self._start("worker", ["--no-nanny", "--nthreads", "1", "--no-dashboard"])

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, what: str, options: list[str]) -> subprocess.Popen[bytes]:
        contact = ["--scheduler-file", str(self._place / "contact.json")]
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *contact, *options]
        if self._hidden is not None and what == "worker":
            hide = f"mount -t tmpfs none {shlex.quote(str(self._hidden))}"
            inside = f"{hide} && exec {shlex.join(command)}"
            command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        with open(self._place / f"{what}.log", "ab") as log:
            return subprocess.Popen(command, cwd=self.temporary, env=environment, stdout=log, stderr=log)


class RayHead:
    """A head with two CPUs, and all that it starts."""

    def __init__(self, place: Path) -> None:
        place.mkdir(exist_ok=True)
        options = ["--port", "0", "--num-cpus", "2", "--include-dashboard", "false"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *options]
        log = place / "log"
        with open(log, "ab") as out:
            self._process = subprocess.Popen(
                [*command, "--node-ip-address", "127.0.0.1"],
                cwd=place,
                env={**os.environ, **RAY, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
            )
        wait_until(lambda: "--address='" in log.read_text())
        self.address = log.read_text().partition("--address='")[2].partition("'")[0]

    def kill(self, what: str) -> None:
        """Kill one process whose command line begins so, or names such a program."""
        for pid in sorted(descendants(self._process.pid)):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if words[0].endswith(what):
                os.kill(pid, signal.SIGKILL)
                return
        raise AssertionError(f"there is no {what}")

    def close(self) -> None:
        family = descendants(self._process.pid)
        self._process.terminate()
        self._process.wait()
        for pid in alive(family):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def can_hide() -> bool:
    """May we give a process another view of the file system?"""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True)
    return tried.returncode == 0


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a scheduler with two workers."""
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"), 2)
    yield processes.address
    processes.close()


@pytest.fixture(scope="session")
def ray_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a head with two CPUs."""
    head = RayHead(tmp_path_factory.mktemp("ray"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in RAY.items():
            patch.setenv(name, value)
        yield head.address
    head.close()
