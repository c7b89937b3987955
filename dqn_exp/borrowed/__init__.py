"""Functions that use private parts of other packages, which new versions may change without notice.

The modules `dask`, `hydra`, `omegaconf`, `forkserver`, `loky`, `numba`, `optuna` and `ray` are named after
the packages. In each module, `TESTED` lists the versions with which its functions were tested.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.borrowed.dask import is_abandoned
    from dqn_exp.borrowed.forkserver import kill_forkserver, may_have_children
    from dqn_exp.borrowed.hydra import (
        FolderSource,
        arguments_parser,
        compose_like_hydra_main,
        error_of,
        isolated_hydra,
        override_dirname,
        sweeper_of,
    )
    from dqn_exp.borrowed.loky import (
        BrokenProcessPool,
        ProcessPoolExecutor,
        dumps,
        exit_code,
        kill_workers,
        terminate_workers,
    )
    from dqn_exp.borrowed.numba import prepare_target
    from dqn_exp.borrowed.omegaconf import plain, represent_string
    from dqn_exp.borrowed.optuna import JournalFileLock, queued_parameters, storage_of, trial_id
    from dqn_exp.borrowed.ray import why_silent

__getattr__ = lazy(__name__, __file__)
