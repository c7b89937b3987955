"""`python -m analysis audit`: trains random trials of a sweep again and compares them with their records."""

from __future__ import annotations

import argparse
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analysis.audit.compare import AuditVerdict
from analysis.audit.sentences import sentences
from analysis.audit.training import config_of, retrain
from analysis.errors import AnalysisError
from analysis.records import ENDED, Paths, add_path_arguments, read_sweep, warn_about
from dqn_exp.config import ConfigError
from dqn_exp.runs import attempts_of, differences, read_description

TRIALS = 20
MOST_SHOWN = 5
"""The most reasons that are printed one by one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_path_arguments(parser)
    parser.add_argument(
        "--trials",
        type=int,
        default=TRIALS,
        help="trials to train again (default: 20); if 59 are equal, at most 5%% of all are wrong (95%% "
        "confidence)",
    )
    parser.add_argument(
        "--seed", type=int, help="seed of the random choice (default: a new one, which is printed)"
    )
    parser.add_argument(
        "--imports", action="store_true", help="run the modules that the trials name in `imports`"
    )
    parser.add_argument("--n-jobs", type=int, help="trials at a time (default: one for each core)")


def run(args: argparse.Namespace) -> int:
    """Returns the exit status: 1 if a trial differs by more than last digits or cannot be trained, else 0."""
    for option, value in (("--trials", args.trials), ("--n-jobs", args.n_jobs)):
        if value is not None and value < 1:
            raise AnalysisError(f"{option} {value}; allowed: 1 or more")
    if args.seed is not None and args.seed < 0:
        raise AnalysisError(f"--seed {args.seed}; allowed: 0 or more")
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    verdicts = audit(args.paths, args.trials, seed, args.imports, args.n_jobs or os.cpu_count() or 1)
    return int(any(verdict.likeness in ("differs", "failed") for _, verdict in verdicts))


class Candidates(NamedTuple):
    """Trials that can be trained again, and the reasons why others cannot, with counts."""

    fit: list[Path]
    unfit: Counter[str]


def audit(
    paths: Paths, trials: int, seed: int, imports: bool, workers: int
) -> Sequence[tuple[Path, AuditVerdict]]:
    """Train a number `trials` of the trials in `paths` again, chosen at random by `seed`; print the result.

    Raises AnalysisError if none can be trained again.
    """
    sweep = read_sweep(paths)
    warn_about(sweep.skipped)
    runs = {trial.directory: trial.run for trial in sweep.trials}
    choice = candidates([trial.directory for trial in sweep.trials if trial.status in ENDED], imports)
    unfinished = sum(trial.status not in ENDED for trial in sweep.trials)
    choice.unfit.update({"not ended": unfinished} if unfinished else {})
    for reason, count in choice.unfit.most_common(MOST_SHOWN):
        print(f"Not audited: {count} ({reason}).")
    if not choice.fit:
        raise AnalysisError(
            f"{sweep.paths[0]}: no trial can be trained again; allowed: trials of dqn_exp that have ended"
        )
    chosen = np.random.default_rng(seed).choice(
        len(choice.fit), size=min(trials, len(choice.fit)), replace=False
    )
    directories = [choice.fit[place] for place in chosen]
    print(f"{len(directories)} of {len(choice.fit)} trials, chosen at random by --seed {seed}.")
    for reason, count in _programs(directories).most_common(MOST_SHOWN):
        print(f"Trained by another program: {count} ({reason}).")
    verdicts = []
    for directory, verdict in retrain(directories, workers):
        verdicts.append((directory, verdict))
        explanation = f": {verdict.why}" if verdict.why else ""
        print(
            f"[{len(verdicts)}/{len(directories)}] {runs[directory]}: {verdict.likeness}{explanation}",
            flush=True,
        )
    for sentence in sentences(verdicts, len(choice.fit)):
        print(sentence)
    return verdicts


def candidates(directories: Sequence[Path], imports: bool) -> Candidates:
    """Find out which of these ended trials give the same numbers each time they are trained."""
    result = Candidates([], Counter())
    for directory in directories:
        reason = _obstacle(directory, imports)
        if reason is None:
            result.fit.append(directory)
        else:
            result.unfit[reason] += 1
    return result


def _obstacle(directory: Path, imports: bool) -> str | None:
    """Why a trial would not give the same numbers again; None if it would."""
    record = read_description(directory)
    if "imported" in record:
        return "imported from another program's logs"
    try:
        config = config_of(directory)
    except ConfigError as error:
        return str(error).partition("\n")[0]
    if config.budget.seconds is not None:
        return "budget.seconds: how many steps they make depends on the machine"
    if record.get("device") == "cuda":
        return "trained on a GPU, which adds numbers in no fixed order"
    if config.imports and not imports:
        return f"they need the modules {', '.join(config.imports)}: add --imports if you trust them"
    if not all(attempt.get("exact", True) for attempt in attempts_of(record)):
        return "interrupted, and not continued exactly"
    return None


def _programs(directories: Sequence[Path]) -> Counter[str]:
    """Differences between this program and those that trained the trials, with the number of trials."""
    texts = (differences(read_description(path), config_of(path)) for path in directories)
    return Counter(", ".join(each) for each in texts if each)
