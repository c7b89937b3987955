"""Only one process at a time can use a directory."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.runs.lock import Locked, directory_lock, is_locked, unchanged
from tests.program import ROOT

HOLDER = """
import sys, time, pathlib
from dqn_exp.config.errors import ConfigError
from dqn_exp.runs.lock import directory_lock
with directory_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(directory: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(directory), str(seconds)]
    holder = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    assert is_locked(tmp_path) is False
    holder = hold(tmp_path, 60)
    assert is_locked(tmp_path)
    began = time.monotonic()
    with pytest.raises(Locked, match="in use by another process"), directory_lock(tmp_path):
        pass
    assert time.monotonic() - began < 10
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path)
    with directory_lock(tmp_path):
        assert is_locked(tmp_path)


def test_who_reads_keeps_others_from_beginning_to_write(tmp_path: Path) -> None:
    """Not from reading; and of where there is no lock, nothing is made."""
    with unchanged(tmp_path):
        assert list(tmp_path.iterdir()) == []
    hold(tmp_path, 0).wait()
    with unchanged(tmp_path), unchanged(tmp_path):
        assert not is_locked(tmp_path)
        with pytest.raises(Locked), directory_lock(tmp_path):
            pass
    in_use = pytest.raises(Locked, match="in use by another process")
    with directory_lock(tmp_path), in_use, unchanged(tmp_path):
        pass


def test_patience_outlasts_a_holder_that_is_about_to_end(tmp_path: Path) -> None:
    holder = hold(tmp_path, 0.5)
    with directory_lock(tmp_path, patience=20):
        assert holder.wait(20) == 0


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Lustre without its option, or on some network file systems."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    message = rf"^{tmp_path} is on a file system without locks \(flock: Function not implemented\).*allowed"
    with pytest.raises(ConfigError, match=message), directory_lock(tmp_path):
        pass
    assert not is_locked(tmp_path)  # results that lie there can be read


def test_looking_at_a_lock_leaves_no_trace(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []
