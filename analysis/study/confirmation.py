"""Tests each winner of a study against the default configuration, on fresh seeds.

The test is the same as for a sweep (`estimates.blocked`): the two configurations are permuted within seeds.
Times to convergence are tested by log-rank scores, returns by their values, or by their ranks if one is
infinite. Over several environments, the scores of each environment are divided by their norm and added; a
seed is permuted alike in all environments (as in `estimates.environments`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Literal, NamedTuple

import numpy as np

from analysis.estimates import blocked
from analysis.estimates import statistics as st
from analysis.estimates.blocked import PValue, Shuffler
from analysis.estimates.describe import Table
from analysis.estimates.statistics import TESTED_FROM
from analysis.study import infinite
from dqn_exp import scores
from dqn_exp.scores import NO_INTERVAL, Floats, Interval
from dqn_exp.study.storage import score_name

FEWEST_FOR_INTERVAL = 3
"""The fewest seeds for an interval of a mean; with two, it would reach 13 standard errors to either side."""

ConfirmationVerdict = Literal[
    "better", "worse", "neither is better throughout", "no difference shown", "the same", ""
]
ConfirmationRecord = Mapping[str, Any]
"""The record that `dqn_exp.study.confirm` writes."""
ConfirmedRow = Mapping[str, Any]
"""One configuration in this record."""


class Against(NamedTuple):
    """A winner compared with the default on one objective, paired by seed."""

    difference: float
    """Mean of winner minus default; NaN if a score is infinite."""
    interval: Interval
    correlation: float
    """Correlation of the pairs."""
    p: PValue | None = None
    """p-value of this comparison alone; None if there is no test."""
    p_holm: float = np.nan
    """p-value corrected for the number of tests (Holm 1979)."""
    verdict: ConfirmationVerdict = ""
    """Without a test, empty or "the same"."""

    def numbers(self) -> dict[str, float]:
        return {
            "difference": self.difference,
            "difference_low": self.interval[0],
            "difference_high": self.interval[1],
            "correlation": self.correlation,
            "p": self.p.p if self.p else np.nan,
            "p_holm": self.p_holm,
        }


NO_DIFFERENCE = Against(np.nan, NO_INTERVAL, np.nan)


class Confirmed(NamedTuple):
    """A confirmation, and its comparisons of winners with the default."""

    content: ConfirmationRecord
    against: Mapping[tuple[str, str], Against]
    """For the names of objective and winner, the comparison. With several environments, objectives in each
    single environment are included."""

    @property
    def default(self) -> ConfirmedRow:
        row: ConfirmedRow = self.content["configurations"][0]
        return row

    @property
    def winners(self) -> Sequence[ConfirmedRow]:
        rows: Sequence[ConfirmedRow] = self.content["configurations"][1:]
        return rows

    @property
    def searched(self) -> list[str]:
        """The objectives of the search. Other objectives are only described."""
        rows = self.content["configurations"]
        return [name for name in self.content["objectives"] if any(name in row["search"] for row in rows)]

    @property
    def environments(self) -> Sequence[str]:
        """Names of the environments; empty if there is only one."""
        names: Sequence[str] = self.content.get("environments", ())
        return names

    def parts(self, name: str) -> list[str]:
        """The names of an objective in each environment."""
        return [score_name(name, environment) for environment in self.environments] or [name]

    def shown(self) -> list[str]:
        """The names of what is drawn: all objectives, and those of the search in each environment."""
        parts = {name: self.parts(name) for name in self.searched}
        return list(dict.fromkeys(n for o in self.content["objectives"] for n in (o, *parts.get(o, ()))))

    @property
    def n_seeds(self) -> int:
        return len(self.content["seeds"])

    @property
    def n_tests(self) -> int:
        return len(self.searched) * len(self.winners)

    @property
    def smallest_p(self) -> float:
        """The smallest p that is possible after Holm's correction."""
        return min(1.0, self.n_tests * blocked.smallest_p(self.n_seeds))

    @property
    def tested_from(self) -> int:
        """The fewest seeds with which this number of tests can be significant."""
        enough = (n for n in count(TESTED_FROM) if self.n_tests * blocked.smallest_p(n) < st.SIGNIFICANT)
        return next(enough)

    def score(self, row: ConfirmedRow, name: str) -> float:
        """The score on fresh seeds, aggregated as in the search: first over seeds, then over environments."""
        return float(
            np.mean([self.score_in(row, name, environment) for environment in self.environments or ("",)])
        )

    def score_in(self, row: ConfirmedRow, name: str, environment: str) -> float:
        """The score in one environment; the mean over seeds if `name` was not an objective of the search."""
        kind = self.content["aggregate"] if name in self.searched else "mean"
        values = row["scores"][score_name(name, environment)]
        return scores.aggregate(values, kind, self.content["objectives"][name])

    def cause_of_infinite(self, row: ConfirmedRow, name: str) -> str:
        """Why a configuration or the default has infinite scores on an objective, over all environments."""
        pair, parts = (self.default, row), self.parts(name.partition(".")[0])
        values = np.array([each["scores"][part] for each in pair for part in parts], dtype=np.float64)
        n_infinite = int(np.count_nonzero(~np.isfinite(values)))
        return infinite.cause(n_infinite, sum(each["diverged"] for each in pair))

    def table(self) -> Table:
        """One row per objective and configuration; with several environments, also one for each."""
        return [
            self._row(name, environment, row)
            for name in self.content["objectives"]
            for environment in ("", *self.environments)
            for row in self.content["configurations"]
        ]

    def _row(self, name: str, environment: str, row: ConfirmedRow) -> dict[str, Any]:
        score = score_name(name, environment)
        one = self.against.get((score, row["name"]), NO_DIFFERENCE)
        return {
            "objective": name,
            **({"environment": environment or "all"} if self.environments else {}),
            "configuration": row["name"],
            "seeds": self.n_seeds,
            "search": row["search"].get(score),
            "fresh_seeds": self.score_in(row, name, environment) if environment else self.score(row, name),
            "diverged": row["diverged"],
            **one.numbers(),
            "verdict": one.verdict,
        }

    def differences(self) -> list[dict[str, dict[str, float | None]]]:
        """For each configuration, its differences from the default by objective; None for NaN and inf."""
        return [
            {name: _plain(one) for (name, who), one in self.against.items() if who == row["name"]}
            for row in self.content["configurations"]
        ]


