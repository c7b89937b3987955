"""Private parts of dask: whether the client still waits for a task."""

from __future__ import annotations

from distributed import get_worker

TESTED = {"distributed": ["2026.8.0"]}


def is_abandoned(key: str) -> bool:
    """Whether the client of the running task `key` has cancelled it or is gone; call it on the worker."""
    state = get_worker().state.tasks.get(key)
    return state is None or state.state == "cancelled"
