"""TensorBoard's event files of CleanRL, Tianshou, stable-baselines3, or with the user's own names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports.names import as_seed, parse_run_name, read_value, renamed
from analysis.imports.series import COLUMNS, STEP, Logged, SeriesPoints, check_columns, to_trial
from analysis.imports.trial import ImportedTrial, RunFacts
from analysis.records import Value, natural_key

EVENTS = "events.out.tfevents.*"
HYPERPARAMETERS = "hyperparameters/text_summary"
"""The tag under which CleanRL writes the arguments of a run as a table."""
SESSION = "_hparams_/session_start_info"
"""The tag of the values on TensorBoard's page of hyperparameters."""
OF_THE_COMMAND = re.compile(r"track|wandb_\w+|hf_\w+|capture_video|save_model|upload_model|cuda")
"""Arguments of CleanRL that do not affect learning."""


def find(path: Path) -> list[Path]:
    """The folders in or below `path` that hold event files."""
    if path.is_file():
        return [path] if path.match(EVENTS) else []
    folders = {file.parent for file in path.rglob(EVENTS)}
    return sorted(folders, key=lambda folder: natural_key(str(folder)))


def read(path: Path, facts: RunFacts) -> Iterator[ImportedTrial]:
    """One trial for each folder with event files. Raises AnalysisError for a folder that cannot be read."""
    check_columns(facts, COLUMNS)
    for folder in find(path):
        inner = str(folder.relative_to(path))
        name = folder.absolute().name if inner == "." else inner
        by_name, seed = parse_run_name(name)
        events = _events(folder)
        series = {tag: _points(events, tag) for tag in events.Tags()["scalars"]}
        arguments = {**_shown(events), **_arguments(events)}
        known = as_seed(arguments.pop("seed", None))
        config = {**by_name, **renamed(arguments)}
        yield to_trial(
            Logged(name, folder, "TensorBoard", config, seed if known is None else known, series), facts
        )


def _events(folder: Path) -> Any:
    """All events of a run. Raises AnalysisError if tensorboard is not installed."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise AnalysisError(
            f"{folder} holds TensorBoard's files, but the package tensorboard, which reads them, is not "
            f"installed; install it with: pip install 'dqn_exp[tensorboard]'"
        ) from None
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 1})
    try:
        events.Reload()
    except Exception as error:
        raise AnalysisError(f"{folder}: {error}; allowed: event files as TensorBoard writes them") from None
    return events


def _points(events: Any, tag: str) -> SeriesPoints:
    scalars = events.Scalars(tag)
    steps, values = ([getattr(point, of) for point in scalars] for of in (STEP, "value"))
    return SeriesPoints(np.array(steps, dtype=np.float64), np.array(values, dtype=np.float64))


def _shown(events: Any) -> dict[str, Value]:
    """The values on TensorBoard's page of hyperparameters, which has text instead of lists and null."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    if SESSION not in events.summary_metadata:
        return {}
    content = events.summary_metadata[SESSION].plugin_data.content
    values = HParamsPluginData.FromString(content).session_start_info.hparams
    plain = {name: getattr(value, value.WhichOneof("kind")) for name, value in sorted(values.items())}
    return {name: read_value(each) if isinstance(each, str) else each for name, each in plain.items()}


def _arguments(events: Any) -> dict[str, Value]:
    """The values in CleanRL's table of arguments, whose lines look like |learning_rate|0.00025|."""
    if HYPERPARAMETERS not in events.Tags()["tensors"]:
        return {}
    text = events.Tensors(HYPERPARAMETERS)[0].tensor_proto.string_val[0].decode(errors="replace")
    cells = [line.strip("|").split("|") for line in text.splitlines()[2:] if line.startswith("|")]
    return {
        cell[0]: read_value(cell[1])
        for cell in cells
        if len(cell) == 2 and not OF_THE_COMMAND.fullmatch(cell[0])
    }
