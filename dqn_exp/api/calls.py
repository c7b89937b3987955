"""The functions of the Python interface: each runs one command of the command line in this process."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

import dqn_exp
from dqn_exp.api.arguments import Interval, Seeds, Values, as_text, axes_of, overrides_of, place_of, seeds_of
from dqn_exp.api.results import Study, Sweep, Trial
from dqn_exp.api.threads import one_thread
from dqn_exp.api.training import Training
from dqn_exp.borrowed import arguments_parser, isolated_hydra, sweeper_of
from dqn_exp.cli import (
    Summary,
    as_found,
    check_single,
    explain,
    prepare_single_run,
    read_command,
    run_hydra,
    worker_server,
)
from dqn_exp.config import CONF, ConfigError
from dqn_exp.registry import REGISTRIES
from dqn_exp.workers import run_single

Place = str | PathLike[str]
PROGRAM = str(Path(dqn_exp.__file__).with_name("__main__.py"))
"""With this program name, commands are recorded as `python -m dqn_exp ...` and can be typed again."""


def train(values: Values | None = None, /, **keys: Any) -> Training:
    """Train one trial without a record: iterate over the returned object to train and get the events.

    `values` and `keys` are values and groups of the configuration, as on the command line. Names without a
    dot can be keywords; all names can be keys of a dict:
    `train({"network.hidden": [64, 64]}, env="acrobot")`.
    Raises ConfigError before any training for everything that the command line refuses.
    """
    given = {**(values or {}), **keys}
    _refuse_dry_run(given)
    with _command(overrides_of(given)):
        config, _ = check_single(arguments_parser().parse_args(sys.argv[1:]))
    return Training(config)


def run(values: Values | None = None, /, *, directory: Place | None = None, **keys: Any) -> Trial:
    """Train one trial and write its record to `directory`, by default a new one below `outputs/runs`.

    `values` and `keys` are as in `train`. The same call again continues an interrupted trial; if an equal
    trial is finished, it is taken instead of trained. Raises ConfigError as `train` does, Locked if another
    process runs the trial, and any exception of the training.
    """
    given = {**(values or {}), **keys}
    _refuse_dry_run(given)
    places = list[Path]()

    def task(composed: DictConfig) -> float | None:
        place = Path(HydraConfig.get().runtime.output_dir)
        places.append(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)
        return run_single(composed)

    with one_thread(), _command([*overrides_of(given), *place_of("hydra.run.dir", directory)]):
        prepare_single_run(sys.argv)
        run_hydra(task)
    return Trial(places[0])


def sweep(
    values: Values | None = None,
    /,
    *,
    axes: Mapping[str, Iterable[Any]] | None = None,
    seeds: Seeds | None = None,
    n_jobs: int | None = None,
    directory: Place | None = None,
    **keys: Any,
) -> Sweep:
    """Train every combination of the values of `axes` with every seed, in parallel.

    Args:
        values: as in `train`, with `keys`; they apply to all trials.
        axes: lists of values by key, `{"buffer": [500, "17k"], "network.hidden": [[64], [64, 64]]}`.
        seeds: the number of seeds (from 0 on), a list of seeds, or "until_decided"; by default 5.
        n_jobs: trials at a time; by default one per core.
        directory: the sweep's directory; by default a new folder below `outputs/sweeps`.

    The same call again resumes the sweep. If a trial fails, the others continue; it gets the status "failed",
    and the same call tries it again. Raises ConfigError for errors in any trial before the first begins, and
    Locked if another process works in `directory`.
    """
    given = {**(values or {}), **keys}
    arguments = [
        *overrides_of({"report": False, **given}),
        *axes_of(axes or {}, "axes"),
        *seeds_of(seeds),
        *_given("hydra.launcher.n_jobs", n_jobs),
        *place_of("hydra.sweep.dir", directory),
    ]
    ending = Summary(with_report=bool(given.get("report")), with_table=False, again="call")
    return Sweep(_run_sweeper(arguments, given, "run_sweep", ending).directory)


def study(
    values: Values | None = None,
    /,
    *,
    space: Mapping[str, Iterable[Any] | Interval] | None = None,
    n_trials: int | None = None,
    seeds: Seeds | None = None,
    n_jobs: int | None = None,
    directory: Place | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    **keys: Any,
) -> Study:
    """Search the values of `space` for the best configuration: an Optuna study over several seeds.

    Args:
        values: as in `train`, with `keys`; `objective="final_return"` names the score.
        space: lists of choices, or intervals, by key:
            `{"lr": interval(1e-4, 1e-2, log=True), "batch": [32, 64]}`.
        n_trials: the number of proposals; by default 20.
        seeds: the seeds of each proposal, as in `sweep`; by default 5.
        n_jobs: proposals at a time; by default one per core.
        directory: the study's directory; by default a folder of its own below `outputs/studies`.
        sampler: such as "tpe" or "random"; by default "tpe".
        pruner: such as "median" or "hyperband"; by default none.

    The same call again resumes the study. Raises ConfigError before any training.
    """
    given = {**(values or {}), **keys}
    arguments = [
        "hydra/sweeper=optuna",
        *_given("hydra/sweeper/sampler", sampler),
        *_given("hydra/sweeper/pruner", pruner),
        *overrides_of({"report": False, **given}),
        *axes_of(space or {}, "space"),
        *seeds_of(seeds),
        *_given("hydra.sweeper.n_trials", n_trials),
        *_given("hydra.launcher.n_jobs", n_jobs),
        *place_of("hydra.sweep.dir", directory),
    ]
    studied = _run_sweeper(arguments, given, "run_study")
    return Study(studied.directory, studied.name, studied.location)


@contextmanager
def _command(arguments: Sequence[str]) -> Iterator[None]:
    """Set up this process as for the command `python -m dqn_exp ARGUMENTS`.

    Errors of the user become ConfigErrors with the messages of the command line.
    """
    with as_found(), isolated_hydra():
        sys.argv[:] = [PROGRAM, *arguments]
        try:
            read_command(sys.argv)
            yield
        except KeyboardInterrupt:
            print("Interrupted. The same call continues.", file=sys.stderr)
            raise
        except ConfigError:
            raise
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            message = explain(error)
            if message is None:
                raise
            raise ConfigError(message) from None


def _run_sweeper(arguments: Sequence[str], given: Values, method: str, *more: Any) -> Any:
    """Call `method` of the command's sweeper with the overrides and `more`; returns its result."""
    if "seed" in given:
        raise ConfigError(
            f"seed={given['seed']!r} applies to one trial only; allowed here: seeds=[{given['seed']}]"
        )
    _refuse_parts_of_the_caller(arguments)
    with (
        _command(["-m", *arguments]),
        worker_server(sys.argv),
        sweeper_of(sys.argv[2:], CONF, run_single) as (sweeper, overrides),
    ):
        if not hasattr(sweeper, method):
            raise ConfigError(OTHERWISE[method])
        return getattr(sweeper, method)(overrides, *more)


