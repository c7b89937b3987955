"""When a trial has converged: the one rule that stops trials and that analysis applies to records."""

from __future__ import annotations

from collections.abc import Iterable


def convergence_index(mean_returns: Iterable[float], threshold: float, consecutive: int) -> int | None:
    """Index of the first of `consecutive` evaluations in a row with mean return >= `threshold`.

    None where that never happens: the trial is censored. NaN never reaches a threshold.
    """
    streak = 0
    for index, mean_return in enumerate(mean_returns):
        streak = streak + 1 if mean_return >= threshold else 0
        if streak == consecutive:
            return index - consecutive + 1
    return None
