"""Build samplers and pruners from `hydra/sweeper/sampler` and `hydra/sweeper/pruner`."""

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
from dqn_exp.study.distributions import is_whole

Options = Mapping[str, Any]

NEEDS: dict[type[BaseSampler], tuple[str, ...]] = {
    CmaEsSampler: ("cmaes",),
    GPSampler: ("torch", "scipy"),
    QMCSampler: ("scipy",),
}
"""Packages that Optuna imports only when a sampler makes a proposal."""
SINGLE_OBJECTIVE = (CmaEsSampler,)
WITHOUT_SCORES: dict[type[BaseSampler], str] = {
    RandomSampler: "random",
    QMCSampler: "qmc",
    GridSampler: "grid",
}
"""Samplers whose proposals do not depend on earlier scores (`storage.INDEPENDENT`)."""
BEGINNING: dict[type[BaseSampler], str] = {
    TPESampler: "n_startup_trials",
    GPSampler: "n_startup_trials",
    CmaEsSampler: "n_startup_trials",
    NSGAIISampler: "population_size",
}
"""The option with the number of random proposals that a sampler begins with."""


class SamplerFactory:
    """Makes a new sampler for each proposal, seeded by the sampler's seed and the proposal's rank.

    Proposals therefore depend only on the seed and the results so far, not on which process asks or how often
    the study was interrupted. Samplers keep their memory in the storage.
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
        """The sampler of proposal number `rank`. Quasi-Monte Carlo needs the same seed for all proposals."""
        options = dict(self._options)
        if options.get("seed") is not None and not issubclass(self._class, QMCSampler):
            sequence = np.random.SeedSequence([parse_size(options["seed"]), rank])
            options["seed"] = int(sequence.generate_state(1)[0] >> 1)
        if self.is_grid:
            return RandomSampler(seed=options.get("seed"))
        sampler: BaseSampler = build("sampler", options)
        return sampler

    def draws(self, rank: int) -> str:
        """What draws proposal number `rank`: "random", "qmc", "grid", or the sampler's class name.

        A sampler that uses scores begins with random proposals, until the number of complete proposals that
        its option names. At most `rank` proposals can be complete.
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
    """Build the pruner of `options`; `horizon` is the budget, from which Hyperband makes its brackets."""
    values = {key: _count(value) for key, value in options.items()}
    kind = part_class("pruner", values, BasePruner)
    if issubclass(kind, HyperbandPruner) and values.get("max_resource") == "auto" and horizon:
        values["max_resource"] = horizon
    pruner: BasePruner = build("pruner", values)
    return pruner


def is_active(pruner: BasePruner) -> bool:
    return not isinstance(pruner, NopPruner)


def compares_seeds(pruner: BasePruner) -> bool:
    """Whether the pruner is Wilcoxon's test, which pairs seeds: they run one by one and report scores."""
    return isinstance(pruner, WilcoxonPruner)


def part_class(kind: str, options: Options, base: type[Any]) -> type[Any]:
    target = options.get("_target_")
    try:
        cls = get_class(str(target))
    except Exception:
        cls = None
    if not isinstance(cls, type) or not issubclass(cls, base):
        raise ConfigError(
            f"hydra.sweeper.{kind}._target_={target}: allowed: a class of optuna.{kind}s or a subclass of "
            f"{base.__name__}; hydra/sweeper/{kind}=... chooses one"
        )
    return cls


def check_installed(sampler: type[BaseSampler]) -> None:
    for base, packages in NEEDS.items():
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if issubclass(sampler, base) and missing:
            raise ConfigError(
                f"hydra/sweeper/sampler: {sampler.__name__} needs the package {missing[0]}, which is not "
                f"installed; install it (pip install {missing[0]}) or choose another sampler"
            )


def build(kind: str, options: Options) -> Any:
    """The object that `options` describe; raises ConfigError if it rejects an option."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # the user has chosen this part
            return instantiate(dict(options))
    except Exception as error:
        cause = error.__cause__ or error
        given = ", ".join(f"{key}={value}" for key, value in options.items() if key != "_target_")
        raise ConfigError(f"hydra.sweeper.{kind} ({given}): {cause}") from None


def _count(value: Any) -> Any:
    """`value` with sizes such as 5k as numbers, also in the options of a wrapped pruner."""
    if isinstance(value, Mapping):
        return {key: _count(inner) for key, inner in value.items()}
    return parse_size(value) if isinstance(value, str) and is_whole(value) else value
