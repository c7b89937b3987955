"""Sweeps: `sweep` plans a grid, runs its trials on an engine's workers and records it as a whole.

Trials that others have finished are taken (`Reuse`), a sweep can be divided into shards, and seeds can be
added in looks (`SeedsDesign`).
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.launch.combinations import NO_AXES
    from dqn_exp.launch.dry_run import (
        NOTHING_DONE,
        list_seeds,
        make_console,
        print_memory,
        print_time,
        print_trials,
    )
    from dqn_exp.launch.grid import Ending, Swept, sweep
    from dqn_exp.launch.looks import SEEDS, UNTIL_DECIDED, SeedsDesign, Taken
    from dqn_exp.launch.reuse import Reuse, read_reuse
    from dqn_exp.launch.shards import refuse_shard
    from dqn_exp.launch.tables import print_rows

__getattr__ = lazy(__name__, __file__)
