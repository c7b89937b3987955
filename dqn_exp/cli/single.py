"""One trial from the command line: check it before Hydra writes anything; continue it if interrupted."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from omegaconf import DictConfig

from dqn_exp.borrowed import arguments_parser, compose_like_hydra_main
from dqn_exp.cli.command_line import asks_for_information, is_multirun
from dqn_exp.config import CONF, Config, ConfigError, refuse_second_names, refuse_unused_names
from dqn_exp.launch import Reuse, read_reuse
from dqn_exp.plan import (
    PlannedTrial,
    check_memory,
    check_parts,
    check_prospects,
    check_trackers,
    is_dry_run,
    pack,
    plain_values,
    print_doubts,
    quoted,
    resolve_config,
)
from dqn_exp.runs import (
    DESCRIPTION,
    Locked,
    check_owner,
    claim,
    in_use,
    is_locked,
    read_description,
    read_result,
)
from dqn_exp.statuses import FINISHED


def prepare_single_run(argv: list[str]) -> bool:
    """Check a single trial and its directory; False if nothing is left to run.

    If the command gives no directory, one is added to `argv`, in place: that of an interrupted run of the
    same trial, or a new one. Multiruns and requests for information are left unchanged. With dry_run=true,
    prints what would be run, creates nothing and returns False.

    Raises ConfigError, Locked or Hydra's own errors.
    """
    arguments = arguments_parser().parse_args(argv[1:])
    if is_multirun(arguments) or asks_for_information(arguments):
        return True
    config, composed = check_single(arguments)
    directory = Path(composed.hydra.run.dir)
    is_given = any(o.startswith("hydra.run.dir=") for o in arguments.overrides)
    earlier = None if is_given else interrupted_run(directory.parent, config.hash())
    directory = earlier or directory
    if is_given or earlier:
        if is_locked(directory):
            raise Locked(in_use(directory))
        check_owner(config, directory)
    reuse = read_reuse([], composed, directory)
    print_doubts([config])
    if is_dry_run(composed):
        trial = PlannedTrial(directory.name, tuple(arguments.overrides), config, pack(composed))
        _preview(trial, directory, reuse)
        return False
    if not is_given:
        directory = earlier or claim(directory)
        argv.append(f"hydra.run.dir={quoted(str(directory))}")
    origin = reuse.take(config, directory)
    reuse.tell([origin] if origin else [], 1)
    return True


def check_single(arguments: Namespace) -> tuple[Config, DictConfig]:
    """The checked configuration of the requested trial, and the one that Hydra composes."""
    refuse_second_names(arguments.overrides)
    composed = compose_like_hydra_main(arguments, CONF)
    if composed.get("zip"):
        raise ConfigError(f"zip={composed.zip}: a single trial has no axes; allowed: -m, or zip=[]")
    config = resolve_config(plain_values(composed))
    refuse_unused_names(arguments.overrides, config)
    check_prospects(config)
    check_trackers(config)
    check_memory([config], 1)
    check_parts(config)
    return config, composed


def _preview(trial: PlannedTrial, directory: Path, reuse: Reuse) -> None:
    from dqn_exp.launch import print_trials

    print_trials(directory.parent, [trial], 1, reuse)


def interrupted_run(parent: Path, config_hash: str) -> Path | None:
    """The newest interrupted trial below `parent` with the same configuration and seed."""
    for path in sorted(parent.glob(f"*/{DESCRIPTION}"), reverse=True):
        if _is_unfinished(path.parent, config_hash) and not is_locked(path.parent):
            return path.parent
    return None


def _is_unfinished(directory: Path, config_hash: str) -> bool:
    """False also for a trial whose record is damaged or of an unknown format."""
    try:
        result = read_result(directory)
        unfinished = result is None or result.status not in FINISHED
        return unfinished and bool(read_description(directory)["config_hash"] == config_hash)
    except (ValueError, KeyError, TypeError):
        return False
