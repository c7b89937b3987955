"""The summary at the end of a sweep: a table with one row per configuration, and the report's path."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread

from rich.console import Console

from dqn_exp.garbage import garbage_uncollected
from dqn_exp.launch import print_rows
from dqn_exp.text import format_count


class Summary:
    """Prints the table and writes the report at the end of a sweep, if they are requested."""

    def __init__(self, with_report: bool, with_table: bool = True, again: str = "command") -> None:
        """`again`: what retries failed trials, "command" or "call"."""
        self._with_report, self._with_table, self._again = with_report, with_table, again

    def prepare(self) -> None:
        """Import what the summary needs while trials train, because the imports take seconds."""
        names = ["scipy.stats", "analysis.report.summary"] if self._with_table else []
        if self._with_report:
            names.append("analysis.report.sweep_report")
        if names:
            Thread(target=_import_all, args=(names,), daemon=True).start()

    def tell(self, directory: Path, n_failed: int, n_left: int = 0) -> None:
        """Print the table, the report's path and the number of failed trials.

        If `n_left` trials of other commands are not over, prints their number instead of table and report.
        """
        console = Console(markup=False, highlight=False)
        if n_left:
            console.print(
                f"No report yet: {format_count(n_left, 'trial')} of other shards in {directory} "
                f"{'are' if n_left != 1 else 'is'} unfinished. Report of the finished trials: "
                f"python -m analysis report {shlex.quote(str(directory))}",
                soft_wrap=True,
            )
        else:
            self._print_results(console, directory)
        if n_failed:
            console.print(
                f"{format_count(n_failed, 'trial')} failed: the result.json of each has the cause, its "
                f"trial.log the traceback. The same {self._again} tries them again.",
                style="bold red",
                soft_wrap=True,
            )

    def _print_results(self, console: Console, directory: Path) -> None:
        from analysis.errors import AnalysisError

        try:
            if self._with_table:
                _print_table(console, directory)
            if self._with_report:
                from analysis.report import write_report

                console.print(f"Report: {write_report(directory)}", soft_wrap=True)
        except AnalysisError as error:  # no trial has a record
            console.print(str(error), soft_wrap=True)


def _import_all(names: Sequence[str]) -> None:
    with garbage_uncollected():
        for name in names:
            import_module(name)


def _print_table(console: Console, directory: Path) -> None:
    from analysis.report import summary_table

    rows = summary_table(directory)
    if rows:
        print_rows(console, rows)
