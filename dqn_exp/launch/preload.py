"""What trials import, for the process that workers are forked from: seconds, once instead of in each worker.

Whatever cannot be imported here fails again, and is reported, in the trial that needs it.
"""

import atexit
import gc
import os
from contextlib import suppress

from dqn_exp.launch.garbage import garbage_uncollected

with garbage_uncollected(), suppress(Exception):
    from numba.core.registry import cpu_target

    from dqn_exp.agent.fused import FusedLearner  # noqa: F401
    from dqn_exp.launch.task import run_task  # noqa: F401
    from dqn_exp.runs import record_trial  # noqa: F401

    cpu_target.typing_context.refresh()  # what numba does when the first compiled function is loaded
    cpu_target.target_context.refresh()

gc.freeze()  # workers need not look for garbage in what they have inherited
atexit.register(os._exit, 0)  # left alone by a killed driver: unloading it all would take another second
