"""The rule of convergence. Trials use it to stop, and analysis applies the same rule to records."""

from __future__ import annotations

from collections.abc import Iterable


def convergence_index(mean_returns: Iterable[float], threshold: float, consecutive: int) -> int | None:
    """Index of the first of `consecutive` evaluations in a row whose mean return is >= `threshold`.

    None if that never happens: the trial is censored. NaN counts as below any threshold.
    """
    streak = 0
    for index, mean_return in enumerate(mean_returns):
        streak = streak + 1 if mean_return >= threshold else 0
        if streak == consecutive:
            return index - consecutive + 1
    return None
