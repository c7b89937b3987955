"""`hydra/sweeper=grid`: a sweep over every combination of values, checked before the first trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from dqn_exp.config import ConfigError, grouped, plain_calls

if TYPE_CHECKING:
    from dqn_exp.launch import Ending, Swept


class GridSweeper(Sweeper):
    def __init__(self, params: dict[str, Any] | None, **of_a_study: Any) -> None:
        """Raises ConfigError for options of another sweeper."""
        if of_a_study:
            raise ConfigError(
                f"hydra.sweeper.{next(iter(of_a_study))} is an option of studies, and this is a plain sweep; "
                f"allowed: hydra/sweeper=optuna on the command line, or in the file with this key\n"
                f"  defaults:\n    - override /hydra/sweeper: optuna"
            )
        self._params = params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config = self._master = config
        self._context = hydra_context
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Called by Hydra: returns the results of the trials. Raises SystemExit(1) if one failed."""
        from dqn_exp.cli import Summary

        swept = self.run_sweep(arguments, Summary(with_report=bool(self._master.report)))
        if swept.falls_short:
            raise SystemExit(1)
        return swept.results

    def run_sweep(self, arguments: list[str], ending: Ending) -> Swept:
        """Run the sweep of the overrides `arguments`, then `ending`."""
        from dqn_exp.cli import OF_THE_COMMAND, ReportJudge, check_params
        from dqn_exp.launch import sweep
        from dqn_exp.workers import engine_of

        check_params(self._params, OF_THE_COMMAND)
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        defaults = [grouped(plain_calls(f"{key}={value}")) for key, value in self._params.items()]
        overrides = parser.parse_overrides([*defaults, *arguments])
        engine = engine_of(self._launcher)
        return sweep(self._context, self._master, engine, overrides, ReportJudge(), ending)
