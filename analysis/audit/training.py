"""Trains recorded trials again in several processes, each trial in its own temporary folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from analysis.audit.compare import AuditVerdict, compare
from dqn_exp.config import Config, recorded_config
from dqn_exp.runs import read_description
from dqn_exp.threads import ONE_THREAD


def retrain(trials: Sequence[Path], workers: int) -> Iterator[tuple[Path, AuditVerdict]]:
    """Train each trial again; yields it with its verdict, in the order in which they end."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)  # as in the original training
    pool = ProcessPoolExecutor(min(workers, len(trials)), mp_context=get_context("spawn"))
    try:
        futures: dict[Future[AuditVerdict], Path] = {pool.submit(judge, trial): trial for trial in trials}
        for future in as_completed(futures):
            error = future.exception()
            cause = f"{type(error).__name__}: {error}" if error else ""
            yield futures[future], AuditVerdict("failed", cause) if error else future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def judge(trial: Path) -> AuditVerdict:
    """Train one recorded trial again and compare."""
    from dqn_exp.registry import import_modules
    from dqn_exp.runs import environment, run_trial

    config = config_of(trial)
    import_modules(config.imports)
    with tempfile.TemporaryDirectory(prefix="dqn_exp-audit-") as folder:
        again = Path(folder, "trial")
        run_trial(config, again, environment())
        return compare(trial, again)


def config_of(trial: Path) -> Config:
    """The configuration of a trial. Raises ConfigError if this version cannot read it."""
    return recorded_config(read_description(trial))
