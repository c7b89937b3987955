"""Finding the finished trials below some folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqn_exp.config.schema import Config
from dqn_exp.launch.stock import Stock, descriptions
from dqn_exp.runs.lock import directory_lock
from tests.helpers import make_config

CONFIG = make_config(seed=3)


def lay(directory: Path, config: Config = CONFIG, status: str = "exhausted", **further: object) -> Path:
    """What is read of a trial before it is taken."""
    directory.mkdir(parents=True)
    record = {"format": 2, "config_hash": config.hash(), **further}
    (directory / "trial.json").write_text(json.dumps(record, indent=2))
    (directory / "result.json").write_text(json.dumps({"status": status}))
    return directory


def test_finished_trials_are_found_wherever_they_lie(tmp_path: Path) -> None:
    first = lay(tmp_path / "sweeps" / "first" / "buffer=1k" / "seed=3")
    second = lay(tmp_path / "studies" / "a" / "trials" / "0007" / "seed=3", status="diverged")
    third = lay(tmp_path / "runs" / "2026", status="converged")
    lay(tmp_path / "sweeps" / "first" / "seed=4", make_config(seed=4))
    assert Stock([tmp_path]).finished(CONFIG) == sorted([first, second, third])
    assert Stock([tmp_path / "runs", tmp_path / "nowhere"]).finished(CONFIG) == [third]
    assert Stock([]).finished(CONFIG) == []


def test_what_was_trained_comes_before_what_was_taken(tmp_path: Path) -> None:
    copy = lay(tmp_path / "a", origin={"directory": str(tmp_path / "b")})
    trained = lay(tmp_path / "b")
    assert Stock([tmp_path]).finished(CONFIG) == [trained, copy]


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "pruned"])
def test_what_did_not_come_to_its_end_is_not_finished(status: str, tmp_path: Path) -> None:
    lay(tmp_path / "trial", status=status)
    stock = Stock([tmp_path])
    assert stock.finished(CONFIG) == []
    assert stock.unreadable == []


def test_what_is_not_begun_or_held_by_somebody_is_not_finished(tmp_path: Path) -> None:
    (lay(tmp_path / "begun") / "result.json").unlink()
    held = lay(tmp_path / "held")
    with directory_lock(held):
        assert Stock([tmp_path]).finished(CONFIG) == []
    assert Stock([tmp_path]).finished(CONFIG) == [held]


def test_copies_under_way_are_hidden(tmp_path: Path) -> None:
    lay(tmp_path / ".seed=3.tmp")
    (tmp_path / "link").symlink_to(lay(tmp_path / "elsewhere" / "trial").parent)
    assert [place for place, _ in descriptions(tmp_path)] == [tmp_path / "elsewhere" / "trial"]


def test_damage_is_named_and_left_out(tmp_path: Path) -> None:
    whole = lay(tmp_path / "whole")
    (lay(tmp_path / "torn") / "trial.json").write_text('{"config_h')
    (lay(tmp_path / "cut") / "result.json").write_text('{"status": "exh')
    (lay(tmp_path / "odd") / "result.json").write_text('{"state": 1}')
    (lay(tmp_path / "mended") / "trial.json").write_text(f'{{"config_hash":"{CONFIG.hash()}"')
    stock = Stock([tmp_path])
    assert stock.finished(CONFIG) == [whole]
    told = sorted(stock.unreadable)
    assert len(told) == 4
    assert f"{tmp_path / 'torn' / 'trial.json'} is damaged: it has no config_hash" in told
    assert any(text.startswith(f"{tmp_path / 'cut' / 'result.json'} is damaged") for text in told)


def test_a_newer_format_is_named_and_left_out(tmp_path: Path) -> None:
    known, newer = lay(tmp_path / "known"), lay(tmp_path / "newer", format=99)
    stock = Stock([tmp_path])
    assert stock.finished(CONFIG) == [known]
    (told,) = stock.unreadable
    assert told.startswith(
        f"{newer / 'trial.json'} was written by a newer version of dqn_exp: it has format 99;"
    )
