"""Compares the record of a trial with the result of training it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from dqn_exp.runs import KINDS, NETWORK, RESULT, metrics_path, read_json, read_metrics

LAST_DIGITS = 1e-5
"""Two numbers differ only in the last digits if their distance is at most this share of their size, or of 1
if that is larger. Networks compute with seven digits."""
MEASURED = (
    *("status", "episodes", "env_steps", "updates"),
    *("final_return", "final_std", "final_returns", "measures"),
)
"""The keys of a result that do not depend on measured time."""
Likeness = Literal["equal", "last digits", "differs", "failed"]


class AuditVerdict(NamedTuple):
    """The result of comparing a trial with its record."""

    likeness: Likeness
    why: str = ""
    """The first difference, or the error."""


EQUAL = AuditVerdict("equal")


def compare(recorded: Path, again: Path) -> AuditVerdict:
    """The verdict on the trial in `recorded`, which was trained again in `again`.

    "equal": its metrics, network and result are the same, bit for bit, except for measured seconds.
    """
    differences = list(_differences(recorded, again))
    worst = next((verdict for verdict in differences if verdict.likeness == "differs"), None)
    return worst or next(iter(differences), EQUAL)


def _differences(recorded: Path, again: Path) -> Iterator[AuditVerdict]:
    for kind in KINDS:
        yield from _metric_differences(metrics_path(recorded, kind), metrics_path(again, kind))
    yield from _network_differences(recorded / NETWORK, again / NETWORK)
    ours, theirs = (_flat(read_json(folder / RESULT)) for folder in (recorded, again))
    if ours.keys() != theirs.keys():
        yield AuditVerdict("differs", f"{RESULT} has other keys")
        return
    for name in ours:
        yield from _value_differences(f"{RESULT}, {name}", ours[name], theirs[name])


def _metric_differences(recorded: Path, again: Path) -> Iterator[AuditVerdict]:
    if recorded.read_bytes() == again.read_bytes():
        return
    (names, rows), (other_names, other_rows) = read_metrics(recorded), read_metrics(again)
    if names != other_names:
        yield AuditVerdict("differs", f"{recorded.name} has other columns")
        return
    yield AuditVerdict("last digits", f"{recorded.name} is not identical bit for bit")
    for number, (row, other) in enumerate(zip(rows, other_rows, strict=False), start=2):
        for name, value, now in zip(names, row, other, strict=True):
            yield from _value_differences(
                f"{recorded.name}, line {number}, {name}", _number(value), _number(now)
            )
    if len(rows) != len(other_rows):
        yield AuditVerdict(
            "differs", f"{recorded.name} has {len(rows)} rows in the record, {len(other_rows)} now"
        )


def _network_differences(recorded: Path, again: Path) -> Iterator[AuditVerdict]:
    from safetensors.numpy import load

    if recorded.read_bytes() == again.read_bytes():
        return
    ours, theirs = (load(file.read_bytes()) for file in (recorded, again))
    if {name: x.shape for name, x in ours.items()} != {name: x.shape for name, x in theirs.items()}:
        yield AuditVerdict("differs", f"{NETWORK} has other layers")
        return
    for name, weights in ours.items():
        gap = np.abs(theirs[name].astype(np.float64) - weights)
        if not (gap <= LAST_DIGITS * np.maximum(np.abs(weights), 1.0)).all():
            yield AuditVerdict("differs", f"{NETWORK}, {name}: weights differ by up to {gap.max():.2g}")
    yield AuditVerdict("last digits", f"{NETWORK} is not identical bit for bit")


def _value_differences(place: str, value: object, now: object) -> Iterator[AuditVerdict]:
    if value == now or (value != value and now != now):  # both are NaN
        return
    text = f"{place}: {value} in the record, {now} now"
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (value, now))
    if numbers and abs(value - now) <= LAST_DIGITS * max(abs(value), 1.0):  # type: ignore[operator,arg-type]
        yield AuditVerdict("last digits", text)
    else:
        yield AuditVerdict("differs", text)


def _number(text: str) -> object:
    """A cell of a metrics file as a number; a truth value stays text."""
    try:
        return float(text)
    except ValueError:
        return text


def _flat(result: dict[str, object]) -> dict[str, object]:
    """The compared values of a result; each member of a list or of the measures is a value of its own."""
    flat: dict[str, object] = {}
    for name in MEASURED:
        value = result.get(name)
        if isinstance(value, list):
            flat |= {f"{name} {number}": member for number, member in enumerate(value, start=1)}
        elif isinstance(value, dict):
            flat |= {f"{name} {key}": member for key, member in value.items()}
        else:
            flat[name] = value
    return flat
