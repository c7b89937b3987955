"""Compares one published landscape with ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.landscape import agreement, scores
from tests.benchmarks.landscape.agreement import (
    Estimate,
    Scores,
    Statistic,
    between_seeds,
    over_configurations,
    with_others,
)
from tests.benchmarks.landscape.reference import Landscape, configurations, read_reference


@dataclass(frozen=True)
class Comparison:
    """Configurations of one environment that both sides have trained, in the order of their numbers."""

    title: str
    settings: pd.DataFrame
    """Their hyperparameters, one row for each configuration, indexed by its number."""
    theirs: Scores
    ours: Scores

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(0)

    @cached_property
    def correlations(self) -> dict[str, Estimate]:
        """Spearman's, of the means of the configurations."""
        return self._agreements(agreement.rank_correlation)

    @cached_property
    def best(self) -> dict[str, Estimate]:
        """How many are among the best of either side."""
        return self._agreements(agreement.best_in_both)

    def _agreements(self, statistic: Statistic) -> dict[str, Estimate]:
        """Ours with theirs, and theirs among themselves, with as many seeds on either side."""
        ours, theirs, few = self.ours, self.theirs, self.ours.shape[1]
        many = theirs.shape[1] - few
        return {
            f"ours with {many} of theirs": with_others(statistic, ours, theirs, many, self._rng()),
            f"{few} of theirs with their other {many}": between_seeds(
                statistic, theirs, few, many, self._rng()
            ),
            f"ours with {few} of theirs": with_others(statistic, ours, theirs, few, self._rng()),
            f"{few} of theirs with {few} others": between_seeds(statistic, theirs, few, few, self._rng()),
        }

    @cached_property
    def correlation(self) -> float:
        """Of all seeds of either side."""
        return agreement.rank_correlation(self.ours, self.theirs)

    @cached_property
    def difference(self) -> Estimate:
        """Of the mean scores over all configurations, ours minus theirs."""
        return over_configurations(
            lambda ours, theirs: float(ours.mean() - theirs.mean()), self.ours, self.theirs, rng=self._rng()
        )

    @cached_property
    def p_of_difference(self) -> float:
        return agreement.difference_of_all(self.ours, self.theirs, self._rng())

    @cached_property
    def shares(self) -> tuple[Estimate, Estimate]:
        """Of the variance by seeds: theirs, ours."""
        share = agreement.share_of_seeds
        theirs, ours = (over_configurations(share, s, rng=self._rng()) for s in (self.theirs, self.ours))
        return theirs, ours

    @cached_property
    def p(self) -> np.ndarray:
        """Of each configuration: do ours and theirs differ?"""
        return agreement.differences(self.ours, self.theirs)


def compare(landscape: Landscape, folder: Path, file: Path, seeds: int) -> Comparison:
    """Of the configurations whose first `seeds` seeds have scores in `file`."""
    reference = read_reference(folder, landscape)
    settings = configurations(reference, len(reference)).set_index("configuration")
    ours = scores.table(file, landscape, seeds)
    theirs = reference.pivot(index="configuration", columns="seed", values="score").loc[ours.index]
    return Comparison(landscape.title, settings.loc[ours.index], theirs.to_numpy(), ours.to_numpy())
