"""Draws the report of a running sweep in another process, with pauses between two drawings."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from analysis.watch.state import Watched, study_of

PAUSE = 5.0
"""The shortest pause between two drawings, in seconds."""
REST = 4.0
"""While trials run, the pause is at least this multiple of the last drawing's duration, so that the trials
have the machine to themselves."""
LOOK = 0.5
"""Seconds between two checks whether a trial has ended."""


NOTHING = (False, 0, 0)
"""The signature of a sweep in which no trial has begun."""


class LatestReport:
    """The page of the latest report. `version` changes with each new report."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._stop = threading.Event()
        self._folder = tempfile.TemporaryDirectory(prefix="dqn_exp-watch-")
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._draw_as_trials_end, daemon=True)
        self.page, self.version = b"", ""
        self.message = "there is no report before a trial has begun"
        """Why there is no report, or when it was drawn."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop a drawing under way, and remove the report's files."""
        self._stop.set()
        self._kill()
        self._thread.join()
        self._folder.cleanup()

    def _draw_as_trials_end(self) -> None:
        drawn, until = NOTHING, 0.0
        while not self._stop.wait(LOOK):
            wanted = self._watched.signature()
            rests = time.monotonic() < until and self._watched.state()["running"]
            if wanted == drawn or rests:
                continue
            began = time.monotonic()
            self._draw()
            drawn, until = wanted, time.monotonic() + max(PAUSE, REST * (time.monotonic() - began))

    def _draw(self) -> None:
        if not self.page:
            self.message = "the first report is being drawn"
        output = Path(self._folder.name, "report")
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "analysis",
            *self._command_arguments(),
            "--output",
            str(output),
        ]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches only the server, which kills this process
        )
        if self._stop.is_set():
            self._kill()
        _, error = self._process.communicate()
        if self._process.returncode == 0:
            self.page = (output / "index.html").read_bytes()
            self.version = hashlib.sha256(self.page).hexdigest()[:12]
            self.message = f"drawn at {time.strftime('%H:%M:%S')}"
        elif not self._stop.is_set():
            last = (error.strip().splitlines() or ["it was stopped"])[-1]
            self.message = f"no new report: {last.removeprefix('error: ')}"

    def _command_arguments(self) -> list[str]:
        study = study_of(self._watched.root)
        return ["study", *study] if study else ["report", str(self._watched.root)]

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
