"""The description of a trial and of its attempts: the content of trial.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dqn_exp.agent import choose_learner, resolve_device
from dqn_exp.config import FORMAT, Config
from dqn_exp.runs.code import parts
from dqn_exp.runs.files import write_json
from dqn_exp.runs.program import attempts_of
from dqn_exp.runs.provenance import now
from dqn_exp.runs.result import DESCRIPTION, read_description
from dqn_exp.runs.taking import ORIGIN
from dqn_exp.training import Run


def describe(run: Run, directory: Path, provenance: dict[str, Any], is_exact: bool) -> dict[str, Any]:
    """The description of `run`, with this attempt after the attempts already recorded in `directory`.

    is_exact: whether the environments could be restored exactly to their saved state.
    """
    config, began = run.config, now()
    earlier = read_description(directory) if (directory / DESCRIPTION).exists() else {}
    attempt = {
        "started": began,
        "from_env_step": run.clock.env_steps,
        "exact": is_exact,
        **provenance,
        "parts": parts(config),
    }
    attempts = [*attempts_of(earlier), attempt]
    return {
        "format": FORMAT,
        "config": config.record(),
        "config_hash": config.hash(),
        "seed": config.seed,
        "learner": choose_learner(config),
        "device": resolve_device(config.device),
        **{key: attempts[0].get(key) for key in ("started", *provenance)},
        "attempts": attempts,
        **({ORIGIN: earlier[ORIGIN]} if ORIGIN in earlier and run.clock.env_steps else {}),
    }


def rewrite(config: Config, directory: Path) -> None:
    """Write `config`, whose larger budget would have changed nothing, to a finished trial's description."""
    longer = {"config": config.record(), "config_hash": config.hash()}
    write_json(directory / DESCRIPTION, {**read_description(directory), **longer})
