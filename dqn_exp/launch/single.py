"""One trial from the command line: checked before Hydra writes anything, and continued if cut short."""

from __future__ import annotations

import os
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser

from dqn_exp.launch.plan import plain_values
from dqn_exp.launch.pool import ONE_THREAD
from dqn_exp.paths import CONF
from dqn_exp.preflight import resolve_config
from dqn_exp.runs.files import read_json
from dqn_exp.runs.lock import is_locked


def prepare_single_run(argv: list[str]) -> None:
    """Check the configuration of a single trial; raises ConfigError or Hydra's own errors.

    Where an earlier run of the same trial was interrupted, `hydra.run.dir` of that run is added to
    `argv`, in place. Multiruns and requests for information are left alone.
    """
    arguments = get_args_parser().parse_args(argv[1:])
    asked = (arguments.multirun, arguments.cfg, arguments.info, arguments.help)
    if any(asked) or arguments.hydra_help or arguments.shell_completion:
        return
    os.environ.update(ONE_THREAD)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", arguments.overrides, return_hydra_config=True)
    config = resolve_config(plain_values(composed))
    if not any(o.startswith("hydra.run.dir=") for o in arguments.overrides):
        earlier = interrupted_run(Path(composed.hydra.run.dir).parent, config.hash())
        if earlier is not None:
            print(f"Continuing {earlier}")
            argv.append(f"hydra.run.dir='{earlier}'")


def interrupted_run(parent: Path, config_hash: str) -> Path | None:
    """The newest trial below `parent` of the same configuration and seed that was cut short."""
    for path in sorted(parent.glob("*/trial.json"), reverse=True):
        directory = path.parent
        status = read_json(directory / "result.json")["status"]
        same = read_json(path)["config_hash"] == config_hash
        if same and status in ("running", "interrupted") and not is_locked(directory):
            return directory
    return None
