"""What Slurm says about jobs. submitit would ask Slurm's accounting, which some clusters do not have."""

from __future__ import annotations

import os
import re
import subprocess
import time

QUEUE_SECONDS = 10.0
"""Seconds between two questions to Slurm which jobs it has."""
ANSWER_SECONDS = 10.0


class Queue:
    """The jobs that Slurm had at the latest look: waiting, running or ending."""

    def __init__(self) -> None:
        self._jobs: set[str] = set()
        self._looked = self._known = float("-inf")

    def look(self) -> None:
        """Ask Slurm again if the latest answer is old."""
        if time.monotonic() - self._looked < QUEUE_SECONDS:
            return
        self._looked = time.monotonic()
        listed = ask_slurm("squeue", f"--user={os.getuid()}", "--noheader", "--array", "--format=%i")
        if listed is not None:
            self._jobs, self._known = set(listed.split()), self._looked

    def lacks(self, job_id: str, submitted: float) -> bool:
        """Whether Slurm did not have the job that was `submitted` at that monotonic time."""
        return self._known > submitted and job_id not in self._jobs


def last_state(job_id: str) -> str:
    """The state of a job that has ended, such as TIMEOUT; UNKNOWN if Slurm has forgotten it."""
    description = ask_slurm("scontrol", "--oneliner", "show", "job", job_id) or ""
    state = re.search(r"\bJobState=(\w+)", description)
    return state.group(1) if state else "UNKNOWN"


def ask_slurm(*command: str) -> str | None:
    """What a command of Slurm prints; None if its controller does not answer."""
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return finished.stdout if finished.returncode == 0 else None
