"""The findings of a study in sentences. Claims rest on tests, of winners (on fresh seeds) or importances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from analysis.study import environments
from analysis.study.confirmation import FEWEST_FOR_INTERVAL, Confirmed
from analysis.study.data import Goal, StudyData
from analysis.study.importance import FEWEST, Importances, Tested
from analysis.study.infinite import n_diverged, n_without_score
from analysis.wording import estimate_text, p_number, p_value
from dqn_exp.text import format_count, format_number

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
NOTHING = "–"


def overview(study: StudyData) -> Iterator[str]:
    ends = Counter(trial.state.name for trial in study.trials)
    counts = ", ".join(f"{ends[state]} {word}" for state, word in STATES.items() if ends[state])
    searched = ", ".join(parameter.name for parameter in study.parameters) or "nothing that varies"
    yield f"{format_count(len(study.trials), 'proposal')} ({counts}) over {searched}."
    if study.environments:
        yield (
            f"Each was trained on all of {', '.join(study.environments)}, and scored by its mean over them, "
            f"on the scale of each: {'; '.join(map(_scale, study.goals))}."
        )
    diverged = sum(n_diverged(trial) > 0 for trial in study.trials)
    if diverged:
        yield f"In {diverged} of them at least one seed diverged, which counts as the worst outcome."
    without_score = sum(n_without_score(trial) > 0 for trial in study.trials)
    if without_score:
        yield (
            f"In {without_score} of them at least one seed has no score, such as one that ended before its "
            "first evaluation, which counts as the worst outcome."
        )
    for trial in study.front():
        scores = zip(study.goals, trial.values, strict=True)
        scores_text = ", ".join(f"{goal.name} {format_number(value)}" for goal, value in scores)
        yield f"Best in the search: proposal {trial.number} with {scores_text}."
    if study.environments:
        yield from environments.worst_environments(study)
    if not study.finite:
        yield "No proposal has a finite score."


def _scale(goal: Goal) -> str:
    return f"{goal.name} ({environments.scale(goal)})"


def importances(by_goal: Mapping[str, Importances | None]) -> Iterator[str]:
    """The parameters that mattered for each objective."""
    for name, one in by_goal.items():
        if one is None:
            needed = f"{FEWEST} complete proposals and two parameters"
            yield f"Importances for {name} are not shown: they need {needed}."
        elif one.tested is None:
            yield (
                f"Importances for {name} are descriptive: only {one.n_independent} different proposals of "
                f"{one.n} are known not to depend on earlier scores, and a test needs {FEWEST}."
            )
        else:
            yield _tested_importances(name, one, one.tested)


def _tested_importances(name: str, importance: Importances, tested: Tested) -> str:
    what = "all of them" if tested.n == importance.n else "those that did not depend on earlier scores"
    of = f"of {tested.n} proposals ({what})"
    above = importance.above()
    if not above:
        return f"No parameter was shown to matter for {name} more than with shuffled scores, {of}."
    p = dict(zip(importance.names, tested.p, strict=True))
    listed = ", ".join(f"{parameter} ({p_value(float(p[parameter]))})" for parameter in above)
    return f"Mattered for {name} beyond chance, {of}: {listed}."


def confirmed(confirmation: Confirmed | None) -> Iterator[str]:
    """The results of the winners on fresh seeds. `confirmation` is None if there was none."""
    if confirmation is None:
        yield (
            "Nothing was confirmed on fresh seeds: the best score is the best of many noisy scores and "
            "therefore too good, by an unknown amount."
        )
        return
    if (number := confirmation.default.get("number")) is not None:
        yield f"Proposal {number} is the default configuration itself, and is not compared with it."
    for name in confirmation.searched:
        for row in confirmation.winners:
            yield _sentence(confirmation, row, name) + _environment_differences(confirmation, row, name)
    if confirmation.winners and confirmation.n_seeds < confirmation.tested_from:
        yield _too_few(confirmation)


def _sentence(confirmation: Confirmed, row: Mapping[str, Any], name: str) -> str:
    one = confirmation.against[name, row["name"]]
    subject = f"On {confirmation.n_seeds} fresh seeds, {name} of proposal {int(row['name'])}"
    if one.verdict == "the same":
        return f"{subject} equals the default's on every seed."
    by = f"minus the default's it is {_difference(confirmation, row, name)}"
    if np.isnan(one.difference):
        by = f"{confirmation.cause_of_infinite(row, name)}, so there is no mean difference"
    if one.p is None:
        return f"{subject} is not tested against the default: {by}."
    p_text = p_value(one.p_holm, one.p.is_floor)
    if one.verdict == "no difference shown":
        return f"{subject} is not shown to differ from the default's ({p_text}): {by}."
    if one.verdict == "neither is better throughout":
        return f"{subject} differs from the default's ({p_text}), and neither is better throughout: {by}."
    return f"{subject} is {one.verdict} than the default's ({p_text}): {by}."


def _environment_differences(confirmation: Confirmed, row: Mapping[str, Any], name: str) -> str:
    """The differences in each of several environments; these are not tested."""
    parts = zip(confirmation.environments, confirmation.parts(name), strict=False)
    differences = [f"{environment} {_difference(confirmation, row, part)}" for environment, part in parts]
    return f" By environment: {', '.join(differences)}." if differences else ""


def _too_few(confirmation: Confirmed) -> str:
    seeds = format_count(confirmation.n_seeds, "seed")
    many = f" and {confirmation.n_tests} comparisons" if confirmation.n_tests > 1 else ""
    fewer = f", an interval {FEWEST_FOR_INTERVAL}" if confirmation.n_seeds < FEWEST_FOR_INTERVAL else ""
    return (
        f"{seeds}{many} cannot give a p below {p_number(confirmation.smallest_p)}: these results only "
        f"describe. A test needs {confirmation.tested_from} seeds{fewer}."
    )


def confirmation_rows(confirmation: Confirmed, name: str) -> list[dict[str, str]]:
    """One row per configuration, for one objective."""
    return [
        _confirmation_row(confirmation, row, name) for row in (confirmation.default, *confirmation.winners)
    ]


def _confirmation_row(confirmation: Confirmed, row: Mapping[str, Any], name: str) -> dict[str, str]:
    number, search = row.get("number"), row["search"].get(name)
    configuration = row["name"] if row["name"] == "default" else f"proposal {int(row['name'])}"
    if row["name"] == "default" and number is not None:
        configuration = f"default (proposal {number})"
    one = confirmation.against.get((name, row["name"]))
    return {
        "configuration": configuration,
        "search": NOTHING if search is None else format_number(search),
        "fresh seeds": format_number(confirmation.score(row, name)),
        **{each: format_number(confirmation.score_in(row, name, each)) for each in confirmation.environments},
        "minus the default [95%]": NOTHING if one is None else _difference(confirmation, row, name),
        "p": NOTHING if one is None or one.p is None else p_number(one.p_holm, one.p.is_floor),
        "diverged": str(row["diverged"]),
    }


def _difference(confirmation: Confirmed, row: Mapping[str, Any], name: str) -> str:
    """The mean of a winner's scores minus the default's, or why there is none."""
    one = confirmation.against[name, row["name"]]
    if np.isnan(one.difference):
        return confirmation.cause_of_infinite(row, name)
    return estimate_text(one.difference, one.interval, _signed)


def note(trial: FrozenTrial) -> str:
    attributes = trial.user_attrs
    if "cause" in attributes:
        return str(attributes["cause"])
    if "pruned_at" in attributes:
        return f"pruned at environment step {attributes['pruned_at']}"
    seeds = {"diverged": n_diverged(trial), "without a score": n_without_score(trial)}
    return ", ".join(f"{format_count(n, 'seed')} {outcome}" for outcome, n in seeds.items() if n)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + format_number(value)
