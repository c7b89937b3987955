"""What Hydra runs for each trial, here or in a worker process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dqn_exp.launch.plan import plain_values
from dqn_exp.preflight import resolve_config

_provenance: dict[str, Any] | None = None


def set_provenance(provenance: dict[str, Any]) -> None:
    """Let the trials of this process record what their driver knows: command line and revision."""
    global _provenance
    _provenance = provenance


def run_task(values: DictConfig) -> float | None:
    """Train one trial in Hydra's output directory; returns its final greedy return."""
    from dqn_exp.runs import provenance
    from dqn_exp.runs.record import run_trial

    config = resolve_config(plain_values(values))
    directory = Path(HydraConfig.get().runtime.output_dir)
    return run_trial(config, directory, _provenance or provenance.environment()).final_return
