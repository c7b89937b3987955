"""The end of a sweep on the screen: one row per configuration, and where the report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqn_exp.launch import garbage_uncollected

BORDER = 3
"""Characters between two columns of the table, where there is room for them."""


class Summary:
    """The end of a sweep: a table on the screen, and the report where it is asked for."""

    def __init__(self, with_report: bool) -> None:
        self._with_report = with_report

    def prepare(self) -> None:
        """Import what the end needs while trials train: that takes seconds."""
        names = ["scipy.stats", "analysis.report.summary"]
        if self._with_report:
            names.append("analysis.report.sweep_report")
        Thread(target=_import_all, args=(names,), daemon=True).start()

    def tell(self, directory: Path, n_failed: int) -> None:
        """Print the table, the report's place and how many trials failed."""
        from analysis.errors import AnalysisError

        console = Console(markup=False, highlight=False)
        try:
            _print_table(console, directory)
            if self._with_report:
                from analysis.report import write_report

                console.print(f"Report: {write_report(directory)}", soft_wrap=True)
        except AnalysisError as error:  # no trial got as far as to leave a record
            console.print(str(error), soft_wrap=True)
        if n_failed:
            console.print(
                f"{n_failed} trial{'s' * (n_failed != 1)} failed: the cause is in the result.json and the "
                f"traceback in the trial.log of each. The same command tries them again.",
                style="bold red",
                soft_wrap=True,
            )


def _import_all(names: Sequence[str]) -> None:
    with garbage_uncollected():
        for name in names:
            import_module(name)


def _print_table(console: Console, directory: Path) -> None:
    from analysis.report import summary_table

    rows = summary_table(directory)
    if rows:
        print_rows(console, rows)


def print_rows(console: Console, rows: Sequence[Mapping[str, str]]) -> None:
    """A table of `rows`, which have the same columns; nothing is cut off where the console is narrow."""
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]]
    fits = sum(widths) + BORDER * len(widths) < console.width
    table = Table(padding=(0, 1) if fits else 0)
    for name in rows[0]:
        table.add_column(Text(name, overflow="fold"), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)