def _plain(one: Against) -> dict[str, float | None]:
    """The numbers of a comparison, by the names under which studies record them."""
    named = zip(("mean", "low", "high", "correlation", "p", "p_holm"), one.numbers().values(), strict=True)
    return {name: float(value) if np.isfinite(value) else None for name, value in named}


def compare(content: ConfirmationRecord) -> Confirmed:
    """Compare each winner with the default."""
    confirmation = Confirmed(content, {})
    pairs = {
        (name, row["name"]): _pair(confirmation, name, confirmation.parts(name), row)
        for name in content["objectives"]
        for row in confirmation.winners
    }
    against = {key: pair.described() for key, pair in pairs.items()}
    for (name, who), pair in pairs.items():
        for part, scored in zip(confirmation.parts(name), pair.parts, strict=True):
            against.setdefault((part, who), described(scored.scores))
    if confirmation.n_seeds >= confirmation.tested_from:
        shuffler, level = (
            Shuffler(np.random.default_rng(0)),
            1 - 2 * st.SIGNIFICANT / max(1, confirmation.n_tests),
        )
        p = {key: pair.p_value(shuffler) for key, pair in pairs.items() if key[0] in confirmation.searched}
        for key, p_holm in zip(p, st.holm([one.p for one in p.values()]).tolist(), strict=True):
            differs = pairs[key].direction(level) if p_holm < st.SIGNIFICANT else "no difference shown"
            verdict = against[key].verdict or differs
            against[key] = against[key]._replace(p=p[key], p_holm=p_holm, verdict=verdict)
    return confirmation._replace(against=against)


