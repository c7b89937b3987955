"""The jobs of a sweep: every combination of the values on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, product

from hydra.core.override_parser.types import Override

from dqn_exp.config import ConfigError
from dqn_exp.launch.looks import SeedsDesign
from dqn_exp.launch.reuse import REUSE
from dqn_exp.launch.shards import SHARD
from dqn_exp.plan import ZIP, Groups, axis_values, factors

OF_A_STUDY = ("objective", "confirm")
"""Groups and sections that only a study uses."""
OF_THE_SWEEP = (ZIP, REUSE, SHARD, "dry_run")
"""Keys that determine which trials there are, not what a trial does."""
NO_AXES = ("track", "tracking")
"""Sections that only say which trackers follow a trial. They cannot be swept: two values would give the same
trial twice."""


def combinations(
    overrides: Sequence[Override], groups: Groups, design: SeedsDesign | None = None
) -> list[list[str]]:
    """The Cartesian product of all values; the values of axes in one of the `groups` are paired instead.

    If a key is given twice, the later value counts. With a `design`, the seeds are all that it may use.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if key.partition(".")[0] in OF_A_STUDY:
            raise ConfigError(
                f"{override.input_line} applies to studies, and this is a plain sweep; allowed: "
                f"with hydra/sweeper=optuna"
            )
        is_of_all = key in OF_THE_SWEEP or key.lstrip("+").partition(".")[0] in NO_AXES
        if is_of_all and override.is_sweep_override():
            raise ConfigError(f"{override.input_line}: it applies to the whole sweep; allowed: one value")
        if key in OF_THE_SWEEP:
            continue
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            in_pairs = any(key.lstrip("+") in group for group in groups)
            values[key] = [f"{key}={value}" for value in axis_values(override, may_repeat=in_pairs)]
        else:
            raise ConfigError(
                f"{override.input_line}: an interval has infinitely many values; allowed: choices such "
                f"as {key}=1,2,3 or '{key}=range(1,10)', or hydra/sweeper=optuna"
            )
    if design:
        values["seed"] = [f"seed={seed}" for seed in design.seeds]
    for key, choices in values.items():
        if not choices:
            raise ConfigError(f"{key} has no values; allowed: at least one, such as {key}=1,2,3")
    return [list(chain(*job)) for job in product(*factors(values, groups))]
