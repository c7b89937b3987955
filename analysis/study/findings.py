"""What a study shows, in plain sentences: a claim only where fresh seeds are behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from optuna.trial import FrozenTrial

from analysis.study.data import StudyData
from analysis.study.importance import FEWEST, Importances
from dqn_exp.scores import aggregate
from dqn_exp.text import format_number

STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}


def overview(study: StudyData) -> Iterator[str]:
    ends = Counter(trial.state.name for trial in study.trials)
    counts = ", ".join(f"{ends[state]} {word}" for state, word in STATES.items() if ends[state])
    searched = ", ".join(parameter.name for parameter in study.parameters) or "nothing that varies"
    yield f"{len(study.trials)} proposals ({counts}) over {searched}."
    diverged = [t for t in study.trials if "diverged" in t.user_attrs.get("statuses", [])]
    if diverged:
        yield f"In {len(diverged)} of them at least one seed diverged, which counts as the worst outcome."
    for trial in study.front():
        scores = zip(study.goals, trial.values, strict=True)
        told = ", ".join(f"{goal.name} {format_number(value)}" for goal, value in scores)
        yield f"Best in the search: proposal {trial.number} with {told}."
    if not study.finite:
        yield "No proposal has a finite score."


def claims(study: StudyData, found: Mapping[str, Importances | None]) -> Iterator[str]:
    yield from _confirmed(study)
    for name, importance in found.items():
        if importance is None:
            needed = f"{FEWEST} complete proposals and two parameters"
            yield f"Importances for {name} are not shown: that takes {needed}."
        elif above := importance.above():
            yield f"What mattered for {name} beyond chance, taken by itself: {', '.join(above)}."
        else:
            yield f"No parameter mattered for {name} more than shuffled scores would show."


def _confirmed(study: StudyData) -> Iterator[str]:
    content = study.confirmation
    if content is None:
        yield (
            "Nothing was confirmed on fresh seeds: the best score is the best of many noisy ones and so too "
            "good, and by how much nobody knows."
        )
        return
    best = content["configurations"][1]
    for name, direction in content["objectives"].items():
        yield _sentence(content, best, name, direction)


def _sentence(content: Mapping[str, Any], row: Mapping[str, Any], name: str, direction: str) -> str:
    seeds, difference = len(content["seeds"]), row["difference"][name]
    subject = f"On {seeds} fresh seeds, {name} of proposal {int(row['name'])}"
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    if mean is None:
        return f"{subject} cannot be compared by a mean: a seed diverged, of it or of the default."
    if low is None or high is None:
        return f"{subject} less the default's is {_signed(mean)}; one seed gives no interval."
    better = high < 0 if direction == "minimize" else low > 0
    worse = low > 0 if direction == "minimize" else high < 0
    verdict = "better" if better else "worse" if worse else "not clearly different"
    return (
        f"{subject} is {verdict}: less the default's it is {_signed(mean)} [{_signed(low)}, {_signed(high)}]."
    )


def confirmation_rows(study: StudyData) -> Iterator[dict[str, str]]:
    """One row per objective and configuration."""
    content = study.confirmation
    if content is None:
        return
    for name in content["objectives"]:
        for row in content["configurations"]:
            scores, search = row["scores"][name], row["search"].get(name)
            yield {
                "objective": name,
                "configuration": row["name"] if row["name"] == "default" else f"proposal {int(row['name'])}",
                "search": "–" if search is None else format_number(search),
                "confirmed": format_number(_confirmed_score(scores, content, name)),
                "difference": "–" if row["name"] == "default" else _interval(row["difference"][name]),
                "diverged": str(row["diverged"]),
            }


def _confirmed_score(scores: list[float], content: Mapping[str, Any], name: str) -> float:
    """As the search aggregated seeds, where it searched for `name`; the mean elsewhere."""
    searched = any(name in row["search"] for row in content["configurations"])
    kind = content["aggregate"] if searched else "mean"
    return aggregate(scores, kind, content["objectives"][name])


def note(trial: FrozenTrial) -> str:
    attributes = trial.user_attrs
    if "cause" in attributes:
        return str(attributes["cause"])
    if "pruned_at" in attributes:
        return f"pruned at environment step {attributes['pruned_at']}"
    diverged = attributes.get("statuses", []).count("diverged")
    return f"{diverged} seeds diverged" if diverged else ""


def _interval(difference: Mapping[str, float | None]) -> str:
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    if mean is None:
        return "a seed diverged"
    return _signed(mean) + (
        f" [{_signed(low)}, {_signed(high)}]" if low is not None and high is not None else ""
    )


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + format_number(value)
