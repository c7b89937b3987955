"""Plan trials and check them before the first starts.

- `Planner` turns overrides into `PlannedTrial`s.
- `resolve_config` turns the values of one trial into a `Config`, and tries its parts.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.plan.axis import axis_values, meaning, range_values
    from dqn_exp.plan.memory import bytes_of_replay, check_memory, free_bytes
    from dqn_exp.plan.pairing import ZIP, Groups, factors, read_groups
    from dqn_exp.plan.planner import (
        PlannedTrial,
        Planner,
        is_dry_run,
        is_seed,
        pack,
        plain_values,
        quoted,
        set_directory,
        unpack,
        with_directory,
        without_seed,
    )
    from dqn_exp.plan.preflight import check_parts, check_trackers, resolve_config
    from dqn_exp.plan.prospects import check_prospects, print_doubts
    from dqn_exp.plan.warm_start import check_init_from_visible

__getattr__ = lazy(__name__, __file__)
