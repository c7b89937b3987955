"""stable-baselines3: `monitor.csv` of training episodes and `evaluations.npz` of `EvalCallback`.

A run is a folder with monitor files (one for each of its environments) and the evaluations in or below it.
The configuration comes from RL Zoo's files (`rl_zoo.py`) and from a saved model, if they exist.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports import rl_zoo
from analysis.imports.names import as_seed, parse_run_name, renamed
from analysis.imports.trial import Columns, ImportedTrial, RunFacts
from analysis.records import Value, natural_key
from dqn_exp.scores import Floats

PROGRAM = "stable-baselines3"
EVALUATIONS = "evaluations.npz"
MONITOR = "monitor.csv"
HYPERPARAMETERS = (
    *("learning_rate", "buffer_size", "batch_size", "gamma", "tau", "learning_starts", "gradient_steps"),
    *("target_update_interval", "exploration_fraction", "exploration_initial_eps", "exploration_final_eps"),
    *("max_grad_norm", "n_steps", "n_epochs", "gae_lambda", "ent_coef", "vf_coef"),
)
"""The hyperparameters that are read from a saved model."""


def find(path: Path) -> list[Path]:
    """The folders of runs in or below `path`."""
    monitored = {file.parent for file in _files(path, f"*{MONITOR}") if _is_monitor(file)}
    evaluated = {file.parent for file in _files(path, EVALUATIONS)}
    alone = {folder for folder in evaluated if not monitored & {folder, *folder.parents}}
    return sorted(monitored | alone, key=lambda folder: natural_key(str(folder)))


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each folder that `find` finds. Raises AnalysisError for a run that cannot be read."""
    folders = find(path)
    for folder in folders:
        yield _read_run(folder, _name(folder, path), folders)


def _files(path: Path, pattern: str) -> list[Path]:
    return sorted(path.rglob(pattern)) if path.is_dir() else [path] if path.match(pattern) else []


def _name(folder: Path, path: Path) -> str:
    """Name of a run: its folder relative to `path`, or the folder's own name if it is `path`."""
    inner = folder.relative_to(path if path.is_dir() else path.parent)
    return str(inner) if inner.parts else folder.absolute().name


def _read_run(folder: Path, name: str, others: Sequence[Path]) -> ImportedTrial:
    monitors = [read_monitor(file) for file in sorted(folder.glob(f"*{MONITOR}")) if _is_monitor(file)]
    episodes = _episodes([columns for _, columns in monitors])
    evaluations = _evaluations(folder, others)
    if episodes and evaluations:
        evaluations = {**evaluations, "episode": _episodes_by(episodes, evaluations["env_step"])}
    by_name, seed = parse_run_name(name)
    model, zoo = _saved_model(folder), rl_zoo.read_settings(folder)
    config = {**by_name, **renamed(_hyperparameters(model)), **renamed(zoo)}
    environments = [header["env_id"] for header, _ in monitors if header.get("env_id")]
    config |= {"env.id": environments[0]} if environments else {}
    known = [as_seed(zoo.get("seed")), as_seed(model.get("seed")), seed]
    config.pop("seed", None)
    return ImportedTrial(
        name,
        PROGRAM,
        folder,
        config,
        next((value for value in known if value is not None), None),
        episodes,
        evaluations,
    )


def _is_monitor(file: Path) -> bool:
    with open(file, "rb") as opened:
        return opened.read(2) == b"#{"


def read_monitor(file: Path) -> tuple[Mapping[str, Any], dict[str, Floats]]:
    """Header and columns (r: return, l: length, t: seconds) of a monitor file.

    An incomplete last line is left out. Raises AnalysisError for any other line that cannot be read.
    """
    whole = file.read_text(errors="replace").rpartition("\n")[0].split("\n")
    try:
        header = json.loads(whole[0].removeprefix("#"))
    except ValueError:
        raise AnalysisError(
            f"{file}, line 1: {whole[0][:60]!r}; allowed: # and a JSON object, as Monitor writes it"
        ) from None
    names = next(csv.reader(whole[1:2]), [])
    if not {"r", "l", "t"} <= set(names):
        raise AnalysisError(f"{file}, line 2: columns {', '.join(names) or 'missing'}; allowed: r, l and t")
    indices = [names.index(name) for name in ("r", "l", "t")]
    rows = []
    for number, line in enumerate(csv.reader(whole[2:]), start=3):
        try:
            rows.append([float(line[place]) for place in indices])
        except (ValueError, IndexError):
            raise AnalysisError(
                f"{file}, line {number}: {','.join(line)[:60]!r}; allowed: a number in r, l and t"
            ) from None
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return header, {"r": values[:, 0], "l": values[:, 1], "t": values[:, 2] + header.get("t_start", 0.0)}


