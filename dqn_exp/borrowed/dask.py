"""From dask's workers: whether anybody still waits for a task."""

from __future__ import annotations

from distributed import get_worker

TESTED = {"distributed": ["2026.8.0"]}


def is_abandoned(key: str) -> bool:
    """Has the client of the running task called `key` cancelled it, or gone away? Asked on its worker."""
    state = get_worker().state.tasks.get(key)
    return state is None or state.state == "cancelled"
