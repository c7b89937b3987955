"""What one sees while trials run: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dqn_exp.runs.files import read_json
from dqn_exp.runs.metrics import metrics_path

TROUBLE = ("failed", "diverged")


class Progress:
    """Shows how far `total` trials below `sweep` have come; reads what they write."""

    def __init__(self, sweep: Path, total: int, console: Console | None = None) -> None:
        self._sweep, self._total = sweep, total
        self._console = console or Console()
        self._started = time.monotonic()
        self._counts: dict[str, int] = {}
        self._running: Sequence[Path] = ()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self.refresh_seconds = 0.5 if self._console.is_terminal else None

    def __enter__(self) -> Self:
        self._console.print(f"{self._total} trials in {self._sweep}", soft_wrap=True)
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def running(self, directories: Sequence[Path]) -> None:
        self._running = directories
        if self._console.is_terminal:
            self._live.update(self._view(), refresh=True)

    def finished(self, directory: Path) -> None:
        """A trial is over: show a line at once where it failed, or where there is no live view."""
        result = _read_result(directory)
        status = str(result.get("status", "failed"))
        self._counts[status] = self._counts.get(status, 0) + 1
        if status in TROUBLE or not self._console.is_terminal:
            self.note(self._line(directory, status, result))

    def note(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    @property
    def _done(self) -> int:
        return sum(self._counts.values())

    def _line(self, directory: Path, status: str, result: dict[str, object]) -> str:
        name = f"[{self._done}/{self._total}] {directory.name}: {status}"
        if status in TROUBLE:
            return f"{name}: {result.get('cause')}  (log: {directory / 'trial.log'})"
        score = result.get("final_return")
        text = f", final return {score:.5g}" if isinstance(score, float) else ""
        return f"{name} after {result['episodes']} episodes, {result['env_steps']} steps{text}"

    def _view(self) -> Group:
        counts = ", ".join(f"{n} {status}" for status, n in sorted(self._counts.items()))
        head = f"{self._done} of {self._total} done" + (f" ({counts})" if counts else "")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("running", "episode", "env steps", "last return"):
            table.add_column(column, justify="left" if column == "running" else "right")
        for directory in self._running:
            table.add_row(directory.name, *last_episode(directory))
        bar = ProgressBar(total=self._total, completed=self._done, width=40)
        return Group(Text(f"{head}, {len(self._running)} running, {self._eta()}"), bar, table)

    def _eta(self) -> str:
        elapsed = time.monotonic() - self._started
        if not self._done:
            return f"{timedelta(seconds=int(elapsed))} so far"
        left = elapsed / self._done * (self._total - self._done)
        return f"about {timedelta(seconds=int(left))} left"


def last_episode(directory: Path) -> tuple[str, str, str]:
    """Episode, environment steps and return of the latest whole line of the episodes file."""
    try:
        with open(metrics_path(directory, "episodes"), "rb") as file:
            file.seek(max(0, file.seek(0, 2) - 400))
            lines = file.read().rpartition(b"\n")[0].decode().splitlines()
        episode, env_step, _, total_return, *_ = lines[-1].split(",")
        return episode, env_step, f"{float(total_return):.5g}"
    except (OSError, IndexError, ValueError):
        return "-", "-", "starting"


def _read_result(directory: Path) -> dict[str, object]:
    try:
        result: dict[str, object] = read_json(directory / "result.json")
    except (OSError, ValueError):
        return {"cause": "it left no record"}
    return result
