"""Turns series of logged numbers, each with its name, into the curves of a trial."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports.trial import Columns, ImportedTrial, RunFacts
from analysis.records import Value
from dqn_exp.scores import Floats

CLEANRL, TIANSHOU, BASELINES, OURS = "CleanRL", "Tianshou", "stable-baselines3", "dqn_exp"
STEP = "step"
"""The name of the log's own step counter."""


class SeriesPoints(NamedTuple):
    steps: Floats
    """The log's own step counter: [m]."""
    values: Floats  # [m]


class Known(NamedTuple):
    """The name of a series, and the program that uses it."""

    name: str
    program: str


RETURN = (
    Known("charts/episodic_return", CLEANRL),
    Known("train/reward", TIANSHOU),
    Known("train/returns_stat/mean", TIANSHOU),
    Known("training/returns_stat/mean", TIANSHOU),
)
LENGTH = (
    Known("charts/episodic_length", CLEANRL),
    Known("train/length", TIANSHOU),
    Known("train/lens_stat/mean", TIANSHOU),
    Known("training/lens_stat/mean", TIANSHOU),
)
MEAN_RETURN = (
    Known("eval/mean_reward", BASELINES),
    Known("test/reward", TIANSHOU),
    Known("test/returns_stat/mean", TIANSHOU),
)
STD_RETURN = (
    Known("eval/std_reward", OURS),
    Known("test/reward_std", TIANSHOU),
    Known("test/returns_stat/std", TIANSHOU),
)
ROLES = {"return": RETURN, "length": LENGTH, "mean_return": MEAN_RETURN, "std_return": STD_RETURN}
"""For each of our columns, the known names of series, in order of preference."""
OF_OURS = {"eval/std_reward", "losses/grad_norm"}
"""Series that only our own trackers write; all others have the names of CleanRL and stable-baselines3."""
FINAL = "final/mean_reward"
"""The series of our trackers with one entry, of the greedy episodes after training."""
EVERY_EPISODE = "charts/episodic_return"
"""A series with one entry per training episode, so that episodes can be counted."""
COLUMNS = (*ROLES, "env_step", "episode")
"""The columns that --columns may name here."""


@dataclass(frozen=True)
class Logged:
    """One run with its logged series."""

    name: str
    path: Path
    source: str
    """Name of the program if no series has a known name."""
    config: Mapping[str, Value]
    seed: int | None
    series: Mapping[str, SeriesPoints]
    complete: bool = True
    """Does the log hold every logged point, not only a sample?"""
    status: str = "exhausted"
    cause: str | None = None


def to_trial(logged: Logged, facts: RunFacts) -> ImportedTrial:
    """The trial of a log. Raises AnalysisError if the log has no returns."""
    names = {role: _series_name(logged, facts, role, known) for role, known in ROLES.items()}
    if names["return"] is None and names["mean_return"] is None:
        raise AnalysisError(
            f"{logged.path}: no returns among {_listed(logged.series)}; allowed: known names "
            f"({_listed(known.name for known in (*RETURN, *MEAN_RETURN))}), or your own by --columns "
            f"return=NAME (training episodes) or mean_return=NAME (evaluations)"
        )
    clock = "episode" if facts.columns.get("episode") == STEP else "env_step"
    return ImportedTrial(
        logged.name,
        _program(logged),
        logged.path,
        logged.config,
        logged.seed,
        _curve(logged, clock, {role: names[role] for role in ("return", "length")}),
        _curve(logged, clock, {role: names[role] for role in ("mean_return", "std_return")}),
        logged.status,
        logged.cause,
        float(logged.series[FINAL].values[-1]) if FINAL in logged.series else None,
    )


def check_columns(facts: RunFacts, allowed: Iterable[str]) -> None:
    """Raise AnalysisError if --columns names a column that is not `allowed`."""
    for role in facts.columns:
        if role not in allowed:
            raise AnalysisError(f"--columns {role}=...; allowed here: {', '.join(allowed)}")


def _series_name(logged: Logged, facts: RunFacts, role: str, known: tuple[Known, ...]) -> str | None:
    """The name of the series for `role`; None if there is none."""
    own = facts.columns.get(role)
    if own is not None and own not in logged.series:
        raise AnalysisError(
            f"{logged.path}: --columns {role}={own}: nothing was logged under that name; "
            f"allowed: {_listed(logged.series)}"
        )
    return own or next((each.name for each in known if each.name in logged.series), None)


def is_ours(names: Iterable[str]) -> bool:
    """Whether our own trackers wrote series of these names. Their step is the environment step."""
    return not OF_OURS.isdisjoint(names)


def _program(logged: Logged) -> str:
    if is_ours(logged.series):
        return OURS
    programs = (each.program for role in ROLES.values() for each in role if each.name in logged.series)
    return next(programs, logged.source)


def _curve(logged: Logged, clock: str, names: Mapping[str, str | None]) -> Columns:
    """The columns of a curve, by `names` of series.

    The first series gives the moments. Another one is used only if it has the same moments.
    """
    first = next(iter(names.values()))
    if first is None:
        return {}
    steps = logged.series[first].steps
    curve: dict[str, Floats] = {clock: steps}
    if first == EVERY_EPISODE and logged.complete and clock != "episode":
        curve["episode"] = np.arange(1.0, len(steps) + 1)
    for column, name in names.items():
        points = logged.series[name] if name else None
        if points is not None and np.array_equal(points.steps, steps):
            curve[column] = points.values
    return curve


def _listed(names: Iterable[str]) -> str:
    """Up to 12 of the names as text."""
    all_names = sorted(names)
    more = f" and {len(all_names) - 12} more" if len(all_names) > 12 else ""
    return (", ".join(all_names[:12]) or "nothing") + more
