"""Reading the record of a sweep or study as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqn_exp.config import ConfigError
from dqn_exp.runs.files import DamagedRecord
from dqn_exp.runs.manifest import read_manifest


@pytest.mark.parametrize("content", [{"trials": []}, {"format": 1, "study": {"name": "s"}}])
def test_a_record_is_read_as_it_is(content: dict[str, object], tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == {}
    (tmp_path / "sweep.json").write_text(json.dumps(content))
    assert read_manifest(tmp_path) == content


@pytest.mark.parametrize(
    ("found", "cause"), [(99, "was written by a newer version of dqn_exp"), (None, "is damaged")]
)
def test_an_unknown_format_is_refused(found: object, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps({"format": found, "trials": []}))
    with pytest.raises(ConfigError) as refused:
        read_manifest(tmp_path)
    assert str(refused.value) == f"{path} {cause}: it has format {found!r}; allowed: format 1"


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_damage_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text(content)
    with pytest.raises(DamagedRecord, match=r"sweep.json is damaged: "):
        read_manifest(tmp_path)
