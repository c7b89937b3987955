"""The statuses of trials that are over."""

from __future__ import annotations

CUT_OFF = "pruned"
"""The finished status that does not tell how the trial would have ended."""
FINISHED = ("converged", "exhausted", "diverged", CUT_OFF)
"""A trial with one of these is not trained again."""
