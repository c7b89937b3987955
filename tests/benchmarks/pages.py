"""Writes tables in Markdown, and a benchmark's part of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

BEGIN, END = "<!-- what the benchmark writes begins here -->", "<!-- and ends here -->"


def put(page: Path, text: str) -> None:
    """Put `text` between the two marks of `page`."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Its lines, and an empty one."""
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""
