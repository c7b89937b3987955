"""Write the folder of a model, completely or not at all, and load it again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from dqn_exp.config import ConfigError, recorded_config
from dqn_exp.export.card import card
from dqn_exp.export.curve import draw_curve
from dqn_exp.export.evaluation import Evaluation, evaluate
from dqn_exp.export.formats import (
    CARD,
    CONFIG,
    CURVE,
    EVALUATION,
    FILM,
    FORMATS,
    MODEL,
    ONNX,
    SB3,
    Contents,
    NotExportable,
)
from dqn_exp.export.onnx import write_onnx
from dqn_exp.export.sb3 import write_sb3
from dqn_exp.registry import import_modules
from dqn_exp.runs import BEST, NETWORK, Result, read_description, read_json, read_result
from dqn_exp.trained import Trained, load_trained, rebuild
from dqn_exp.training import film, filmed_environment, write_mp4

TRAVELS = (
    "format",
    "config",
    "config_hash",
    "seed",
    "learner",
    "device",
    "started",
    "git",
    "source",
    "versions",
)
"""The keys of a trial's description that a model contains; without its machine and command."""
LONGEST_FILM = 1000


def export(
    trial: Path, folder: Path, formats: Collection[str], episodes: int, seed: int, best: bool, imports: bool
) -> tuple[Evaluation, Contents]:
    """Write the model of `trial` to `folder`, which must be missing or empty.

    formats: those that must be written; for others that fail, the reason is recorded. Raises ConfigError and
    NotExportable.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"--to {folder}: the folder is not empty; allowed: a new or an empty folder")
    trained = load_trained(trial, best, imports)
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        exported = _fill(temporary, trained, formats, episodes, seed, trial / (BEST if best else NETWORK))
        if folder.exists():
            folder.rmdir()
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return exported


def _fill(
    folder: Path, trained: Trained, formats: Collection[str], episodes: int, seed: int, network: Path
) -> tuple[Evaluation, Contents]:
    contents, record = Contents(), read_description(trained.directory)
    shutil.copyfile(network, folder / MODEL)
    description = {key: record[key] for key in TRAVELS if key in record}
    description["config"] = {
        k: v for k, v in description["config"].items() if k not in ("track", "tracking", "observers")
    }
    _write(folder / CONFIG, description)
    evaluation = evaluate(trained, episodes, seed)
    _write(
        folder / EVALUATION,
        {
            "mean_reward": evaluation.score.mean,
            "std_reward": evaluation.score.std,
            "episodes": episodes,
            "first_seed": seed,
            "returns": evaluation.score.returns,
        },
    )
    _add_formats(folder, trained, evaluation, formats, contents)
    if not draw_curve(trained, folder / CURVE):
        contents.left_out[CURVE] = "there was no evaluation during training"
    _add_film(folder, trained, seed, contents)
    result = read_result(trained.directory) or Result()
    contents.files = sorted({path.name for path in folder.iterdir()} | {CARD})
    (folder / CARD).write_text(card(trained, description, evaluation, result, contents))
    return evaluation, contents


def _add_formats(
    folder: Path, trained: Trained, evaluation: Evaluation, formats: Collection[str], contents: Contents
) -> None:
    def write(name: str) -> None:
        if name == "onnx":
            contents.onnx_difference = write_onnx(trained, evaluation.states, folder / ONNX)
        else:
            write_sb3(trained, folder / SB3)

    for name, file in FORMATS.items():
        try:
            write(name)
        except NotExportable as reason:
            (folder / file).unlink(missing_ok=True)
            if name in formats:
                raise NotExportable(f"--formats {name}: {reason}") from None
            contents.left_out[file] = str(reason)


def _add_film(folder: Path, trained: Trained, seed: int, contents: Contents) -> None:
    limited = trained.evaluation_env(LONGEST_FILM)
    try:
        with closing(filmed_environment(limited, lambda _, episode: seed + episode)) as env:
            env.use_statistics(trained.statistics)
            pictures = film(env, trained.greedy, 1, [])
            write_mp4(folder / FILM, pictures, env.frames_per_second)
    except ConfigError as reason:
        contents.left_out[FILM] = str(reason)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def load_model(folder: str | Path, imports: bool = False) -> Trained:
    """Load the network of a folder that `export` wrote: `load_model(folder).greedy(observations)`.

    Runs no code from the folder. `imports`: whether the modules that its configuration names may be imported.
    Raises ConfigError.
    """
    path = Path(folder)
    try:
        config = recorded_config(read_json(path / CONFIG), str(path / CONFIG))
        if imports:
            import_modules(config.imports)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} does not contain a model: {error}") from error
    if config.imports and not imports:
        raise ConfigError(f"{path} needs the modules {', '.join(config.imports)}: imports=True imports them")
    return rebuild(path, config, path / MODEL)
