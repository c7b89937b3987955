"""Imports what trials need into the process that workers are forked from.

The imports take seconds; this way they are made once instead of in each worker. An import that fails here
fails again, and is reported, in the trial that needs it.
"""

import atexit
import gc
import os
from contextlib import suppress

from dqn_exp.garbage import garbage_uncollected

with garbage_uncollected(), suppress(Exception):
    from dqn_exp.agent.fused import FusedLearner  # noqa: F401
    from dqn_exp.borrowed import prepare_target
    from dqn_exp.runs import record_trial  # noqa: F401
    from dqn_exp.workers.task import run_task  # noqa: F401

    prepare_target()

gc.freeze()  # workers' garbage collectors skip the inherited objects
atexit.register(os._exit, 0)  # exit fast if the driver was killed: unloading takes a second