class EnvironmentScores(NamedTuple):
    """The default and a winner in one environment, with the same seeds."""

    scores: Floats
    """[2, seeds]; the default comes first."""
    converged: Floats | None
    """Did each trial converge? [2, seeds]; None if the scores are not times."""

    def goodness(self, is_minimised: bool) -> Floats:
        """The goodness of each trial: [2, seeds]; larger is better, and the sum is 0."""
        if self.converged is not None:
            times, events = self.scores.ravel(), self.converged.ravel()
            return blocked.log_rank_scores(times, events, np.zeros(len(times))).reshape(self.scores.shape)
        values = -self.scores if is_minimised else self.scores
        if not np.isfinite(values).all():
            values = _ranks(values.ravel()).reshape(values.shape)
        return np.asarray(values - values.mean())


class WinnerAndDefault(NamedTuple):
    """The default and a winner on one objective."""

    scores: Floats
    """Means over environments: [2, seeds]; the default comes first."""
    parts: Sequence[EnvironmentScores]
    """One part for each environment."""
    is_minimised: bool

    def described(self) -> Against:
        return described(self.scores)

    def p_value(self, shuffler: Shuffler) -> PValue:
        values, n_seeds = self.goodness(), self.scores.shape[1]
        zeros, seeds = np.zeros(values.size, dtype=np.int64), np.tile(np.arange(n_seeds), 2)
        trials = blocked.Trials(
            self.scores.ravel(), zeros.astype(float), np.repeat([0, 1], n_seeds), seeds, zeros
        )
        comparison = blocked.Comparison(trials, True, np.ones(values.size, dtype=bool))
        return shuffler.p_value_of(values.ravel(), comparison, blocked.largest_difference)

    def goodness(self) -> Floats:
        """The sum of the parts' goodness, each divided by its norm: [2, seeds]."""
        goodness_of_parts = [part.goodness(self.is_minimised) for part in self.parts]
        return np.asarray(sum(values / (np.linalg.norm(values) or 1.0) for values in goodness_of_parts))

    def direction(self, level: float) -> ConfirmationVerdict:
        """The direction of a difference: the sign of `goodness`, if the ratio of restricted means agrees."""
        default, winner = self.goodness().sum(axis=1)
        ratio = NO_INTERVAL
        if all(part.converged is not None for part in self.parts):
            ratio = st.mean_ratio(self.scores[1], self.scores[0], paired=True, level=level).interval
        words: dict[str, ConfirmationVerdict] = {"faster": "better", "slower": "worse"}
        return words.get(blocked.direction(winner - default, ratio), "neither is better throughout")


def described(both: Floats) -> Against:
    """The winner's scores minus the default's, from `both` [2, seeds] (default first), without a test."""
    y, x = both
    if not np.isfinite(both).all():
        return NO_DIFFERENCE
    paired = scores.paired_difference(x, y)
    verdict: ConfirmationVerdict = "the same" if np.array_equal(x, y) else ""
    return Against(paired.difference, interval(x - y), paired.correlation, verdict=verdict)


def _pair(confirmation: Confirmed, name: str, parts: Sequence[str], row: ConfirmedRow) -> WinnerAndDefault:
    pair = confirmation.default, row
    return WinnerAndDefault(
        _scores(pair, name),
        [EnvironmentScores(_scores(pair, part), _converged(pair, part)) for part in parts],
        confirmation.content["objectives"][name] == "minimize",
    )


def _scores(pair: Sequence[ConfirmedRow], name: str) -> Floats:
    return np.array([row["scores"][name] for row in pair], dtype=np.float64)


def _converged(pair: Sequence[ConfirmedRow], name: str) -> Floats | None:
    events = [row.get("converged", {}).get(name) for row in pair]
    return None if None in events else np.array(events, dtype=np.float64)


def _ranks(x: Floats) -> Floats:
    """Ranks: the number of smaller values, and half of the equal ones: [n]. Infinite values have one too."""
    return np.asarray((x[:, None] > x).sum(axis=1) + (x[:, None] == x).sum(axis=1) / 2)


def interval(values: Floats, bounds: Interval | None = None) -> Interval:
    """95% interval of the mean of `values` [seeds]: within `bounds` if they are known, else Student's t.

    There is no interval below `FEWEST_FOR_INTERVAL` seeds, or for unbounded values without spread.
    """
    if len(values) < FEWEST_FOR_INTERVAL or (bounds is None and np.ptp(values) == 0):
        return NO_INTERVAL
    return st.mean_interval(values, np.random.default_rng(0), bounds=bounds)
