"""One landscape of theirs beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import load_runs
from tests.benchmarks.landscape import agreement
from tests.benchmarks.landscape.agreement import Estimate, Scores
from tests.benchmarks.landscape.reference import Landscape, read_reference

BEST, WORST = 10, 8
"""How many of the best configurations and of the largest disagreements are listed."""
KINDS = ["buffer_prio_sampling", "use_target_network"]
SHOWN = {
    "buffer_prio_sampling": "prioritised",
    "use_target_network": "target",
    "learning_rate": "lr",
    "buffer_batch_size": "batch",
    "buffer_size": "buffer",
    "target_update_interval": "interval",
    "target_epsilon": "epsilon",
}


@dataclass(frozen=True)
class Comparison:
    """Configurations of one environment that both sides have trained, in the order of their numbers."""

    landscape: Landscape
    settings: pd.DataFrame
    """Their hyperparameters, one row for each configuration, indexed by its number."""
    theirs: Scores
    ours: Scores
    steps: float
    """Environment steps of our trials, all together."""
    seconds: float
    """That our trials trained for, all together."""

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(0)

    @property
    def seeds(self) -> int:
        return self.ours.shape[1]

    @property
    def others(self) -> int:
        """Of their seeds those that are left when as many are set apart as ours are."""
        return self.theirs.shape[1] - self.seeds

    @cached_property
    def correlation(self) -> Estimate:
        return agreement.over_configurations(
            agreement.rank_correlation, self.ours, self.theirs, rng=self._rng()
        )

    @cached_property
    def correlations(self) -> dict[str, Estimate]:
        """With as many seeds on either side: ours with theirs, and theirs with others of theirs."""
        few, many = self.seeds, self.others
        return {
            f"ours with {many} of theirs": agreement.with_others(self.ours, self.theirs, many, self._rng()),
            f"{few} of theirs with their other {many}": agreement.between_seeds(
                self.theirs, few, many, self._rng()
            ),
            f"ours with {few} of theirs": agreement.with_others(self.ours, self.theirs, few, self._rng()),
            f"{few} of theirs with {few} others": agreement.between_seeds(self.theirs, few, few, self._rng()),
        }

    @cached_property
    def difference(self) -> Estimate:
        """Of the mean scores over all configurations, ours less theirs."""
        return agreement.over_configurations(
            lambda ours, theirs: float(ours.mean() - theirs.mean()), self.ours, self.theirs, rng=self._rng()
        )

    @cached_property
    def p(self) -> np.ndarray:
        return agreement.differences(self.ours, self.theirs)

    def text(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        n, hours, pace = len(self.ours), self.seconds / 3600, self.steps / self.seconds
        yield f"## {self.landscape.name}: {n} configurations x {self.seeds} seeds\n"
        yield f"{hours:.2f} hours of training, {pace:.0f} steps/s\n"
        yield f"rank correlation of all ours with all theirs: {self.correlation}"
        yield from (f"{name}: {value}" for name, value in self.correlations.items())
        for name, scores in (("theirs", self.theirs), ("ours", self.ours)):
            share = agreement.over_configurations(agreement.share_of_seeds, scores, rng=self._rng())
            yield f"share of the variance by seeds, {name}: {share}"
        means = f"theirs {self.theirs.mean():.1f}, ours {self.ours.mean():.1f}"
        yield f"mean score: {means}, difference {self.difference}"
        yield f"configurations that differ with p <= 0.05: {int((self.p <= 0.05).sum())} of {n}\n"
        yield from self._best()
        yield from self._by_kind()
        yield from self._largest()

    def _best(self) -> Iterator[str]:
        names = self.settings.index
        tops = [[int(names[row]) for row in agreement.best(s, BEST)] for s in (self.theirs, self.ours)]
        yield f"best ten of theirs: {', '.join(map(str, tops[0]))}"
        yield f"best ten of ours: {', '.join(map(str, tops[1]))}"
        expected = BEST**2 / len(names)
        yield f"in both: {len(set(tops[0]) & set(tops[1]))} (by chance {expected:.1f})\n"

    def _by_kind(self) -> Iterator[str]:
        head = [
            "prioritised",
            "target network",
            "configurations",
            "theirs",
            "ours",
            "difference",
            "p <= 0.05",
        ]
        yield from _head(head)
        for kind, rows in self.settings.reset_index(drop=True).groupby(KINDS).groups.items():
            ours, theirs, p = self.ours[rows], self.theirs[rows], self.p[rows]
            gap = ours.mean(axis=1) - theirs.mean(axis=1)
            error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
            names = ["yes" if flag else "no" for flag in kind]  # type: ignore[attr-defined]
            means = [f"{theirs.mean():.1f}", f"{ours.mean():.1f}", f"{gap.mean():.1f} ± {error:.1f}"]
            yield _row([*names, str(len(rows)), *means, str((p <= 0.05).sum())])
        yield ""

    def _largest(self) -> Iterator[str]:
        gaps = self.ours.mean(axis=1) - self.theirs.mean(axis=1)
        head = ["configuration", *SHOWN.values(), "theirs, sorted", "ours", "difference", "p"]
        yield from _head(head)
        for row in np.argsort(-np.abs(gaps))[:WORST]:
            settings = [_shown(self.settings.iloc[row][key]) for key in SHOWN]
            scores = (" ".join(f"{x:.0f}" for x in np.sort(s[row])) for s in (self.theirs, self.ours))
            found = [f"{gaps[row]:.0f}", f"{self.p[row]:.3f}"]
            yield _row([str(self.settings.index[row]), *settings, *scores, *found])
        yield ""


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield _row(["---"] * len(names))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    number = float(str(value))
    return "–" if np.isnan(number) else f"{number:.3g}" if abs(number) < 1 else f"{number:.0f}"


def compare(landscape: Landscape, folder: Path, sweep: Path, seeds: int) -> Comparison:
    """Of the configurations whose first `seeds` seeds are trained in `sweep`."""
    reference = read_reference(folder, landscape)
    runs = load_runs(sweep)
    runs = runs[runs["final_return"].notna() & (runs["seed"] < seeds)]
    by_rate = reference.drop_duplicates("configuration").set_index("learning_rate")["configuration"]
    runs["configuration"] = runs["lr"].map(by_rate)  # no two configurations share a learning rate
    ours = runs.pivot(index="configuration", columns="seed", values="final_return")
    ours = ours.reindex(columns=range(seeds)).dropna()
    theirs = reference.pivot(index="configuration", columns="seed", values="score").loc[ours.index]
    settings = reference.drop_duplicates("configuration").set_index("configuration").loc[ours.index]
    used = runs[runs["configuration"].isin(ours.index)]
    return Comparison(
        landscape,
        settings,
        theirs.to_numpy(),
        ours.to_numpy(),
        float(used["env_steps"].sum()),
        float(used["wall_seconds"].sum()),
    )
