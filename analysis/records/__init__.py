"""Disk to rows: the records of trials as tables.

`load_runs` and `load_curves` return DataFrames. `read_sweep` returns a whole sweep with its axes, its rows,
and which of its trials count as evidence.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.records.axes import ALIASES, ALL, NOT_AXES, Axis, find_axes, label
    from analysis.records.command_line import add_path_arguments
    from analysis.records.convergence import obstacle
    from analysis.records.csv_text import to_csv, trial_columns
    from analysis.records.curves import binned, centres, edges, filled, moments, sampled
    from analysis.records.disk import (
        Curve,
        Paths,
        RecordedTrial,
        Value,
        as_list,
        find_trials,
        natural_key,
        read_curve,
        read_trial,
        slug,
        status,
        warn_about,
    )
    from analysis.records.identity import outcome_keys, same_networks
    from analysis.records.imported import (
        BLOCK,
        EVALUATIONS,
        IMPORTED,
        JUDGED_BY,
        PROGRAM,
        TRAINING,
        UNKNOWN,
        in_blocks,
        is_partial,
        seed_of,
    )
    from analysis.records.load import load_curves, load_runs
    from analysis.records.manifest import manifest_if_whole
    from analysis.records.pairs import parts
    from analysis.records.plan import Plan, PlannedLooks, Schedule, flat_config, planned_looks
    from analysis.records.rows import Row, column, names, return_bounds
    from analysis.records.sweep import ENDED, Sweep, read_sweep
    from analysis.records.timeline import Timeline, timelines_of

__getattr__ = lazy(__name__, __file__)
