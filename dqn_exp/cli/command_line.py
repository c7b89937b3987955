"""Reject parts of a command line that Hydra would silently ignore, and say what to type instead."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterable, Sequence

from dqn_exp.borrowed import arguments_parser
from dqn_exp.config import ConfigError, grouped, plain_calls
from dqn_exp.runs import provenance

OF_MANY_TRIALS = (
    "sweeps", "objective", "confirm", "seeds", "shard",
    "hydra/sweeper", "hydra/launcher", "hydra.sweeper", "hydra.launcher", "hydra.sweep",
)  # fmt: skip
"""Groups and sections that apply only to many trials."""

OF_THE_COMMAND = ("report", "dry_run", "shard")
"""Keys that determine what a command does, not what its trials do."""
OF_A_STUDY = (*OF_THE_COMMAND, "objective", "confirm.top")


def check_params(params: Iterable[str], not_for: Sequence[str]) -> None:
    """Raise ConfigError if a key in `not_for` is in `params`, the section `hydra.sweeper.params`."""
    for key in params:
        plain = key.lstrip("+")
        if any(f"{plain}.".startswith(f"{other}.") for other in not_for):
            in_file = f"`- override /{plain}: ...` below `defaults`" if plain == "objective" else f"`{plain}`"
            raise ConfigError(
                f"hydra.sweeper.params.{key} would have no effect: params holds values of trials; allowed: "
                f"{in_file} at the top of the file, or {plain}=... on the command line"
            )


def read_command(argv: list[str]) -> None:
    """Record the typed command, and rewrite `argv` in place in the form that Hydra reads.

    Raises ConfigError for parts that would have no effect.
    """
    provenance.set_command(argv)
    argv[1:] = [grouped(plain_calls(argument)) for argument in multirun_first(argv[1:])]
    check_command(argv)


def multirun_first(arguments: Sequence[str]) -> list[str]:
    """`arguments` with -m first: Hydra ignores overrides after -m if there are others before it."""
    return sorted(arguments, key=lambda argument: argument not in ("-m", "--multirun"))


def check_command(argv: Sequence[str]) -> None:
    """Raise ConfigError if a part of the command line would have no effect."""
    arguments = arguments_parser().parse_args(argv[1:])
    if is_multirun(arguments):
        _check_many(arguments)
    elif not asks_for_information(arguments):
        _check_one(arguments.overrides)


def is_multirun(arguments: Namespace) -> bool:
    """Whether many trials are requested, by -m or by Hydra's own key."""
    return bool(arguments.multirun) or "hydra.mode=MULTIRUN" in arguments.overrides


def asks_for_information(arguments: Namespace) -> bool:
    """Whether the command only shows information and runs nothing."""
    shown = (arguments.cfg, arguments.info, arguments.help, arguments.hydra_help)
    return any(shown) or bool(arguments.shell_completion)


def _check_many(arguments: Namespace) -> None:
    if arguments.cfg or arguments.info:
        flag = f"--cfg {arguments.cfg}" if arguments.cfg else f"--info {arguments.info}"
        raise ConfigError(
            f"{flag} shows one trial, and -m runs many; allowed: one of the two, and with {flag.split()[0]} "
            f"one value for each key"
        )
    for override in arguments.overrides:
        key, _, value = override.partition("=")
        if key == "sweeps" and any(sign in value for sign in ",("):
            raise ConfigError(
                f"{override}: each named sweep has its own axes and seeds; allowed: one in a command, "
                f"such as -m sweeps={value.removeprefix('choice(').split(',')[0]}"
            )
        if key == "hydra.run.dir":
            raise ConfigError(f"{override} is used only without -m; allowed with -m: hydra.sweep.dir=...")


def _check_one(overrides: Sequence[str]) -> None:
    for override in overrides:
        if _section(override.partition("=")[0]) in OF_MANY_TRIALS or override == "seed=until_decided":
            raise ConfigError(
                f"{override} applies to many trials, and without -m only one is run; allowed: "
                f"python -m dqn_exp -m {shlex.quote(override)}"
            )


def _section(key: str) -> str:
    """The section of a key: "hydra.sweep" for "+hydra.sweep.dir", "confirm" for "confirm.top"."""
    parts = key.lstrip("+~").split(".")
    return ".".join(parts[:2] if parts[0] == "hydra" else parts[:1])
