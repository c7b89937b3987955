"""The function that Hydra runs for each trial, in this process or in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from dqn_exp.plan import plain_values, resolve_config
from dqn_exp.workers.progress import Progress

_provenance: dict[str, Any] | None = None


def set_provenance(provenance: dict[str, Any]) -> None:
    """Set the driver's provenance, such as its command line and revision, for trials of this process."""
    global _provenance
    _provenance = provenance


def run_task(composed: DictConfig) -> float | None:
    """Train one trial in Hydra's output directory; returns its final greedy return."""
    from dqn_exp.runs import provenance, run_trial

    config = resolve_config(plain_values(composed, HydraConfig.get()))
    directory = Path(HydraConfig.get().runtime.output_dir)
    return run_trial(config, directory, _provenance or provenance.environment()).final_return


def run_single(composed: DictConfig) -> float | None:
    """`run_task` with a progress display, unless another launcher of Hydra's runs it in a sweep."""
    if HydraConfig.get().mode is not RunMode.RUN:
        return run_task(composed)
    directory = Path(HydraConfig.get().runtime.output_dir)
    with Progress(directory.parent, 1) as progress:
        progress.running([directory])
        try:
            score = run_task(composed)
        except Exception as error:
            progress.finished(directory, f"{type(error).__name__}: {error}")
            raise
        progress.finished(directory)
    return score
