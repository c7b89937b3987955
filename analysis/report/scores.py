"""Scores over several environments in words and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analysis.estimates.describe import Table, with_interval
from analysis.estimates.environments import Estimate
from analysis.estimates.scores import Profiles, Scores, Tuning
from analysis.estimates.sensitivity import SHARE, Sensitivity
from analysis.wording import estimate_text, hundredths
from dqn_exp.text import format_count


def sentences(scores: Scores) -> Iterator[str]:
    """The gain from tuning for each environment, or why it is not reported."""
    if not isinstance(scores.tuning, Tuning):
        if scores.tuning:
            yield f"The gain from tuning for each environment is not shown: {scores.tuning}."
        return
    axes, whole, _, n_seeds, n_environments = scores.tuning
    no_loss = "" if whole.loss.interval[0] > 0 else "; no loss was shown"
    yield (
        f"With {' and '.join(axis.name for axis in axes)} tuned for each of {n_environments} environments, "
        f"the mean score is {_estimate_text(whole.per_environment)}; with the best single setting, it is "
        f"{_estimate_text(whole.one_for_all)}. The sensitivity (the loss with one setting for all of them) "
        f"is {_estimate_text(whole.loss)}{no_loss} ({n_seeds} seeds; one half chose the settings, the other "
        "scored them)."
    )
    enough = whole.effective_dimensionality
    if enough is not None:
        yield (
            f"Effective dimensionality: to reach {SHARE:.0%} of the score of full tuning, {enough} of "
            f"{format_count(len(axes), 'hyperparameter')} had to be tuned for each environment."
        )


def _estimate_text(one: Estimate) -> str:
    return estimate_text(one.value, one.interval, hundredths)


def profile_table(profiles: Profiles) -> Table:
    return [
        {
            profiles.axis.name: value,
            "n": len(rows),
            "score": score,
            **with_interval("share", share, (low, high)),
        }
        for value, rows, profile in zip(profiles.axis.values, profiles.rows, profiles.profiles, strict=True)
        for score, share, low, high in zip(*profile, strict=True)
    ]


def tuning_table(tuning: Tuning) -> Table:
    """One row for all settings, and one for the settings with each value of each hyperparameter."""
    whole = {
        "fixed": "nothing",
        "value": "",
        "effective_dimensionality": tuning.whole.effective_dimensionality,
    }
    rows = [{**whole, **_record(tuning.whole, tuning.n_seeds)}]
    for axis, value, sensitivity in tuning.variants:
        rows.append(
            {"fixed": axis.name, "value": axis.labels()[value], **_record(sensitivity, tuning.n_seeds)}
        )
    return rows


def _record(sensitivity: Sensitivity, n_seeds: int) -> dict[str, Any]:
    return {
        "seeds": n_seeds,
        **with_interval("sensitivity", *sensitivity.loss),
        **with_interval("per_environment", *sensitivity.per_environment),
        **with_interval("one_for_all", *sensitivity.one_for_all),
    }
