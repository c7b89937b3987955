"""The progress display while trials run: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dqn_exp.runs import DamagedRecord, Result, last_episode, read_result, tracker_failures
from dqn_exp.text import format_count, format_duration, format_number

COLOURS = {"failed": "bold red", "diverged": "magenta", "converged": "green"}
"""Colours of statuses. They are named colours of the terminal's palette, which its user can read."""


def shows_live(console: Console) -> bool:
    """Whether `console` can show a live view: in a terminal, or in a notebook with ipywidgets."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


class Progress:
    """Shows the progress of `total` trials below `sweep`, which it reads from their records."""

    def __init__(self, sweep: Path, total: int, console: Console | None = None) -> None:
        self._sweep, self._total = sweep, total
        self._console = console or Console()
        self._is_live = shows_live(self._console)
        self._started = time.monotonic()
        self._counts = Counter[str]()
        self._reported_trackers: set[str] = set()
        self._running: Sequence[Path] = ()
        self._ahead: Sequence[Path] = ()
        self._live = Live(
            console=self._console, get_renderable=self._view, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> Self:
        self.note(f"{format_count(self._total, 'trial')} in {self._sweep}")
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        if error is not None and self._total > 1:
            self.note(self._head())

    def running(self, directories: Sequence[Path], ahead: Sequence[Path] = ()) -> None:
        """Set the trials that run now, and those that run ahead and are not counted yet."""
        self._running, self._ahead = directories, ahead

    def finished(self, directory: Path, failure: str | None = None) -> None:
        """Count a finished trial.

        Prints a line if it failed or diverged, if there is no live view, or if it is the only trial and
        nothing else would stay on the terminal.
        """
        result = _read_result(directory) or Result("failed", "it left no record")
        status = "failed" if failure else result.status
        self._counts[status] += 1
        is_only = self._total == 1 and self._console.is_terminal
        if status in ("failed", "diverged") or is_only or not self._is_live:
            head = f"[{self._done:>{len(str(self._total))}}/{self._total}] {self._name(directory)}: "
            colour = COLOURS.get(status, "")
            self.note(Text.assemble(head, (status, colour), _outcome(directory, result, failure)))
        self._report_tracker_failures(directory)

    def _report_tracker_failures(self, directory: Path) -> None:
        """Print once for each tracker that it lacks part of a finished trial."""
        for name, why in tracker_failures(directory).items():
            if name not in self._reported_trackers:
                self._reported_trackers.add(name)
                self.note(tracker_failure_line(name, self._name(directory), why))

    def note(self, text: str | Text) -> None:
        self._console.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)

    def _name(self, directory: Path) -> str:
        """The name of a trial: its path relative to the sweep, possibly several levels down."""
        return os.path.relpath(directory, self._sweep)

    @property
    def _done(self) -> int:
        return self._counts.total()

    def _time(self) -> str:
        return time_text(time.monotonic() - self._started, self._done, self._total - self._done)

    def _view(self) -> Group:
        names = [(directory, self._name(directory)) for directory in self._running]
        names += [(directory, f"{self._name(directory)} (ahead)") for directory in self._ahead]
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(f"{len(names)} running", no_wrap=True, overflow="ellipsis", ratio=1)
        for column in ("episode", "env steps", "last return"):
            table.add_column(column, justify="right", no_wrap=True)
        for directory, name in names[: max(1, self._console.height - 6)]:
            table.add_row(Text(name), *episode_cells(directory))
        bar = Table.grid()
        bar.add_row(
            ProgressBar(
                self._total, self._done, width=60, style="dim", complete_style="cyan", finished_style="green"
            )
        )
        return Group(self._head(), bar, table)

    def _head(self) -> Text:
        counts = [
            Text.assemble(f"  {count} ", (status, COLOURS.get(status, "")))
            for status, count in sorted(self._counts.items())
        ]
        return Text.assemble((f"{self._done}/{self._total} done", "bold"), *counts, f"  {self._time()}")


def tracker_failure_line(tracker: str, trial: str, why: str) -> str:
    cause = " ".join(why.split()).rstrip(".")
    return (
        f"track={tracker} lacks part of {trial}: {cause}. The trial is complete; the same command "
        f"in the same directory sends it again (said once)"
    )


def time_text(seconds: float, done: int, left: int) -> str:
    """The time so far and, if something is `done`, the time that the rest takes at the same pace."""
    text = f"{format_duration(seconds)} so far"
    return f"{text}, about {format_duration(seconds / done * left)} left" if done else text


def episode_cells(directory: Path) -> tuple[str, str, str]:
    """Table cells for the latest episode of a running trial: number, environment steps, return."""
    episode = last_episode(directory)
    if episode is None:
        return "-", "-", _before_the_first_episode(directory)
    return str(episode.number), format_number(episode.env_steps), format_number(episode.total_return)


def _before_the_first_episode(directory: Path) -> str:
    """ "compiling" if the trial's log says so (it takes seconds on a new machine), otherwise "starting"."""
    with suppress(OSError):
        lines = (directory / "trial.log").read_text().splitlines()
        if lines and "] - compiling " in lines[-1]:
            return "compiling"
    return "starting"


def _outcome(directory: Path, result: Result, failure: str | None) -> str:
    if failure or result.status == "failed":
        return f": {failure or result.cause} (log: {directory / 'trial.log'})"
    if result.cause:
        return f": {result.cause}"
    score = "" if result.final_return is None else f", final return {format_number(result.final_return)}"
    return f" after {result.episodes} episodes, {result.env_steps} steps{score}"


def _read_result(directory: Path) -> Result | None:
    try:
        return read_result(directory)
    except (OSError, DamagedRecord):
        return None
