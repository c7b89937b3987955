"""Private parts of numba: what it prepares when it loads the first compiled function."""

from __future__ import annotations

from numba.core.registry import cpu_target

TESTED = {"numba": ["0.68.1"]}


def prepare_target() -> None:
    """Prepare this process for compiled functions, so that its forks need not."""
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
