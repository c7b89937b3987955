"""The progress display of a running study: proposals done, the best so far, the time left."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dqn_exp.runs import last_episode
from dqn_exp.study.distributions import to_text
from dqn_exp.study.objective import Objective
from dqn_exp.study.proposal import Proposal
from dqn_exp.study.results import best_trials, score_text
from dqn_exp.study.storage import proposals
from dqn_exp.text import format_number
from dqn_exp.workers import episode_cells, shows_live, time_text

NAMES = {TrialState.COMPLETE: "done", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
COLOURS = {"failed": "bold red", "pruned": "yellow", "done": "green"}


class StudyProgress:
    """Shows the progress of a study of `total` proposals; other processes may work on it, too."""

    def __init__(
        self,
        study: optuna.Study,
        objectives: Sequence[Objective],
        total: int,
        console: Console | None = None,
    ) -> None:
        self._study, self._objectives, self._total = study, objectives, total
        self._console = console or Console(highlight=False)
        self._is_live = shows_live(self._console)
        self._started = time.monotonic()
        self._running: Sequence[Proposal] = ()
        self._trials = self._known()
        self._before = self._done
        self._live = Live(
            console=self._console, get_renderable=self._view, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> Self:
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

    def running(self, proposals: Sequence[Proposal]) -> None:
        self._running = proposals

    def finished(self, number: int) -> None:
        """Count a finished proposal; print a line if it failed or if there is no live view."""
        self._trials = self._known()
        trial = next(trial for trial in self._study.get_trials(deepcopy=False) if trial.number == number)
        if trial.state is TrialState.FAIL or not self._is_live:
            self.note(Text.assemble(self._head(), f"proposal {number}: ", *self._outcome_text(trial)))

    def note(self, text: str | Text) -> None:
        self._console.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)

    def _known(self) -> list[FrozenTrial]:
        return proposals(self._study.get_trials(deepcopy=False))

    @property
    def _done(self) -> int:
        return sum(trial.state in NAMES for trial in self._trials)

    def _head(self) -> str:
        return f"[{self._done:>{len(str(self._total))}}/{self._total}] "

    def _outcome_text(self, trial: FrozenTrial) -> list[str | tuple[str, str]]:
        name = NAMES[trial.state]
        if trial.state is TrialState.FAIL:
            return [(name, COLOURS[name]), f": {trial.user_attrs.get('cause')}"]
        if trial.state is TrialState.PRUNED:
            return [(name, COLOURS[name]), f" at environment step {trial.user_attrs.get('pruned_at')}"]
        best = best_trials(self._trials, self._objectives)
        if trial.number in [other.number for other in best]:
            return [f"{score_text(trial, self._objectives)}, the best so far: {describe(trial.params)}"]
        standing = f" (best {score_text(best[0], self._objectives)})" if best else ""
        return [f"{score_text(trial, self._objectives)}{standing}, {self._time()}"]

    def _view(self) -> Group:
        counts = {name: sum(t.state is state for t in self._trials) for state, name in NAMES.items()}
        shown = [
            Text.assemble(f"  {count} ", (name, COLOURS[name])) for name, count in counts.items() if count
        ]
        head = Text.assemble((f"{self._done}/{self._total}", "bold"), *shown, f"  {self._time()}")
        bar = ProgressBar(total=self._total, completed=self._done, width=60)
        return Group(head, bar, *self._best_lines(), self._running_table())

    def _best_lines(self) -> list[Text]:
        best = best_trials(self._trials, self._objectives)[:3]
        return [
            Text(f"best: {score_text(trial, self._objectives)} ({trial.number}) {describe(trial.params)}")
            for trial in best
        ]

    def _running_table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("running", "episode", "env steps", "last return"):
            table.add_column(column, justify="left" if column == "running" else "right")
        for proposal in self._running:
            table.add_row(f"proposal {proposal.number}", *episode_cells(slowest_seed(proposal.directories)))
        return table

    def _time(self) -> str:
        """The time so far, and the time left at the pace since this process started."""
        left = max(0, self._total - self._done)
        return time_text(time.monotonic() - self._started, self._done - self._before, left)


def describe(params: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={_short(value)}" for key, value in params.items())


def _short(value: object) -> str:
    return format_number(value) if isinstance(value, float) else to_text(value)


def slowest_seed(directories: Sequence[Path]) -> Path:
    """The trial with the fewest environment steps among those that have finished an episode."""
    steps = {directory: e.env_steps for directory in directories if (e := last_episode(directory))}
    return min(steps, key=steps.__getitem__, default=directories[0])
