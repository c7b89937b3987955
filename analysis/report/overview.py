"""What a sweep is, in words: its question, its trials and how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analysis.records import ALL, BLOCK, ENDED, UNKNOWN, Axis, Sweep, is_partial
from analysis.report import seen
from dqn_exp.text import format_count, format_value

ENVIRONMENT = "env.id"
NAMED = 4
"""The most hyperparameters that a sentence names."""
MEANING = {
    "exhausted": " (budget spent, not converged)",
    "diverged": " (Q-values or loss became infinite, NaN or too large; counts as never converging)",
}


def title(sweep: Sweep) -> str:
    """The question that the sweep asks."""
    asked = [axis for axis in sweep.axes if axis is not ALL and axis.name != ENVIRONMENT]
    if not asked:
        return f"How does this DQN learn {environments(sweep)}?"
    names = [axis.name for axis in asked]
    if any(axis.inseparable for axis in asked):
        names.append(f"what varies with {'it' if len(names) == 1 else 'them'}")
    several = any(axis.name == ENVIRONMENT for axis in sweep.axes)
    where = f" on {environments(sweep)}" if several else ""
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    what = "convergence" if sweep.judged else "learning"
    return f"How {'does' if len(names) == 1 else 'do'} {listed} change {what}{where}?"


def values(sweep: Sweep, key: str) -> str:
    """The values of a configuration key as text, separated by " / " if trials differ."""
    row_values = (row.get(key, UNKNOWN if is_partial(row) else None) for row in sweep.rows)
    return " / ".join(dict.fromkeys(map(format_value, row_values)))


def environments(sweep: Sweep) -> str:
    return " and ".join(dict.fromkeys(trial.environment for trial in sweep.trials))


def overview(sweep: Sweep) -> Iterator[str]:
    """The number of trials, how they ended, and how many count as evidence."""
    seeds = len({row["seed"] for row in sweep.rows} - {None})
    sizes = [format_count(len(axis.values), f"value of {axis.name}") for axis in sweep.axes]
    seeds_text = format_count(seeds, "seed") if seeds else "seeds unknown"
    of = "" if sweep.axes == [ALL] else f": {' × '.join(sizes)}, {seeds_text}"
    yield f"{format_count(len(sweep.rows), 'trial')} on {environments(sweep)}{of}."
    yield from map(_inseparable, (axis for axis in sweep.axes if axis.inseparable))
    if sweep.judged:
        in_a_row = values(sweep, "convergence.consecutive")
        first = (
            "its first evaluation" if in_a_row == "1" else f"the first of {in_a_row} consecutive evaluations"
        )
        yield (
            f"A trial is one training run with its own random seed. It converges at {first} "
            f"({_evaluated(sweep)}) with a mean return of at least {values(sweep, 'convergence.threshold')}."
        )
    else:
        yield f"Convergence cannot be judged here: {sweep.obstacle}."
    ends = Counter(row["status"] for row in sweep.rows)
    meaning = MEANING if sweep.judged else {**MEANING, "exhausted": " (budget spent)"}
    if any(trial.imported for trial in sweep.trials):
        meaning = {**meaning, "exhausted": " (their budget was spent or their log ended)"}
    listed = (f"{n} {status}{meaning.get(status, '')}" for status, n in ends.most_common())
    yield f"How they ended: {', '.join(listed)}."
    if sweep.left_out:
        left = format_count(len(sweep.left_out), "trial")
        yield f"{left} cannot count as evidence; the reasons are listed below."
    if sweep.ahead:
        finished = sum(entry.status in ENDED for entry in sweep.ahead)
        more = format_count(len(sweep.ahead), "more trial")
        yield f"Started for a later look, and therefore not counted: {more}, {finished} of them finished."
    if sweep.missing:
        yield f"{format_count(len(sweep.missing), 'planned trial')} left no record: see below."
    for entry in sweep.shards:
        yield f"{entry.run[:1].upper()}{entry.run[1:]}: {entry.reason}."
    yield from seen.sentences(sweep)


def _inseparable(axis: Axis) -> str:
    """That the effect of an axis may be that of values that vary with it."""
    first, more = axis.inseparable[:NAMED], len(axis.inseparable) - NAMED
    listed = ", ".join(first) + (f" and {more} more" if more > 0 else "")
    those = "that" if len(axis.inseparable) == 1 else "any of those"
    return (
        f"{axis.name} varied only together with {listed}: what is said of {axis.name} may be the effect of "
        f"{those}."
    )


def _evaluated(sweep: Sweep) -> str:
    """The data that judge convergence, in words."""
    blocks = f"blocks of {BLOCK} training episodes, with exploration, instead of greedy episodes"
    if not sweep.by_training:
        return "greedy episodes"
    every = len(sweep.by_training) == len(sweep.rows)
    return blocks if every else f"greedy episodes; if a log has none, {blocks}"