def _refuse_parts_of_the_caller(arguments: Sequence[str]) -> None:
    """Raise ConfigError if an argument names a part that the calling script or notebook has registered."""
    own = {name for registry in REGISTRIES for name in registry.registered_by("__main__")}
    for argument in arguments:
        for name in own & set(re.findall(r"[\w-]+", argument)):
            raise ConfigError(
                f"{argument}: {name!r} is registered in this script or notebook, which the training "
                f"processes do not import; allowed: registering it in a module named in imports=['my_parts'] "
                f"(in a notebook, %%writefile my_parts.py writes a cell to a module)"
            )


OTHERWISE = {
    "run_sweep": "sweep() does not run studies, and hydra/sweeper is optuna; allowed: dqn_exp.study(...)",
    "run_study": "study() needs hydra/sweeper=optuna, and another is chosen; allowed: dqn_exp.sweep(...)",
}
"""The messages if a file has chosen another sweeper than a function needs."""


def _given(key: str, value: int | str | None) -> list[str]:
    return [] if value is None else [f"{key}={as_text(value)}"]


def _refuse_dry_run(given: Values) -> None:
    if given.get("dry_run"):
        raise ConfigError(
            "dry_run=True: without training there is no trial to return; allowed: python -m dqn_exp "
            "dry_run=true, dqn_exp.sweep(dry_run=True) or dqn_exp.study(dry_run=True)"
        )
