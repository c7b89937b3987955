"""`dry_run=true`: report which trials would run, which exist already, and the time and memory they need.

Nothing is written.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from dqn_exp.config import Config, dotted
from dqn_exp.launch.pace import MOST_KINDS, NoPaceError, Pace, kind, measure_kinds, together, trial_seconds
from dqn_exp.launch.reuse import Reuse
from dqn_exp.launch.tables import print_rows
from dqn_exp.plan import PlannedTrial, bytes_of_replay, free_bytes, without_seed
from dqn_exp.runs import is_over, read_result
from dqn_exp.text import format_bytes, format_count, format_duration, format_number

MOST_ROWS = 20
"""The most configurations that are listed one by one."""
MOST_SEEDS = 8
NOTHING_DONE = "Nothing was trained and nothing written: dry_run=true."
FINISHED_ONE, BEGUN, ELSEWHERE, NEW = "finished", "begun", "to take", "to run"


def print_trials(
    directory: Path, trials: Sequence[PlannedTrial], at_a_time: int | None, reuse: Reuse
) -> None:
    """Print the report about the `trials` of a sweep in `directory`.

    at_a_time: number of trials at a time, None if unknown; reuse: finds finished trials to take instead.
    """
    console = make_console()
    origins = reuse.find(trials, directory)
    states = {
        trial.name: ELSEWHERE if trial.name in origins else _state(trial.config, directory / trial.name)
        for trial in trials
    }
    counts = Counter(states.values())
    order = (FINISHED_ONE, BEGUN, ELSEWHERE, NEW)
    listed = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
    if len(trials) == 1:
        console.print(f"1 trial in {directory / trials[0].name}: {listed}")
    else:
        console.print(f"{len(trials)} trials in {directory}: {listed}")
        _print_configurations(console, trials, states)
    reuse.tell(origins.values(), len(trials), console.print, ELSEWHERE)
    left = [trial.config for trial in trials if states[trial.name] in (BEGUN, NEW)]
    if left:
        n_workers = min(at_a_time or 1, len(left))
        largest = sorted(map(bytes_of_replay, left))[-n_workers:]
        print_memory(console, sum(largest), f"{format_count(n_workers, 'trial')} at a time")
        print_time(console, [[config] for config in left], n_workers)
    if at_a_time is None:
        console.print("The launcher decides how many trials run at a time; this estimate assumes one.")
    console.print(NOTHING_DONE)


def make_console() -> Console:
    return Console(markup=False, highlight=False, soft_wrap=True)


def print_memory(console: Console, needed: int, of_what: str) -> None:
    free = free_bytes()
    room = "" if free is None else f"; {format_bytes(free)} is free"
    console.print(f"Memory: {format_bytes(needed)} for the replays of {of_what}{room}.")


def print_time(console: Console, pieces: Sequence[Sequence[Config]], n_workers: int) -> None:
    """Print how long `pieces` take. Each worker does one piece at a time, its trials one after another."""
    configs = [config for piece in pieces for config in piece]
    n_kinds = len(set(map(kind, configs)))
    try:
        with console.status("Measuring a second of training ..."):
            paces = measure_kinds(configs, n_workers)
    except NoPaceError as error:
        console.print(f"Time: unknown, because the measured training failed: {error}", style="bold red")
        return
    least, most = (
        together([sum(trial_seconds(config, paces)[end] for config in piece) for piece in pieces], n_workers)
        for end in (0, 1)
    )
    console.print(f"Time: {_span(least, most)} with {format_count(n_workers, 'worker')}.")
    console.print(_basis(paces, n_kinds, any(config.convergence.stop for config in configs)))


def _span(least: float, most: float) -> str:
    if math.isinf(most):
        return f"at least {format_duration(least)}"
    if most < 1.2 * least or most < 1:
        return f"about {format_duration(math.ceil(most))}"
    return f"about {format_duration(least)} to {format_duration(most)}"


def _basis(paces: Mapping[str, Pace], n_kinds: int, may_stop: bool) -> str:
    """The text that explains the estimate."""
    speeds = sorted(1 / pace.step for pace in paces.values())
    ends = dict.fromkeys(format_number(float(f"{speed:.3g}")) for speed in (speeds[0], speeds[-1]))
    measured = "the first configuration" if n_kinds == 1 else f"the first of each of {n_kinds} kinds"
    if n_kinds > MOST_KINDS:
        measured = f"{MOST_KINDS} of {n_kinds} kinds, with the slowest pace for the others,"
    sooner = " Trials that converge end sooner." if may_stop else ""
    return (
        f"An estimate, from a second of training of {measured} ({' to '.join(ends)} steps/s), with "
        f"episodes as long as in that second up to as long as the time limit allows.{sooner}"
    )


def _state(config: Config, directory: Path) -> str:
    if is_over(config, directory):
        return FINISHED_ONE
    return NEW if read_result(directory) is None else BEGUN


def _print_configurations(
    console: Console, trials: Sequence[PlannedTrial], states: Mapping[str, str]
) -> None:
    """Print one row for each configuration: its values of what varies, its seeds, and its trials' states."""
    groups: dict[tuple[str, ...], list[PlannedTrial]] = {}
    for trial in trials:
        groups.setdefault(without_seed(trial), []).append(trial)
    constant = set.intersection(*map(set, groups))
    names = list(dict.fromkeys(_key(o) for group in groups for o in group if o not in constant))
    rows = []
    for group, members in list(groups.items())[:MOST_ROWS]:
        values = {_key(override): override.partition("=")[2] for override in group}
        counts = Counter(states[trial.name] for trial in members)
        state_counts = ", ".join(f"{counts[state]} {state}" for state in counts)
        seeds = list_seeds(trial.config.seed for trial in members)
        rows.append(
            {**{name: values.get(name, "–") for name in names}, "seeds": seeds, "trials": state_counts}
        )
    print_rows(console, rows)
    if len(groups) > MOST_ROWS:
        console.print(f"and {len(groups) - MOST_ROWS} more configurations")


def list_seeds(seeds: Iterable[int]) -> str:
    """The seeds as text: "0-4" for 0, 1, 2, 3, 4; more than `MOST_SEEDS` others are only counted."""
    known = sorted(seeds)
    first, last = known[0], known[-1]
    if len(known) > 2 and known == list(range(first, last + 1)):
        return f"{first}-{last}"
    if len(known) > MOST_SEEDS:
        return f"{len(known)} from {first} to {last}"
    return ", ".join(map(str, known))


def _key(override: str) -> str:
    return dotted(override).partition("=")[0].lstrip("+")
