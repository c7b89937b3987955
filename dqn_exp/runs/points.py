"""The metric files of a trial in the form that trackers need: named numbers for each environment step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dqn_exp.runs.metrics import CLOCK, KINDS, metrics_path

Point = tuple[int, dict[str, float]]
"""An environment step and the numbers recorded there, by name."""

SECTIONS = {"episodes": "charts", "evaluations": "eval", "losses": "losses"}
NAMES = {
    ("episodes", "return"): "episodic_return",
    ("episodes", "length"): "episodic_length",
    ("evaluations", "mean_return"): "mean_reward",
    ("evaluations", "std_return"): "std_reward",
    ("losses", "loss"): "td_loss",
    ("losses", "q_mean"): "q_values",
}
"""The names of the same numbers in CleanRL (charts, losses) and stable-baselines3 (eval)."""
UNTOLD = {*CLOCK, "n_episodes", "crc"}


def scalar_name(kind: str, column: str) -> str:
    """The name of a metric file's column in trackers."""
    return f"{SECTIONS[kind]}/{NAMES.get((kind, column), column)}"


class Points:
    """Reads the growing metric files of the trial in `directory`, each line once."""

    def __init__(self, directory: Path) -> None:
        self._files = [_Lines(directory, kind) for kind in KINDS]

    def up_to(self, step: float) -> Iterator[Point]:
        """New points at steps up to `step`, in order; all lines of those steps must have been written.

        If several episodes ended at one step, their numbers are averaged.
        """
        by_step: dict[int, dict[str, list[float]]] = {}
        for file in self._files:
            for at, scalars in file.up_to(step):
                here = by_step.setdefault(at, {})
                for name, value in scalars.items():
                    here.setdefault(name, []).append(value)
        for at in sorted(by_step):
            yield at, {name: float(np.mean(values)) for name, values in by_step[at].items()}


class _Lines:
    """One metric file, each line of which is read once."""

    def __init__(self, directory: Path, kind: str) -> None:
        self._path, self._kind = metrics_path(directory, kind), kind
        self._read, self._waiting = 0, list[Point]()
        self._columns: list[tuple[int, str]] = []
        self._step = 0

    def up_to(self, step: float) -> Iterator[Point]:
        self._waiting += self._new()
        ripe = next((n for n, (at, _) in enumerate(self._waiting) if at > step), len(self._waiting))
        yield from self._waiting[:ripe]
        del self._waiting[:ripe]

    def _new(self) -> Iterator[Point]:
        if not self._path.exists():
            return
        with open(self._path, "rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._read += len(whole) + 1
        lines = whole.decode().split("\n")
        if not self._columns:
            header = lines.pop(0).split(",")
            self._step = header.index("env_step")
            self._columns = [
                (index, scalar_name(self._kind, column))
                for index, column in enumerate(header)
                if column not in UNTOLD
            ]
        for line in lines:
            row = line.split(",")
            yield int(row[self._step]), {name: _number(row[index]) for index, name in self._columns}


def _number(text: str) -> float:
    return float({"True": "1", "False": "0"}.get(text, text))
