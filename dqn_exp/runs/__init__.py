"""The records of trials on disk: writing and reading them.

- `record_trial` trains a trial and writes its record.
- `read_description`, `read_result`, `read_columns` and `read_json` read a trial's record, `read_manifest` a
  sweep's.
- `Observer` is the interface of code that watches a trial.
- The module `provenance` describes what was run, where and with which versions.
- `take` copies a finished trial to a place where an equal trial would be trained.
- `catch_up` reports a finished trial to trackers.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.runs.evaluations import LearningCurve, learning_curve
    from dqn_exp.runs.files import (
        BEST,
        CHECKPOINT,
        NETWORK,
        DamagedRecord,
        ReadJson,
        claim,
        read_json,
        read_object,
        remove_leftovers,
        write_atomic,
        write_json,
    )
    from dqn_exp.runs.heartbeat import last_heartbeat
    from dqn_exp.runs.latest import last_episode
    from dqn_exp.runs.lock import LOCK, Locked, directory_lock, flock, in_use, is_locked
    from dqn_exp.runs.manifest import MANIFEST, MANIFEST_FORMAT, read_manifest
    from dqn_exp.runs.metrics import (
        CLOCK,
        COLUMNS,
        KINDS,
        MetricsWriter,
        TornMetrics,
        metrics_path,
        read_columns,
        read_metrics,
        valid_size,
    )
    from dqn_exp.runs.networks import load_network, load_statistics
    from dqn_exp.runs.observers import Observer
    from dqn_exp.runs.outcome import BUDGETED, NEVER, Outcome, judge
    from dqn_exp.runs.program import attempts_of, differences
    from dqn_exp.runs.provenance import command_line, environment, now
    from dqn_exp.runs.record import Pruned, record_trial, run_trial
    from dqn_exp.runs.result import (
        DESCRIPTION,
        RESULT,
        Result,
        check_owner,
        is_over,
        read_description,
        read_result,
    )
    from dqn_exp.runs.sb3 import load_sb3
    from dqn_exp.runs.taking import ORIGIN, Unfit, check_fit, take
    from dqn_exp.runs.tracking import catch_up, tracker_failures
    from dqn_exp.runs.watched import unrecorded

__getattr__ = lazy(__name__, __file__)
