"""`python -m analysis COMMAND`: each command is a module with `add_arguments` and `run`."""

from __future__ import annotations

import argparse
import atexit
import gc
import importlib
import sys
import warnings
from collections.abc import Sequence

from analysis.errors import AnalysisError

COMMANDS = {
    "report": "figures, tables and one self-contained HTML page about a sweep",
    "table": "one row per trial, CSV on stdout",
    "policy": "Q-value and action maps of a trained network",
    "video": "an mp4 of the greedy policy",
    "diagnose": "why a trial did not learn: checks with evidence",
    "study": "figures of an Optuna study",
}
MODULES = {
    "report": "analysis.report.whole",
    "table": "analysis.records.table",
    "policy": "analysis.network.policy",
    "video": "analysis.network.video",
    "diagnose": "analysis.network.diagnose",
    "study": "analysis.study",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a module is imported only when its command is asked for."""
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"
    name, rest = _split(list(sys.argv[1:] if arguments is None else arguments))
    command = importlib.import_module(MODULES[name])
    parser = argparse.ArgumentParser(f"python -m analysis {name}", description=COMMANDS[name])
    command.add_arguments(parser)
    try:
        command.run(parser.parse_args(rest))
    except (AnalysisError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """The command's name and its own arguments; ends the program on --help or an unknown name."""
    listing = "\n".join(f"  {name:<10}{text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "python -m analysis",
        description="What trained trials show, and how sure one may be.",
        epilog=f"commands:\n{listing}\n\nEach has its own --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser.parse_args(arguments[:1]).command, arguments[1:]


if __name__ == "__main__":
    atexit.register(gc.freeze)  # to search all modules for garbage at the end takes half a second
    sys.exit(main())
