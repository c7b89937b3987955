"""Private parts of ray: whether a cluster answers at an address."""

from __future__ import annotations

import subprocess
import sys

TESTED = {"ray": ["2.60.0"]}


def why_silent(address: str, seconds: float) -> str | None:
    """Why no cluster of our version of ray answers at `address` within `seconds`; None if one answers.

    Asked in a separate process: `ray.init` would try for minutes, print much, and may end the program.
    """
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        finished = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:g} seconds"
    reason = finished.stderr.strip() or f"exit code {finished.returncode}"
    return None if finished.returncode == 0 else reason.splitlines()[-1]