def _episodes(monitors: Sequence[Mapping[str, Floats]]) -> Columns:
    """The episodes of all environments of a run, in the order in which they ended.

    All environments step together. At the end of an episode each has made as many steps as this
    environment's episodes so far are long in total; `env_step` is that number times the environments.
    """
    steps = [len(monitors) * np.cumsum(monitor["l"]) for monitor in monitors]
    if not sum(map(len, steps)):
        return {}
    at = np.concatenate(steps)
    order = np.argsort(at, kind="stable")
    return {
        "episode": np.arange(1.0, len(at) + 1),
        "env_step": at[order],
        "return": np.concatenate([monitor["r"] for monitor in monitors])[order],
        "length": np.concatenate([monitor["l"] for monitor in monitors])[order],
    }


def _episodes_by(episodes: Columns, steps: Floats) -> Floats:
    """The number of training episodes that had ended by each of `steps` [m]: [m]."""
    return np.searchsorted(episodes["env_step"], steps, side="right").astype(np.float64)


def _evaluations(folder: Path, others: Sequence[Path]) -> Columns:
    """The evaluations of the run in `folder`. Files in or below another run's folder belong to that run."""
    inner = [other for other in others if other != folder and folder in other.parents]
    files = [
        file
        for file in _files(folder, EVALUATIONS)
        if not any(other == file.parent or other in file.parents for other in inner)
    ]
    if len(files) > 1:
        listed = ", ".join(str(file.relative_to(folder)) for file in files)
        raise AnalysisError(
            f"{folder}: several files of evaluations of one run: {listed}; allowed: one for each run"
        )
    return read_evaluations(files[0]) if files else {}


def read_evaluations(file: Path) -> Columns:
    """The evaluations in a file of `EvalCallback`. Raises AnalysisError for another kind of file."""
    try:
        with np.load(file, allow_pickle=False) as content:
            steps, results = (np.asarray(content[name], float) for name in ("timesteps", "results"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise AnalysisError(
            f"{file}: {error}; allowed: numbers in timesteps [m] and results [m, episodes], not pickled"
        ) from None
    if steps.ndim != 1 or results.ndim != 2 or len(steps) != len(results):
        raise AnalysisError(
            f"{file}: timesteps {list(steps.shape)} and results {list(results.shape)}; allowed: [m] and "
            f"[m, episodes]"
        )
    return {
        "env_step": steps,
        "mean_return": results.mean(axis=1),
        "std_return": results.std(axis=1),
        "n_episodes": np.full(len(steps), float(results.shape[1])),
    }


def _saved_model(folder: Path) -> Mapping[str, Any]:
    """The JSON data of a saved model in `folder`; nothing is unpickled. {} if there is none."""
    for file in sorted(folder.glob("*.zip")):
        try:
            with zipfile.ZipFile(file) as archive:
                content = json.loads(archive.read("data"))
        except (zipfile.BadZipFile, KeyError, ValueError, OSError):
            continue
        if isinstance(content, dict) and "policy_class" in content:
            return content
    return {}


def _hyperparameters(model: Mapping[str, Any]) -> dict[str, Value]:
    """The hyperparameters of the model, its algorithm, and the planned number of time steps."""
    plain = (int, float, str, bool)
    values = {name: model[name] for name in HYPERPARAMETERS if isinstance(model.get(name), plain)}
    if isinstance(model.get("_total_timesteps"), int):
        values["total_timesteps"] = model["_total_timesteps"]
    module = str((model.get("policy_class") or {}).get("__module__", "")).split(".")
    algorithm = {"algo": module[1]} if len(module) > 2 and module[1] != "common" else {}
    return {**algorithm, **values}
