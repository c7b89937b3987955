"""The result of a trial, and which trial a directory holds. Nothing here trains or imports torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dqn_exp.config import FORMAT, Config, ConfigError, check_format, recorded_config
from dqn_exp.runs.files import CHECKPOINT, FINAL, ReadJson, read_json, read_object
from dqn_exp.statuses import FINISHED

DESCRIPTION = "trial.json"
RESULT = "result.json"


@dataclass
class Result:
    """The result of a trial: the content of result.json."""

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


def read_description(directory: Path, read: ReadJson = read_json) -> dict[str, Any]:
    """The description of the trial in `directory`: the content of trial.json.

    Raises DamagedRecord if it is damaged, and ConfigError if this version does not know its format.
    """
    path = directory / DESCRIPTION
    record = read_object(path, read)
    check_format(record, str(path))
    return record


def read_result(directory: Path) -> Result | None:
    """The recorded result of the trial in `directory`; None if there is none."""
    path = directory / RESULT
    return Result(**read_json(path)) if path.exists() else None


def is_over(config: Config, directory: Path) -> bool:
    """Whether the trial of `config` in `directory` is finished. One that spent a smaller budget is not."""
    result = read_result(directory)
    if result is None or result.status not in FINISHED:
        return False
    return is_of(config, directory) or not _spent_its_budget(result, config)


def _spent_its_budget(result: Result, config: Config) -> bool:
    """Whether a finished trial would have continued with a larger budget."""
    return not (result.status == "diverged" or (result.status == "converged" and config.convergence.stop))


def is_of(config: Config, directory: Path) -> bool:
    """Whether `directory` holds the trial of `config`, or no trial."""
    return not (directory / DESCRIPTION).exists() or _describes(config, directory)


def check_owner(config: Config, directory: Path) -> None:
    """Raise ConfigError if `directory` holds a trial of another configuration.

    A larger budget is allowed if the trial can continue to it.
    """
    obstacle = None if is_of(config, directory) else _obstacle(config, directory)
    if obstacle is not None:
        raise ConfigError(
            f"{directory} already holds {obstacle}. Delete it, or choose another directory "
            f"(hydra.sweep.dir=... or hydra.run.dir=...)"
        )


def _describes(config: Config, directory: Path) -> bool:
    """Whether the trial there has this configuration, possibly written by a version with fewer keys."""
    record, own = read_description(directory), config.hash()
    if record["format"] == FORMAT and record["config_hash"] == own:
        return True
    return recorded_config(record).hash() == own


def _obstacle(config: Config, directory: Path) -> str | None:
    """Why the trial in `directory` cannot continue to the budget of `config`; None if it can."""
    recorded, result = recorded_config(read_description(directory)), read_result(directory) or Result()
    but_for_the_budget = config.model_copy(update={"budget": recorded.budget})
    if but_for_the_budget.hash() != recorded.hash() or not config.budget.covers(recorded.budget):
        return "a trial of another configuration"
    if config.evaluation_env() != recorded.evaluation_env():
        return (
            "this trial with a smaller budget that also limited its greedy episodes, because neither "
            "evaluation.max_episode_steps nor env.max_episode_steps was given; it cannot be extended"
        )
    is_kept = any((directory / name).exists() for name in (FINAL, CHECKPOINT))
    if result.status in FINISHED and _spent_its_budget(result, config) and not is_kept:
        return (
            f"this trial at the end of a smaller budget, without {FINAL}, which it needs to continue; "
            f"checkpoint.keep_final=true keeps that file, if given when the trial starts"
        )
    return None
