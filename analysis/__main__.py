"""`python -m analysis COMMAND`: each command is a module with `add_arguments` and `run`.

`run` may return an exit status; without one it is 0.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import importlib
import sys
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from analysis.errors import AnalysisError
from dqn_exp.config import ConfigError
from dqn_exp.platforms import refuse_windows


class Command(NamedTuple):
    module: str
    """A module with `add_arguments` and `run`; it is imported only if its command is called."""
    description: str


COMMANDS = {
    "report": Command(
        "analysis.report.sweep_report", "figures, tables and one self-contained HTML page about a sweep"
    ),
    "table": Command("analysis.records.table", "one row per trial, CSV on stdout"),
    "plan": Command("analysis.report.seed_plan", "how many seeds a question needs"),
    "robustness": Command(
        "analysis.report.choices", "does the answer hold with other thresholds and measures?"
    ),
    "import": Command(
        "analysis.imports.command", "read other programs' logs (stable-baselines3, ...) as a sweep"
    ),
    "watch": Command("analysis.watch.command", "a running sweep in the browser"),
    "audit": Command(
        "analysis.audit.command", "train random trials again and compare them with their records"
    ),
    "policy": Command("analysis.network.policy.command", "Q-value and action maps of a trained network"),
    "video": Command("analysis.network.video", "an mp4 of the greedy policy"),
    "diagnose": Command("analysis.network.diagnose", "why a trial did not learn: checks with evidence"),
    "study": Command("analysis.study.command", "figures of an Optuna study"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    refuse_windows()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    name, rest = _split(list(sys.argv[1:] if arguments is None else arguments))
    command = importlib.import_module(COMMANDS[name].module)
    parser = argparse.ArgumentParser(f"python -m analysis {name}", description=COMMANDS[name].description)
    command.add_arguments(parser)
    try:
        status = command.run(parser.parse_args(rest))
    except (AnalysisError, ConfigError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(status or 0)


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """The command's name and the arguments after it; ends the program on --help or an unknown name."""
    listing = "\n".join(f"  {name:<12}{command.description}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "python -m analysis",
        description="What trained trials show, and how sure one may be.",
        epilog=f"commands:\n{listing}\n\nEach has its own --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser.parse_args(arguments[:1]).command, arguments[1:]


if __name__ == "__main__":
    atexit.register(gc.freeze)  # otherwise a garbage collection of all modules at exit takes half a second
    sys.exit(main())
