"""The result of an audit in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.audit.compare import AuditVerdict
from analysis.estimates import statistics as st
from dqn_exp.scores import LEVEL


def bound(wrong: int, tried: int) -> float:
    """Upper limit of the share of wrong trials, if `wrong` of `tried` trials chosen at random are wrong.

    The confidence is 95%, the limit is exact (Clopper & Pearson 1934). It is conservative if nearly all
    trials were tried.
    """
    return float(st.exact_limits([wrong / tried], tried, level=2 * LEVEL - 1)[1][0])


def sentences(verdicts: Sequence[tuple[Path, AuditVerdict]], total: int) -> Iterator[str]:
    """`total`: the number of trials from which those of `verdicts` were chosen."""
    tried, counts = len(verdicts), Counter(verdict.likeness for _, verdict in verdicts)
    wrong = counts["differs"] + counts["failed"]
    yield f"{counts['equal']} of {tried} are equal to their records, bit for bit."
    if counts["last digits"]:
        yield (
            f"{counts['last digits']} differ only in the last digits, as when another processor or another "
            f"version rounds differently."
        )
    if counts["differs"]:
        yield f"{counts['differs']} differ by more than the last digits."
    if counts["failed"]:
        yield f"{counts['failed']} could not be trained again."
    if tried == total:
        yield "These are all of them."
    else:
        yield (
            f"Of all {total} trials, at most {100 * bound(wrong, tried):.3g}% are wrong, with 95% confidence "
            f"({tried} were chosen at random, {wrong} of them wrong)."
        )
