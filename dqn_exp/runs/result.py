"""How a trial ended, and whose trial a directory holds: what can be known without training anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dqn_exp.config import FORMAT, Config, ConfigError, check_format, recorded_config
from dqn_exp.runs.files import read_json

FINISHED = ("converged", "exhausted", "diverged", "pruned")


@dataclass
class Result:
    """How a trial ended; the content of result.json."""

    status: str = "running"
    cause: str | None = None
    episodes: int = 0
    env_steps: int = 0
    updates: int = 0
    final_return: float | None = None
    final_std: float | None = None
    final_returns: list[float] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    env_steps_per_second: float = 0.0
    ended: str | None = None


def read_result(directory: Path) -> Result | None:
    """The recorded result of the trial in `directory`; None where there is none."""
    path = directory / "result.json"
    return Result(**read_json(path)) if path.exists() else None


def check_owner(config: Config, directory: Path) -> None:
    """Raise ConfigError where `directory` holds the trial of another configuration."""
    path = directory / "trial.json"
    if path.exists() and not _tells_of(config, path):
        raise ConfigError(
            f"{directory} already holds a trial of another configuration. Delete it, or choose "
            f"another directory (hydra.sweep.dir=... or hydra.run.dir=...)"
        )


def _tells_of(config: Config, path: Path) -> bool:
    """Is that of `path` this configuration, perhaps written when there were fewer keys?"""
    record, own = read_json(path), config.hash()
    if check_format(record, str(path)) == FORMAT and record["config_hash"] == own:
        return True
    return recorded_config(record, str(path)).hash() == own
