"""The returned objects: trials, sweeps and studies on disk, with their tables, figures and reports."""

from __future__ import annotations

import html
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dqn_exp.config import Config, ConfigError, recorded_config
from dqn_exp.runs import DESCRIPTION, MANIFEST, Result, read_description, read_manifest, read_result

if TYPE_CHECKING:
    import optuna
    import pandas as pd

    from analysis.network import Explorer, Film
    from analysis.report import Picture

Place = str | os.PathLike[str]


class Folder:
    """A folder; it can be used wherever a path is needed."""

    def __init__(self, directory: Place) -> None:
        self.directory = Path(directory)

    def __fspath__(self) -> str:
        return str(self.directory)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.directory)!r})"


class TrialsFolder(Folder):
    """A folder of trials, with tables and figures."""

    def runs(self) -> pd.DataFrame:
        """A table with one row per trial, as from `analysis.load_runs`."""
        from analysis import load_runs

        return load_runs(self.directory)

    def curves(self, kind: str, grid: int | None = None, clock: str = "env_step") -> pd.DataFrame:
        """A table with one row per line of each trial's "episodes", "evaluations" or "losses".

        As from `analysis.load_curves`.
        """
        from analysis import load_curves

        return load_curves(self.directory, kind, grid, clock)

    def figure(self, name: str) -> Picture:
        """A figure of the report, such as "returns" or "loss"; raises AnalysisError for an unknown name."""
        from analysis.report import figure

        return figure(self.directory, name)

    def _repr_html_(self) -> str:
        from analysis.errors import AnalysisError
        from analysis.report import inline

        try:
            return inline(self.directory)
        except AnalysisError as error:  # no trial exists yet
            return html.escape(str(error))


class Trial(TrialsFolder):
    """One trial, in the directory that holds its record."""

    @cached_property
    def config(self) -> Config:
        """The complete configuration of the trial."""
        return recorded_config(read_description(self.directory))

    @property
    def result(self) -> Result:
        """The current recorded result: `status`, `final_return`, `env_steps`, ..."""
        return read_result(self.directory) or Result()

    def policy(self, **options: Any) -> Explorer:
        """Maps of the network's Q-values and actions, with sliders for the dimensions: `analysis.policy`."""
        from analysis import policy

        return policy(self.directory, **options)

    def actions(self, epsilon: tuple[float, ...] = (0.0, 0.5, 1.0), **options: Any) -> Picture:
        """A figure of how often each action is taken in epsilon-greedy episodes."""
        from analysis.network import actions

        return actions(self.directory, epsilon, **options)

    def film(self, **options: Any) -> Film:
        """A video (mp4) of a greedy episode; needs the extra: pip install 'dqn_exp[video]'."""
        from analysis.network import film

        return film(self.directory, **options)


class Report(Folder):
    """A report page with figures and tables; `directory` contains `index.html`."""

    HEIGHT = 700
    """The height, in pixels, of the page in a notebook."""

    @property
    def page(self) -> Path:
        return self.directory / "index.html"

    def _repr_html_(self) -> str:
        content = html.escape(self.page.read_text())
        return (
            f'<iframe srcdoc="{content}" width="100%" height="{self.HEIGHT}" style="border: 1px solid #ccc" '
            f'sandbox="allow-same-origin"></iframe>'
        )


class Sweep(TrialsFolder):
    """The trials of a sweep, in the sweep's directory."""

    def trial(self, run: str) -> Trial:
        """One of the trials, by its `run` in the table of `runs()`; ConfigError if there is none."""
        directory = self.directory / run
        if not (directory / DESCRIPTION).exists():
            raise ConfigError(
                f"{run!r} is not a trial of {self.directory}; allowed: a value of the column `run` of runs()"
            )
        return Trial(directory)

    def findings(self) -> list[str]:
        """What the data supports, as sentences of the report. The tests take seconds."""
        from analysis.report import findings_about

        return findings_about(self.directory)

    def report(self, output: Place | None = None) -> Report:
        """Write the report, by default to `report/` in the sweep's directory: `python -m analysis report`."""
        from analysis.report import write_report

        return Report(write_report(self.directory, Path(output) if output else None).parent)


class Study(TrialsFolder):
    """A study, in the study's directory."""

    def __init__(self, directory: Place, name: str | None = None, storage: str | None = None) -> None:
        """`name` and `storage`: by default those in the study's `sweep.json`."""
        super().__init__(directory)
        self._name, self._storage = name, storage

    @cached_property
    def optuna(self) -> optuna.Study:
        """The Optuna study; raises AnalysisError if there is none."""
        from analysis.errors import AnalysisError
        from analysis.study import load_study

        if self._name and self._storage:
            return load_study(self._storage, self._name)
        known = read_manifest(self.directory).get("study")
        if known is None:
            raise AnalysisError(f"{self.directory} holds no study (no {MANIFEST} of one in it)")
        return load_study(self._storage or known["storage"], self._name or known["name"])

    @property
    def best(self) -> dict[str, Any]:
        """The values of the best proposal, by key, as `dqn_exp.run` accepts them; empty if none has a score.

        With several objectives: the values of one proposal on the Pareto front.
        """
        from analysis.study import best_values

        return best_values(self.optuna)

    def trials(self) -> pd.DataFrame:
        """A table with one row per proposal: its score, its parameters and the score of each seed."""
        from analysis.study import trials_table

        return trials_table(self.optuna)

    def report(self, output: Place | None = None) -> Report:
        """Write the report, by default to `report/` in the study's directory: `python -m analysis study`."""
        from analysis.study import write_report

        return Report(write_report(self.optuna, Path(output or self.directory / "report")).parent)

    def _repr_html_(self) -> str:
        from analysis.study import inline

        return inline(self.optuna)
