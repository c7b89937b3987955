"""`python -m analysis import`: logs of other programs to a sweep that all commands can read."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from analysis.errors import AnalysisError
from analysis.imports import mlflow, stable_baselines, table, tensorboard, wandb
from analysis.imports.names import folder_name
from analysis.imports.trial import ImportedTrial, RunFacts
from analysis.imports.writer import check_free, rule, write_sweep
from analysis.records import BLOCK
from dqn_exp.text import format_count


class Source(NamedTuple):
    """A kind of log."""

    find: Callable[[Path], list[Path]]
    """The logs of this kind in or below a path."""
    read: Callable[[Path, RunFacts], Iterator[ImportedTrial]]


SOURCES = {
    "stable-baselines3": Source(stable_baselines.find, stable_baselines.read),
    "tensorboard": Source(tensorboard.find, tensorboard.read),
    "mlflow": Source(mlflow.find, mlflow.read),
    "wandb": Source(wandb.find, wandb.read),
    "csv": Source(table.find, table.read),
}
"""Kinds of log by the name for --format. The first kind that finds logs reads them. RL Zoo's folders are read
as stable-baselines3."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a log, or a folder with the logs of several runs"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="SWEEP", help="new folder for the sweep")
    parser.add_argument(
        "--format",
        choices=SOURCES,
        help="kind of log (default: recognised from PATH); for RL Zoo: stable-baselines3",
    )
    parser.add_argument(
        "--env", metavar="ID", help="environment, if the logs do not name it, for example CartPole-v1"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        help="mean return that counts as converged (default: the environment's own)",
    )
    parser.add_argument(
        "--consecutive", type=int, default=3, help="consecutive evaluations that must reach it (default: 3)"
    )
    parser.add_argument(
        "--columns", nargs="+", default=[], metavar="OURS=THEIRS",
        help="names of columns in the log: return=NAME (of training episodes), mean_return=NAME (of "
        "evaluations), env_step=NAME, episode=NAME, seed=NAME, run=NAME, ...",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    if args.consecutive < 1:
        raise AnalysisError(f"--consecutive {args.consecutive}; allowed: 1 or more")
    facts = RunFacts(args.env, args.threshold, args.consecutive, _columns(args.columns))
    for line in import_logs(args.path, args.to, facts, args.format):
        print(line)


def import_logs(path: Path, to: Path, facts: RunFacts, source: str | None = None) -> list[str]:
    """Write the runs that are logged in `path` as a sweep into `to`; returns sentences about what was found.

    Raises AnalysisError for bad input; then nothing is written.
    """
    check_free(to)
    if not path.exists():
        raise AnalysisError(f"{path} does not exist")
    source, others = (source, []) if source else _recognise(path)
    trials = _with_folder_names(list(SOURCES[source].read(path, facts)))
    if not trials:
        raise AnalysisError(f"{path} holds no logs of {source}; allowed: {', '.join(SOURCES)} (--format)")
    for trial in trials:
        if not trial.episodes and not trial.evaluations:
            raise AnalysisError(
                f"{trial.path} contains no episode and no evaluation; allowed: a run with at least one"
            )
    command = ["python", "-m", "analysis", "import", str(path), "--to", str(to)]
    write_sweep(trials, facts, to, shlex.join(command))
    return [*_sentences(trials, facts, source, path, to), *_other_kinds(others, source)]


def _recognise(path: Path) -> tuple[str, list[str]]:
    """The first kind of log in `path`, and the other kinds in it. Raises AnalysisError if there is none."""
    kinds = [name for name, source in SOURCES.items() if name != "csv" and source.find(path)]
    if not kinds:
        kinds = ["csv"] if SOURCES["csv"].find(path) else []
    if not kinds:
        raise AnalysisError(
            f"{path} holds no logs of a known kind; allowed: monitor.csv or evaluations.npz of "
            f"stable-baselines3 (RL Zoo too), TensorBoard's event files, MLflow's mlruns or "
            f"SQLite database, CSV exports of W&B, or CSV files with named columns"
        )
    return kinds[0], kinds[1:]


def _with_folder_names(trials: Sequence[ImportedTrial]) -> list[ImportedTrial]:
    """`trials` with names that are valid folders. Raises AnalysisError if two trials have the same name."""
    trials = [replace(trial, name=folder_name(trial.name)) for trial in trials]
    repeated = [name for name, count in Counter(trial.name for trial in trials).items() if count > 1]
    if repeated:
        both = [str(trial.path) for trial in trials if trial.name == repeated[0]]
        raise AnalysisError(
            f"two runs have the name {repeated[0]}: {', '.join(both[:2])}; allowed: different names"
        )
    return trials


def _columns(pairs: Sequence[str]) -> dict[str, str]:
    """The pairs OURS=THEIRS as a mapping from our name to theirs."""
    for pair in pairs:
        if not all(pair.partition("=")[::2]):
            raise AnalysisError(f"--columns {pair}; allowed: OURS=THEIRS, such as return=episode_reward")
    return {ours: theirs for ours, _, theirs in (pair.partition("=") for pair in pairs)}


def _sentences(
    trials: Sequence[ImportedTrial], facts: RunFacts, source: str, path: Path, to: Path
) -> Iterator[str]:
    programs = " and ".join(dict.fromkeys(trial.program for trial in trials))
    yield f"{format_count(len(trials), 'trial')} ({programs}) from {path} to {to}"
    without_seed = sum(trial.seed is None for trial in trials)
    if without_seed:
        yield f"Trials with an unknown seed: {without_seed}. Each counts as having a seed of its own."
    rules = [rule(trial, facts) for trial in trials]
    if any("env.id" not in each for each in rules):
        yield "The logs do not name the environment; give it by --env ID."
    if any("convergence.threshold" not in each for each in rules):
        yield "No threshold is known, so convergence cannot be judged; give it by --threshold RETURN."
    by_training = sum(not trial.evaluations for trial in trials)
    if by_training:
        yield (
            f"Trials without evaluations: {by_training}. Their convergence is judged by blocks of {BLOCK} "
            f"training episodes, which explore."
        )
    yield f"Next: python -m analysis report {shlex.quote(str(to))}"


def _other_kinds(others: Sequence[str], source: str) -> list[str]:
    """A sentence about other kinds of log in the path, which may hold the same runs again."""
    return [f"Read as {source}. PATH also holds logs of {' and '.join(others)} (--format)."] if others else []
