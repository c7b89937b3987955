"""Samplers and pruners from `hydra/sweeper/sampler` and `hydra/sweeper/pruner`."""

from __future__ import annotations

import importlib.util
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from hydra.utils import get_class, instantiate
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    NopPruner,
    WilcoxonPruner,
)
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    GridSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)

from dqn_exp.config import ConfigError, parse_size
from dqn_exp.study.space import is_whole

Options = Mapping[str, Any]

NEEDS: dict[type[BaseSampler], tuple[str, ...]] = {
    CmaEsSampler: ("cmaes",),
    GPSampler: ("torch", "scipy"),
    QMCSampler: ("scipy",),
}
"""Packages that Optuna imports only once a sampler is asked for a proposal."""
SINGLE_OBJECTIVE = (CmaEsSampler,)
WITHOUT_SCORES: dict[type[BaseSampler], str] = {
    RandomSampler: "random",
    QMCSampler: "qmc",
    GridSampler: "grid",
}
"""Samplers whose proposals do not follow from earlier scores (`storage.INDEPENDENT`)."""
BEGINNING: dict[type[BaseSampler], str] = {
    TPESampler: "n_startup_trials",
    GPSampler: "n_startup_trials",
    CmaEsSampler: "n_startup_trials",
    NSGAIISampler: "population_size",
}
"""The option that tells with how many random proposals a sampler begins."""


class SamplerFactory:
    """A fresh sampler for each proposal, seeded by the study's seed and the proposal's rank.

    So proposals depend on the seed and on the results so far, and neither on which process asks
    nor on how often the study was interrupted. What samplers remember they keep in the storage.
    """

    def __init__(self, options: Options) -> None:
        self._options = dict(options)
        self._class = part_class("sampler", options, BaseSampler)
        self.is_grid = issubclass(self._class, GridSampler)
        check_installed(self._class)
        seed = self._options.get("seed")
        if seed is not None and not (is_whole(seed) and parse_size(seed) >= 0):
            raise ConfigError(f"hydra.sweeper.sampler.seed={seed}: allowed: a whole number >= 0, or null")
        self(0)

    def __call__(self, rank: int) -> BaseSampler:
        """The sampler of proposal number `rank`. Quasi-Monte Carlo needs one seed for all."""
        options = dict(self._options)
        if options.get("seed") is not None and not issubclass(self._class, QMCSampler):
            sequence = np.random.SeedSequence([parse_size(options["seed"]), rank])
            options["seed"] = int(sequence.generate_state(1)[0] >> 1)
        if self.is_grid:
            return RandomSampler(seed=options.get("seed"))
        sampler: BaseSampler = build("sampler", options)
        return sampler

    def draws(self, rank: int) -> str:
        """What draws proposal number `rank`: "random", "qmc", "grid", or the class that follows the scores.

        Such a class begins with random proposals while fewer are complete than it asks for; no more can be
        complete than have been made before.
        """
        option = BEGINNING.get(self._class)
        if option and rank < self._options.get(option, _default(self._class, option)):
            return "random"
        return WITHOUT_SCORES.get(self._class, self._class.__name__)

    def check(self, n_objectives: int) -> None:
        if n_objectives > 1 and issubclass(self._class, SINGLE_OBJECTIVE):
            raise ConfigError(
                f"hydra/sweeper/sampler: {self._class.__name__} takes one objective, not {n_objectives}; "
                f"allowed: {NSGAIISampler.__name__} (nsgaii), tpe, gp, qmc, random, grid"
            )


def _default(kind: type[Any], option: str) -> Any:
    return inspect.signature(kind).parameters[option].default


def build_pruner(options: Options, horizon: int | None) -> BasePruner:
    """`horizon`: the budget, which Hyperband's brackets are made for."""
    values = {key: _count(value) for key, value in options.items()}
    kind = part_class("pruner", values, BasePruner)
    if issubclass(kind, HyperbandPruner) and values.get("max_resource") == "auto" and horizon:
        values["max_resource"] = horizon
    pruner: BasePruner = build("pruner", values)
    return pruner


def is_active(pruner: BasePruner) -> bool:
    return not isinstance(pruner, NopPruner)


def compares_seeds(pruner: BasePruner) -> bool:
    """Wilcoxon's test pairs seeds: they run one after another and each one reports its score."""
    return isinstance(pruner, WilcoxonPruner)


def part_class(kind: str, options: Options, base: type[Any]) -> type[Any]:
    target = options.get("_target_")
    try:
        found = get_class(str(target))
    except Exception:
        found = None
    if not isinstance(found, type) or not issubclass(found, base):
        raise ConfigError(
            f"hydra.sweeper.{kind}._target_={target}: allowed: a class of optuna.{kind}s or one derived from "
            f"{base.__name__}; hydra/sweeper/{kind}=... chooses one"
        )
    return found


def check_installed(sampler: type[BaseSampler]) -> None:
    for base, packages in NEEDS.items():
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if issubclass(sampler, base) and missing:
            raise ConfigError(
                f"hydra/sweeper/sampler: {sampler.__name__} needs the package {missing[0]}, which is not "
                f"installed; install it (pip install {missing[0]}) or choose another sampler"
            )


def build(kind: str, options: Options) -> Any:
    """The object that `options` describe; raises ConfigError for an option it refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # its users know what they chose
            return instantiate(dict(options))
    except Exception as error:
        cause = error.__cause__ or error
        given = ", ".join(f"{key}={value}" for key, value in options.items() if key != "_target_")
        raise ConfigError(f"hydra.sweeper.{kind} ({given}): {cause}") from None


def _count(value: Any) -> Any:
    """Sizes such as 5k as numbers, also in a wrapped pruner."""
    if isinstance(value, Mapping):
        return {key: _count(inner) for key, inner in value.items()}
    return parse_size(value) if isinstance(value, str) and is_whole(value) else value
