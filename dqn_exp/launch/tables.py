"""Print tables, also on narrow screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

BORDER = 3
"""Characters between two columns of a table, if there is room."""


def print_rows(console: Console, rows: Sequence[Mapping[str, str]]) -> None:
    """Print a table of `rows` with the same columns; on a narrow console text is folded, not cut off."""
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]]
    fits = sum(widths) + BORDER * len(widths) < console.width
    table = Table(padding=(0, 1) if fits else 0)
    for name in rows[0]:
        table.add_column(Text(name, overflow="fold"), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row.values()))
    console.print(table)
