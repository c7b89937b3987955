"""The judge of `seed=until_decided`, which decides after each look by the estimates of `analysis`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch import SeedsDesign, Taken


class ReportJudge:
    """Takes looks at the trials of a sweep, reports their results, and says which values need more seeds."""

    def check(self, design: SeedsDesign, configs: Sequence[Config], groups: Sequence[Sequence[str]]) -> None:
        """Raise ConfigError if such trials cannot decide anything."""
        from analysis.estimates.blocked import CLOSED_UP_TO
        from analysis.estimates.compare import defines_the_outcome
        from analysis.estimates.statistics import TESTED_FROM
        from analysis.records import find_axes, flat_config, obstacle

        flat = [flat_config(config.record(), groups) for config in configs]
        axes = find_axes(flat)
        if len(axes) != 1:
            names = ", ".join(axis.name for axis in axes) or "nothing"
            raise ConfigError(f"seed=until_decided: the trials differ in {names}; allowed: one axis")
        (axis,) = axes
        if defines_the_outcome(axis):
            raise ConfigError(
                f"seed=until_decided compares how soon trials converge, and {axis.name} changes what "
                f"convergence means; allowed: another axis, or 'seed=range(10)'"
            )
        if len(axis.values) > CLOSED_UP_TO:
            raise ConfigError(
                f"seed=until_decided: {axis.name} has {len(axis.values)} values; allowed: at most "
                f"{CLOSED_UP_TO}, or 'seed=range(10)'"
            )
        if design.looks[0] < TESTED_FROM:
            raise ConfigError(
                f"seeds.looks={list(design.looks)}: no test can decide with fewer than {TESTED_FROM} seeds; "
                f"allowed: a first look at {TESTED_FROM} or more"
            )
        for reason in filter(None, map(obstacle, flat)):
            raise ConfigError(f"seed=until_decided compares how soon trials converge: {reason}")

    def look(self, directory: Path, lost: Sequence[str]) -> Taken | None:
        """Take all looks that the trials below `directory` allow; None if a value has too few trials."""
        from analysis.errors import AnalysisError
        from analysis.estimates.looks import take_looks
        from analysis.records import read_sweep
        from analysis.report import looks

        try:
            taken_looks = take_looks(read_sweep(directory), lost)
        except AnalysisError:  # no trial has a record
            return None
        if taken_looks is None:
            return None
        lines = looks.look_lines(taken_looks)
        if taken_looks.decisions.is_over:
            lines += looks.outcomes(taken_looks)
        needed = taken_looks.decisions.seeds_needed
        seeds = {run: needed[value] for run, value in taken_looks.values.items()}
        return Taken(taken_looks.decisions.is_over, seeds, looks.records(taken_looks), lines)

    def unspent(self, manifest: Mapping[str, Any], taken: int) -> float:
        """The share of alpha that the designs in `sweep.json` have not spent after `taken` looks."""
        from analysis.estimates.looks import design_of
        from analysis.records import planned_looks

        planned = planned_looks(manifest)
        assert planned is not None
        return design_of(planned).unspent(taken)
