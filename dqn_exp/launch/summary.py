"""The end of a sweep on the screen: one row per configuration, and where the report is."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table


def print_summary(directory: Path, n_failed: int, with_report: bool) -> None:
    from analysis.summary import summary_table

    console = Console()
    rows = summary_table(directory)
    if rows:
        table = Table()
        for column in rows[0]:
            table.add_column(column, justify="right")
        for row in rows:
            table.add_row(*map(str, row.values()))
        console.print(table)
    if n_failed:
        console.print(
            f"[bold red]{n_failed} trials failed[/]: see status and cause in the result.json, and "
            f"the traceback in the trial.log, of each. The same command tries them again."
        )
    if with_report:
        from analysis.report import write_report

        console.print(f"Report: {write_report(directory)}", soft_wrap=True)
