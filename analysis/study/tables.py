"""A study for use from Python: a table of proposals, the best values, and a summary for a notebook."""

from __future__ import annotations

import io
from typing import Any

import optuna
import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser

from analysis.report import paint, render_page
from analysis.study import findings
from analysis.study.data import read_study
from analysis.study.report import plots
from dqn_exp.config import dotted
from dqn_exp.study.storage import parameters, trials_csv_of, typed
from dqn_exp.text import format_number, format_value

SHOWN = 5
"""Number of proposals in the summary; the best come first."""


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """One row per trial of the study's storage; `counted` is false if it was asked for again."""
    names = [goal.name for goal in read_study(study).goals]
    text = trials_csv_of(study.get_trials(deepcopy=False), names)
    return pd.read_csv(io.StringIO(text), float_precision="round_trip")


def best_values(study: optuna.Study) -> dict[str, Any]:
    """The parameters of the best proposal by dotted key, as plain values; empty if none has a score."""
    best = read_study(study).front()[:1]
    return {dotted(key): _plain(value) for trial in best for key, value in parameters(trial).items()}


def _plain(value: Any) -> Any:
    """The value that the text of a choice stands for: "[64,64]" becomes [64, 64]."""
    known = typed(value)
    if not isinstance(known, str):
        return known
    parsed = OverridesParser.create().parse_override(f"value={known}").value()
    return parsed if isinstance(parsed, list | dict) else known


def inline(study: optuna.Study) -> str:
    """A piece of HTML with the best proposals and a figure of the search."""
    data = read_study(study)
    ordered = sorted(data.finite, key=lambda trial: data.goals[0].losses([trial])[0])[:SHOWN]
    rows = [
        {
            "proposal": str(trial.number),
            **{goal.name: format_number(trial.values[goal.index]) for goal in data.goals},
            **{dotted(key): format_value(typed(value)) for key, value in parameters(trial).items()},
        }
        for trial in ordered
    ]
    picture = next(
        (paint(plot) for plot in plots(data, {goal.name: None for goal in data.goals}, None)), None
    )
    return render_page(
        "inline.html.j2",
        title=f"Study {data.name}",
        sentences=list(findings.overview(data)),
        rows=rows,
        picture=picture and picture.lighter(),
    )
