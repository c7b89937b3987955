"""The protocol between the benchmark and the measured programs. Imports only what every peer has."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def read_work() -> dict[str, Any]:
    """What to train: env_id, hidden, batch_size, and what all works have in common."""
    work: dict[str, Any] = json.loads(sys.argv[1])
    return work


def serve(advance: Callable[[int], int]) -> None:
    """For each number on stdin train at least so many environment steps and answer with steps per second.

    Where the work says `processor_time`, of the process's own: others on the same core do not count.
    """
    now = time.process_time if read_work().get("processor_time") else time.perf_counter
    for line in sys.stdin:
        started = now()
        done = advance(int(line))
        print(done / (now() - started), flush=True)
