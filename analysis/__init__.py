"""What a sweep shows, and how sure one may be: reads the records that trials leave on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.records import load_curves, load_runs

__all__ = ["load_curves", "load_runs"]


def __getattr__(name: str) -> Any:
    """Import pandas only when a table is asked for: `python -m analysis --help` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analysis.records import load

    return getattr(load, name)
