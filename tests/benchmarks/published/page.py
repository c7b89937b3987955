"""The scores of both programs as a table in Markdown."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from dqn_exp.scores import NO_INTERVAL, Interval, t_interval
from tests.benchmarks.pages import table
from tests.benchmarks.published.trials import SCORES
from tests.benchmarks.published.works import WORKS

HEAD = ["", "RL Zoo reports", "score", "stable-baselines3", "ours", "ours minus theirs"]


def results(scores: pd.DataFrame) -> str:
    """Means, deviations and intervals of both sides and of their difference, and who reached them."""
    trained = [name for name in WORKS if name in set(scores["environment"])]
    rows = (_row(scores[scores["environment"] == name], name, score) for name in trained for score in SCORES)
    programs = scores.groupby("side")["program"].unique()
    told = "; ".join(f"{side}: {', '.join(names)}" for side, names in programs.items())
    return "\n".join([*table(HEAD, rows), f"Trained by {told}."])


def _row(scores: pd.DataFrame, name: str, score: str) -> list[str]:
    theirs, ours = (scores[score][scores["side"] == side].to_numpy() for side in ("sb3", "ours"))
    published = WORKS[name].published if score == "greedy" else ""
    told = [distribution(theirs), distribution(ours), difference(ours, theirs)]
    return [WORKS[name].env_id, published, SCORES[score], *told]


def distribution(scores: np.ndarray) -> str:
    """Mean ± standard deviation, Student's 95% interval of the mean, and how many."""
    if not scores.size:
        return "-"
    deviation = f" ± {scores.std(ddof=1):.1f}" if scores.size > 1 else ""
    return f"{scores.mean():.1f}{deviation}{_between(t_interval(scores))}, n = {scores.size}"


def difference(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Of their means, with Welch's 95% interval."""
    if not (ours.size and theirs.size):
        return "-"
    return f"{ours.mean() - theirs.mean():.1f}{_between(welch_interval(ours, theirs))}"


def welch_interval(x: np.ndarray, y: np.ndarray) -> Interval:
    """95% interval of mean(x) - mean(y) (Welch 1947); none below two of each, or without any spread."""
    if min(x.size, y.size) < 2 or x.std() + y.std() == 0:
        return NO_INTERVAL
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        # SciPy's, where all scores of one side are equal: its variance is 0
        low, high = ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    return float(low), float(high)


def _between(interval: Interval) -> str:
    return "" if np.isnan(interval[0]) else f" ({interval[0]:.1f} to {interval[1]:.1f})"
