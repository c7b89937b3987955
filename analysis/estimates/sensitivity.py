"""How much score is lost if one setting of the hyperparameters has to serve all environments.

Sensitivity and effective dimensionality (Adkins, Bowling & White 2024, https://arxiv.org/abs/2412.07165) of
normalised scores. If the same seeds choose and score a setting, its score is too high, and a loss is found
where there is none. Therefore one half of the seeds chooses the settings and the other half scores them,
then the reverse, over many random halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from analysis.estimates.environments import Estimate
from dqn_exp.scores import LEVEL, NO_INTERVAL, Floats

SENSITIVITY_FROM = 6
"""The fewest seeds that are split into halves to choose and to score."""
HALVES = 200
RESAMPLES = 200
HALVES_OF_EACH = 8
"""Random halves for each resample of the seeds."""
ROUNDING = 1e-12
SHARE = 0.95
"""Share of the fully tuned score that the effective dimensionality asks for."""


class Sensitivity(NamedTuple):
    """Mean scores over environments, and the loss of score."""

    tuned: list[Estimate]
    """Mean scores with 0, 1, ... all hyperparameters tuned in each environment. The other hyperparameters
    have the values of the best single setting."""
    loss: Estimate
    """The sensitivity: the score with everything tuned minus the score of the best single setting."""

    @property
    def one_for_all(self) -> Estimate:
        return self.tuned[0]

    @property
    def per_environment(self) -> Estimate:
        return self.tuned[-1]

    @property
    def effective_dimensionality(self) -> int | None:
        """The fewest tuned hyperparameters that reach 95% of the fully tuned score; None if that is <= 0."""
        wanted = SHARE * self.per_environment.value
        enough = [number for number, one in enumerate(self.tuned) if one.value >= wanted]
        return enough[0] if wanted > 0 else None


def sensitivity(table: ArrayLike, settings: ArrayLike, rng: np.random.Generator) -> Sensitivity:
    """Sensitivity of normalised scores, `table` [environments, settings, seeds >= 2].

    `settings` [settings, hyperparameters]: codes of the values, a full grid. Intervals are Student's t with
    the standard error over resampled seeds. There is no interval if the resampled results have no spread.
    """
    x, codes = np.asarray(table, float), np.asarray(settings)
    n = x.shape[2]
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    drawn = drawn[np.count_nonzero(drawn, axis=1) > 1]
    found = _with_loss(_tuned(x, codes, np.ones((HALVES, n)), rng)).mean(axis=0)
    of_each = _with_loss(_tuned(x, codes, np.repeat(drawn, HALVES_OF_EACH, axis=0), rng))
    resampled = of_each.reshape(len(drawn), HALVES_OF_EACH, -1).mean(axis=1)
    *tuned, loss = (_estimate(value, of, n) for value, of in zip(found, resampled.T, strict=True))
    return Sensitivity(tuned, loss)


def _with_loss(tuned: Floats) -> Floats:
    """`tuned` [splits, hyperparameters + 1] with the loss as another column at the end."""
    return np.column_stack([tuned, tuned[:, -1] - tuned[:, 0]])


def _estimate(value: float, resampled: Floats, n: int) -> Estimate:
    half = float(stdtrit(n - 1, 0.5 + LEVEL / 2) * resampled.std() * np.sqrt(n / (n - 1)))
    return Estimate(float(value), (value - half, value + half) if half > ROUNDING else NO_INTERVAL)


def _tuned(table: Floats, settings: NDArray[Any], counts: ArrayLike, rng: np.random.Generator) -> Floats:
    """Scores with 0, 1, ... all hyperparameters tuned; one half of the seeds chooses, the other half scores.

    `counts` [splits, seeds]: how often each seed was drawn; each split has at least two different seeds.
    The result [splits, hyperparameters + 1] is the mean over both roles of the halves.
    """
    weights = _halves(np.asarray(counts, float), rng)
    one, other = (np.einsum("bn,esn->bes", half, table) for half in weights)
    both_ways = _chosen_and_scored(one, other, settings) + _chosen_and_scored(other, one, settings)
    return both_ways / 2


def _halves(counts: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Weights [splits, seeds] of the seeds in each half. A seed that was drawn twice is in one half only."""
    there = counts > 0
    places = np.argsort(np.argsort(np.where(there, rng.random(counts.shape), 2.0), axis=1), axis=1)
    first = counts * (places < there.sum(axis=1, keepdims=True) // 2)
    second = counts - first
    return first / first.sum(axis=1, keepdims=True), second / second.sum(axis=1, keepdims=True)


def _chosen_and_scored(choosing: Floats, scoring: Floats, settings: NDArray[Any]) -> Floats:
    """Scores for 0, 1, ... all hyperparameters tuned: [splits, hyperparameters + 1].

    `choosing`, `scoring` [splits, environments, settings]: mean scores of the two halves.
    """
    best = choosing.mean(axis=1).argmax(axis=1)
    pairs = []
    for size in range(settings.shape[1] + 1):
        options = [
            _one_choice(choosing, scoring, _agree(settings, best, tuned))
            for tuned in combinations(range(settings.shape[1]), size)
        ]
        promised, scored = np.array(options).transpose(1, 0, 2)  # [choices, splits]
        pairs.append(np.take_along_axis(scored, promised.argmax(axis=0)[None], axis=0)[0])
    return np.stack(pairs, axis=1)


def _agree(settings: NDArray[Any], best: NDArray[np.int64], tuned: Sequence[int]) -> NDArray[np.bool_]:
    """Which settings agree with the `best` setting [splits] in all hyperparameters that are not `tuned`."""
    kept = np.delete(settings, tuned, axis=1)
    return np.asarray((kept == kept[best][:, None]).all(axis=2))


def _one_choice(choosing: Floats, scoring: Floats, allowed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Choose the best allowed setting in each environment.

    Returns its mean score over environments on the choosing half and on the scoring half: [splits] each.
    """
    among = np.where(allowed[:, None], choosing, -np.inf)
    scored = np.take_along_axis(scoring, among.argmax(axis=2)[..., None], axis=2)
    return among.max(axis=2).mean(axis=1), scored.mean(axis=(1, 2))
