"""`hydra/sweeper=optuna`: an Optuna study over several seeds, with pruning, resuming and confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.dqn_exp.options import plain
from omegaconf import DictConfig

if TYPE_CHECKING:
    from dqn_exp.study import Studied


class OptunaSweeper(Sweeper):
    def __init__(self, params: DictConfig | None, **options: Any) -> None:
        """`options`: those of `conf/hydra/sweeper/optuna.yaml`; they are checked when the sweep starts."""
        self._params: dict[str, Any] = {str(key): value for key, value in (params or {}).items()}
        self._options = options

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._config = config
        self._context = hydra_context
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Called by Hydra: returns the best value or values. Raises SystemExit(1) if the study fell short."""
        studied = self.run_study(arguments)
        if studied.falls_short:
            raise SystemExit(1)
        return studied.best

    def run_study(self, arguments: list[str]) -> Studied:
        """Run the study of the overrides `arguments`."""
        from dqn_exp.cli import OF_A_STUDY, StudyAnalyst, check_params
        from dqn_exp.config import grouped, plain_calls
        from dqn_exp.study import run_study
        from dqn_exp.workers import engine_of

        check_params(self._params, OF_A_STUDY)
        parser = OverridesParser.create(config_loader=self._context.config_loader)
        defaults = [grouped(plain_calls(f"{key}={value}")) for key, value in self._params.items()]
        overrides = parser.parse_overrides([*defaults, *arguments])
        options = {key: plain(value) for key, value in self._options.items()}
        engine = engine_of(self._launcher)
        return run_study(self._context, self._config, engine, overrides, options, StudyAnalyst())
