"""Who decides after each look of `seed=until_decided`: the estimates of `analysis`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch import Design, Taken


class Analyst:
    """Looks at the trials of a sweep, says what each look has found, and which values need more seeds."""

    def check(self, design: Design, configs: Sequence[Config], groups: Sequence[Sequence[str]]) -> None:
        """Raise ConfigError where such trials can decide nothing."""
        from analysis.estimates import CLOSED_UP_TO, TESTED_FROM, defines_the_outcome
        from analysis.records import find_axes, flat_config, obstacle

        flat = [flat_config(config.record(), groups) for config in configs]
        axes = find_axes(flat)
        if len(axes) != 1:
            names = ", ".join(axis.name for axis in axes) or "nothing"
            raise ConfigError(f"seed=until_decided: the values change {names}; allowed: one axis")
        (axis,) = axes
        if defines_the_outcome(axis):
            raise ConfigError(
                f"seed=until_decided compares how soon trials converge, and {axis.name} changes what that "
                f"means; allowed: another axis, or 'seed=range(10)'"
            )
        if len(axis.values) > CLOSED_UP_TO:
            raise ConfigError(
                f"seed=until_decided: {axis.name} has {len(axis.values)} values; allowed: at most "
                f"{CLOSED_UP_TO}, or 'seed=range(10)'"
            )
        if design.looks[0] < TESTED_FROM:
            raise ConfigError(
                f"seeds.looks={list(design.looks)}: no test can tell with fewer than {TESTED_FROM} seeds; "
                f"allowed: a first look at {TESTED_FROM} or more"
            )
        for reason in filter(None, map(obstacle, flat)):
            raise ConfigError(f"seed=until_decided compares how soon trials converge: {reason}")

    def look(self, directory: Path, lost: Sequence[str]) -> Taken | None:
        """All looks that the trials below `directory` allow; None where a value has too few of them."""
        from analysis.errors import AnalysisError
        from analysis.estimates import take_looks
        from analysis.records import read_sweep
        from analysis.report import looks

        try:
            found = take_looks(read_sweep(directory), lost)
        except AnalysisError:  # no trial has left a record
            return None
        if found is None:
            return None
        told = looks.told(found)
        if found.decisions.is_over:
            told += looks.outcomes(found)
        needed = found.decisions.seeds_needed
        seeds = {run: needed[value] for run, value in found.values.items()}
        return Taken(found.decisions.is_over, seeds, looks.records(found), told)

    def unspent(self, manifest: Mapping[str, Any], taken: int) -> float:
        """Share of alpha that the designs in `sweep.json` have left when so many looks are taken."""
        from analysis.estimates import design_of
        from analysis.records import planned_looks

        planned = planned_looks(manifest)
        assert planned is not None
        return design_of(planned).unspent(taken)
