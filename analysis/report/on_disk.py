"""A report on disk: `index.html`, `figures/` and `tables/`, replaced as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.errors import AnalysisError
from analysis.report.figures.painting import Picture
from dqn_exp.runs import write_atomic

FOLDERS = ("figures", "tables")
PAGE = "index.html"


def publish(output: Path, page: str, pictures: Iterable[Picture], tables: Mapping[str, str]) -> Path:
    """Write a report into the folder `output`; returns the path of its page.

    `tables`: CSV text by name. The files of an earlier report are removed after all new files are written.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=output) as fresh:
        figures, tabulated = (Path(fresh, name) for name in FOLDERS)
        figures.mkdir()
        tabulated.mkdir()
        for picture in pictures:
            for ending, content in picture.files().items():
                (figures / f"{picture.name}.{ending}").write_bytes(content)
        for name, text in tables.items():
            (tabulated / f"{name}.csv").write_text(text)
        for name in FOLDERS:
            _swap(output / name, Path(fresh, name))
        write_atomic(output / PAGE, page.encode())
    return output / PAGE


def refuse_to_replace(output: Path) -> None:
    """Raise AnalysisError if `output` holds `figures/` or `tables/` but no page of a report."""
    ours = (output / PAGE).is_file()
    taken = [name for name in FOLDERS if (output / name).exists() and not ours]
    if taken:
        raise AnalysisError(
            f"--output {output} holds {taken[0]}/ that no report wrote; "
            f"allowed: a new folder, or that of an earlier report"
        )


def _swap(old: Path, new: Path) -> None:
    """Move `new` to the place of `old`; an existing `old` is first moved beside `new`."""
    if old.exists():
        old.rename(new.with_name(f"old-{new.name}"))
    new.rename(old)
