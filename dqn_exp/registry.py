"""Registries of parts: a configuration chooses code by a name, not by an import path.

A user's module registers its parts. The configuration names that module once, in `imports: [my_module]`:

    from dqn_exp.registry import networks

    @networks.register("my_network")
    def build(observations, actions, config): ...
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from dqn_exp.config import ConfigError, unknown


class Registry:
    """Maps names to the callables that build the parts."""

    def __init__(self, kind: str, builtin: dict[str, str]) -> None:
        """`builtin` maps a name to "module:attribute", which is imported at first use."""
        self.kind = kind
        self._builtin = builtin
        self._registered: dict[str, Callable[..., Any]] = {}

    def register(self, name: str) -> Callable[[Any], Any]:
        """Decorator that registers a class or function as `name`; ValueError if the name is built in."""

        def add(builder: Any) -> Any:
            if name in self._builtin:
                raise ValueError(f"{self.kind} '{name}' is built in; choose another name")
            self._registered[name] = builder
            return builder

        return add

    def is_built_in(self, name: str) -> bool:
        return name in self._builtin

    def check(self, key: str, name: str) -> None:
        """Raise ConfigError if `name`, the value of the configuration's `key`, is unknown."""
        if name not in self._builtin and name not in self._registered:
            known = [*self._builtin, *self._registered]
            raise unknown(key, name, known or ["a name that a module in imports=[...] registers"])

    def registered_by(self, module: str) -> list[str]:
        """Names of the parts that this module has registered."""
        return [name for name, part in self._registered.items() if part.__module__ == module]

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            builder: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
            return builder
        self.check(self.kind, name)
        return self._registered[name]


GYMNASIUM_WRAPPERS = (
    "AddRenderObservation",
    "AddWhiteNoise",
    "AtariPreprocessing",
    "ClipAction",
    "ClipReward",
    "DelayObservation",
    "DiscretizeAction",
    "DiscretizeObservation",
    "DtypeObservation",
    "FilterObservation",
    "FlattenObservation",
    "FrameStackObservation",
    "GrayscaleObservation",
    "MaxAndSkipObservation",
    "ObstructView",
    "RepeatAction",
    "RescaleAction",
    "RescaleObservation",
    "ReshapeObservation",
    "ResizeObservation",
    "StickyAction",
    "TimeAwareObservation",
    "TransformAction",
    "TransformObservation",
    "TransformReward",
)
"""gymnasium's wrappers that change observations, actions or rewards, by gymnasium's own names."""

agents = Registry("agent", {"dqn": "dqn_exp.agent.dqn:build_dqn"})
heads = Registry(
    "head",
    {
        "values": "dqn_exp.heads.values:build_values",
        "c51": "dqn_exp.heads.c51:build_c51",
        "qr": "dqn_exp.heads.qr:build_qr",
    },
)
networks = Registry(
    "network",
    {
        "mlp": "dqn_exp.networks.mlp:build_mlp",
        "mlp_batchnorm": "dqn_exp.networks.mlp:build_mlp_batchnorm",
        "cnn": "dqn_exp.networks.cnn:build_cnn",
    },
)
observers = Registry("observer", {})
trackers = Registry(
    "tracker",
    {
        "tensorboard": "dqn_exp.trackers.tensorboard:TensorBoard",
        "mlflow": "dqn_exp.trackers.mlflow:MLflow",
        "wandb": "dqn_exp.trackers.wandb:WeightsAndBiases",
    },
)
wrappers = Registry(
    "wrapper",
    {
        "observation_noise": "dqn_exp.envs.noise:ObservationNoise",
        "action_noise": "dqn_exp.envs.noise:ActionNoise",
        "pole_measures": "dqn_exp.envs.cartpole:PoleMeasures",
        "steady_reward": "dqn_exp.envs.cartpole:SteadyReward",
        "target_reward": "dqn_exp.envs.cartpole:TargetReward",
        "discretise": "dqn_exp.envs.actions:Discretise",
        "flatten_actions": "dqn_exp.envs.actions:FlattenActions",
        "minatar": "dqn_exp.envs.minatar:MinAtarGame",
        "life_loss": "dqn_exp.envs.lives:LifeLoss",
        "NormalizeObservation": "dqn_exp.envs.normalise:NormalizeObservation",
        "NormalizeReward": "dqn_exp.envs.normalise:NormalizeReward",
        **{name: f"gymnasium.wrappers:{name}" for name in GYMNASIUM_WRAPPERS},
    },
)

REGISTRIES = (agents, heads, networks, observers, wrappers)


def import_modules(names: Iterable[str]) -> None:
    """Import the modules listed in the configuration's `imports`; ConfigError if one cannot be imported."""
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"imports={name!r}: {error}; allowed: modules that Python finds from here"
            ) from error
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"imports={name!r}: {_place(error)}{type(error).__name__}: {error}; "
                f"allowed: modules that can be imported"
            ) from error


def _place(error: BaseException) -> str:
    """File and line of the user's code that raised `error`, or ""."""
    called = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    return f"{called[-1].filename}:{called[-1].lineno}: " if len(called) > 1 else ""
