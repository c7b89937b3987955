"""Why the score of a seed is infinitely bad: its trial diverged, or it ended without what the score needs.

The area under the curve needs an evaluation during training. A trial that ends before its first one, for
example because its budget is shorter, has no score. Such a score counts as the worst one, like that of a
diverged trial.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from optuna.trial import FrozenTrial


def cause(n_infinite: int, n_diverged: int) -> str:
    """The cause of `n_infinite` infinite scores on one objective, where `n_diverged` trials diverged."""
    if not n_diverged:
        return "a seed has no score"
    return "a seed diverged" if n_infinite <= n_diverged else "a seed diverged or has no score"


def n_diverged(proposal: FrozenTrial) -> int:
    """The number of a proposal's trials that diverged."""
    statuses: list[str] = proposal.user_attrs.get("statuses", [])
    return statuses.count("diverged")


def n_without_score(proposal: FrozenTrial) -> int:
    """The number of a proposal's trials that have no score although they did not diverge."""
    infinite = Counter[str]()
    for name, scores in proposal.user_attrs.get("scores", {}).items():
        objective = name.partition(".")[0]  # behind the dot is one of several environments
        infinite[objective] += int(np.count_nonzero(~np.isfinite(scores)))
    return max(0, max(infinite.values(), default=0) - n_diverged(proposal))
