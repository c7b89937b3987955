"""W&B's offline files of a trial that was interrupted and continued."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wandb.proto.wandb_internal_pb2 import Record

from dqn_exp.config.errors import ConfigError
from dqn_exp.runs.points import Points
from dqn_exp.trackers import build_tracker
from tests.trackers.trial import follow_in_two_attempts

BLOCK = 32768
HEADER = struct.Struct("<IHB")
"""Of a piece of a record: checksum, length, and which one it is: whole (1), first (2), middle, last (4)."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial in two attempts, followed by W&B offline."""
    place = tmp_path_factory.mktemp("sweep")
    follow_in_two_attempts(
        place / "buffer=17k,seed=3",
        {"wandb": {"project": "mine", "mode": "offline", "folder": str(place / "wb")}},
    )
    return place


def records(path: Path) -> Iterator[Record]:
    """Those of an offline file: LevelDB's log format behind seven bytes, each a message of wandb's own."""
    content, at, whole = path.read_bytes(), 7, b""
    while at + HEADER.size <= len(content):
        if BLOCK - at % BLOCK < HEADER.size:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = HEADER.unpack_from(content, at)
        at += HEADER.size
        whole += content[at : at + size]
        at += size
        if kind in (1, 4):
            yield Record.FromString(whole)
            whole = b""


def all_records(place: Path) -> list[Record]:
    paths = sorted(place.glob("wb/wandb/offline-run-*/*.wandb"))
    assert paths
    return [record for path in paths for record in records(path)]


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def test_every_number_is_there_once(place: Path) -> None:
    rows = [values(r.history.item) for r in all_records(place) if r.WhichOneof("record_type") == "history"]
    found = [
        (int(row["_step"]), {key: value for key, value in row.items() if not key.startswith("_")})
        for row in rows
    ]
    assert found == list(Points(place / "buffer=17k,seed=3").up_to(10**9))


def test_a_run_says_whose_it_is(place: Path) -> None:
    told = [record.run for record in all_records(place) if record.WhichOneof("record_type") == "run"]
    assert {run.project for run in told} == {"mine"}
    assert {run.run_group for run in told} == {f"{place.name}/buffer=17k"}
    assert {run.display_name for run in told} == {"buffer=17k/seed=3"}
    assert {run.job_type for run in told} == {"train"}
    assert len({run.run_id for run in told}) == 1


def test_a_mode_that_is_none_is_refused(tmp_path: Path) -> None:
    options = {"project": "p", "mode": "ofline", "folder": str(tmp_path)}
    with pytest.raises(ConfigError, match=r"tracking\.wandb=.*mode='ofline'; allowed: offline, online"):
        build_tracker("wandb", options)
