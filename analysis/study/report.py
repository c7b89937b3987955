"""One page about a study: the search space, the results, and their reliability."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from analysis.records import slug, to_csv
from analysis.report import Picture, Plot, SubjectSentences, first_screen, paint_all, publish, render_page
from analysis.study import environments, figures, findings
from analysis.study.confirmation import Confirmed, compare
from analysis.study.data import Goal, StudyData, read_study
from analysis.study.importance import Importances, importances
from dqn_exp.study.storage import quiet, trials_csv_of, typed
from dqn_exp.text import format_number, format_value

CONTOUR_PARAMETERS = 3


def write_report(study: optuna.Study, output: Path) -> Path:
    """Write `index.html`, `figures/` and `tables/` into `output`; they replace those of an earlier report.

    Returns the path of the page.
    """
    quiet()
    data, rng = read_study(study), np.random.default_rng(0)
    by_goal = {goal.name: importances(data, goal, rng) for goal in data.goals}
    confirmed = compare(data.confirmation) if data.confirmation else None
    pictures = paint_all(list(plots(data, by_goal, confirmed)))
    tables = {"trials": trials_csv_of(study.get_trials(deepcopy=False), [goal.name for goal in data.goals])}
    tables |= {f"importances_{slug(name)}": to_csv(one.table()) for name, one in by_goal.items() if one}
    if confirmed:
        tables["confirmation"] = to_csv(confirmed.table())
    return publish(output, _render(data, by_goal, confirmed, pictures), pictures, tables)


def plots(
    study: StudyData, by_goal: dict[str, Importances | None], confirmed: Confirmed | None
) -> Iterator[Plot]:
    """The figures for which there is data, one goal after the other."""
    if confirmed is not None:
        for name in confirmed.shown():
            yield _plot_confirmation(confirmed.content, name)
    if not study.finite:
        return
    if len(study.goals) > 1:
        yield Plot(
            None,
            "pareto",
            "Objectives against each other",
            "Diamonds: no proposal is better in one objective without being worse in another.",
            lambda: figures.pareto(study),
        )
    for goal in study.goals:
        yield from _goal_plots(study, goal, by_goal[goal.name])


def _plot_confirmation(content: Mapping[str, Any], name: str) -> Plot:
    return Plot(
        name,
        f"confirmation_{slug(name)}",
        "Search against confirmation",
        "Triangles: the score in the search. Dots: the same configuration on seeds that the search did not "
        "use; diamonds: their mean with a 95% interval (from 3 seeds on). The search score of a winner is "
        "the best of many noisy scores and therefore too good.",
        lambda: figures.confirmation(content, name),
    )


def _goal_plots(study: StudyData, goal: Goal, importance: Importances | None) -> Iterator[Plot]:
    def plot(name: str, title: str, caption: str, draw: Callable[[], Figure]) -> Plot:
        return Plot(goal.name, f"{name}_{slug(goal.name)}", title, caption, draw)

    if study.environments:
        yield plot(
            "environments",
            "Environments",
            f"Score of each proposal in each environment ({environments.scale(goal)}).",
            lambda: figures.by_environment(study, goal),
        )
    yield plot(
        "history",
        "History",
        "Score of each proposal and the best so far.",
        lambda: figures.history(study, goal),
    )
    if any(trial.intermediate_values for trial in study.trials):
        yield plot(
            "intermediate",
            "Intermediate values",
            "What all seeds of each proposal together had reached at each moment. Red: the best proposal. "
            "Dashed, with a cross at the end: pruned there.",
            lambda: figures.intermediate_values(study, goal),
        )
    if importance is not None:
        yield plot(
            "importances",
            "Importances",
            "Share of the difference between good and other proposals that each parameter explains "
            f"(PED-ANOVA). The shares always sum to 1. {_tested(importance)}",
            lambda: figures.importance_bars(importance),
        )
    names = _leading(study, importance)
    if names:
        yield plot(
            "slices",
            "Slices",
            "Score against each parameter. Lighter dots are later proposals.",
            lambda: figures.slices(study, goal),
        )
    if len(names) > 1:
        yield plot(
            "contour",
            "Pairs of parameters",
            "Colour: the score, interpolated between the proposals (dots). Lighter is better.",
            lambda: figures.contour(study, goal, names),
        )
        yield plot(
            "parallel",
            "Parallel coordinates",
            "One line per proposal. Lighter and thicker lines are better.",
            lambda: figures.parallel_coordinates(study, goal),
        )


def _tested(importance: Importances) -> str:
    if importance.tested is None:
        return "These describe the search and are not tested: its proposals may depend on earlier scores."
    return (
        "A tested importance beyond the red line is larger than the largest importance in at least 19 of 20 "
        f"shuffles of the scores. Tested on the {importance.tested.n} different proposals that did not "
        "depend on earlier scores."
    )


def _leading(study: StudyData, importance: Importances | None) -> list[str]:
    """The parameters whose pairs are shown: the most important ones, if importances are known."""
    names = importance.names if importance is not None else [parameter.name for parameter in study.parameters]
    return names[:CONTOUR_PARAMETERS]


def _render(
    study: StudyData,
    by_goal: dict[str, Importances | None],
    confirmed: Confirmed | None,
    pictures: list[Picture],
) -> str:
    overview = list(findings.overview(study))
    claims = [*findings.confirmed(confirmed), *findings.importances(by_goal)]
    return render_page(
        "study.html.j2",
        study=study,
        goals=[goal.name for goal in study.goals],
        overview=overview,
        claims=claims,
        screen=first_screen([SubjectSentences("", [*overview, *claims], takeaway=len(overview))]),
        main=next(iter(pictures), None),
        pictures=pictures,
        confirmation=_confirmation_rows(confirmed) if confirmed else [],
        environments=[environments.rows(study, goal) for goal in study.goals] if study.environments else [],
        proposals=[_proposal_row(study, trial) for trial in _ordered(study)],
        parameters=[parameter.name for parameter in study.parameters],
        slug=slug,
    )


def _confirmation_rows(confirmed: Confirmed) -> list[dict[str, str]]:
    """The rows of all objectives."""
    return [
        {"objective": name, **row}
        for name in confirmed.content["objectives"]
        for row in findings.confirmation_rows(confirmed, name)
    ]


def _ordered(study: StudyData) -> list[FrozenTrial]:
    """Proposals with finite scores, sorted by the first goal (best first), then the others."""
    goal = study.goals[0]
    best = [study.finite[index] for index in np.argsort(goal.losses(study.finite), kind="stable")]
    return [*best, *(trial for trial in study.trials if trial not in best)]


def _proposal_row(study: StudyData, trial: FrozenTrial) -> dict[str, Any]:
    values = trial.values if trial in study.complete else [None] * len(study.goals)
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        "scores": ["" if value is None else format_number(value) for value in values],
        "params": [_shown(trial, parameter.name) for parameter in study.parameters],
        "note": findings.note(trial),
    }


def _shown(trial: FrozenTrial, name: str) -> str:
    """A parameter's value as text; a dash if the proposal does not have the parameter."""
    return format_value(typed(trial.params[name])) if name in trial.params else "–"
