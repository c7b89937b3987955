"""A study can continue after kill -9."""

from __future__ import annotations

import fcntl
import shlex
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.study.storage import dashboard_command, locate, open_storage, opening
from tests.program import deaf_service
from tests.runs.test_lock import without_locks


def journal_with(path: Path, values: list[float]) -> bytes:
    study = optuna.create_study(study_name="s", storage=open_storage(str(path)))
    for value in values:
        study.add_trial(optuna.create_trial(value=value))
    return path.read_bytes()


def reopened(path: Path) -> optuna.Study:
    open_storage.cache_clear()
    return optuna.load_study(study_name="s", storage=open_storage(str(path)))


def test_a_journal_cut_anywhere_in_its_last_line_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    whole = journal_with(path, [1.0, 2.0])
    last = whole.rfind(b"\n", 0, -1) + 1
    for cut in range(last, len(whole), 7):
        path.write_bytes(whole[:cut])
        reopened(path).add_trial(optuna.create_trial(value=3.0))
        assert [trial.value for trial in reopened(path).trials] == [1.0, 3.0]


def test_another_process_trims_what_a_dead_writer_left(tmp_path: Path) -> None:
    """The one that goes on has had the journal open all the time."""
    path = tmp_path / "journal.log"
    journal_with(path, [1.0])
    study = reopened(path)
    with open(path, "ab") as dead:
        dead.write(b'{"op_code":4,"worker_id":"x","stu')
    study.add_trial(optuna.create_trial(value=2.0))
    assert [trial.value for trial in study.trials] == [1.0, 2.0]
    assert [trial.value for trial in reopened(path).trials] == [1.0, 2.0]


def test_a_dead_holder_of_the_lock_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    journal_with(path, [1.0])
    with open(f"{path}.flock", "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
    started = time.monotonic()
    reopened(path).add_trial(optuna.create_trial(value=2.0))
    assert time.monotonic() - started < 10


def test_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    whole = journal_with(path, [1.0, 2.0])
    path.write_bytes(whole.replace(b'"op_code":4', b'"op_code":', 1))
    with pytest.raises(ConfigError, match=r"journal.log .* line 2 cannot be read"):
        reopened(path)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(ConfigError, match="not a journal"):
        open_storage(str(path))
    assert path.read_text() == "hello\n"


@pytest.mark.parametrize("given", ["sqlite://", "sqlite:///:memory:", "mysql:/x", "://"])
def test_storages_that_cannot_be_shared_are_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allowed: null"):
        locate(given, tmp_path)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(ConfigError, match=r"postgresql://me:\*\*\*@localhost:1/x.*onnection") as refused:
        open_storage("postgresql://me:secret@localhost:1/x")
    assert len(str(refused.value).splitlines()) == 1


def test_a_server_that_never_answers_is_refused_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(opening, "CONNECT_SECONDS", 2)  # the least
    began = time.monotonic()
    with deaf_service() as address, pytest.raises(ConfigError) as refused:
        open_storage(f"postgresql://me@{address}/x")
    assert time.monotonic() - began < 20
    assert f"storage=postgresql://me@{address}/x: connection timeout expired; allowed: " in str(refused.value)


def test_a_time_in_the_url_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(opening, "CONNECT_SECONDS", 1000)
    with deaf_service() as address, pytest.raises(ConfigError, match="timeout expired"):
        open_storage(f"postgresql://me@{address}/x?connect_timeout=2")


def test_tables_of_an_older_optuna(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    open_storage(url)
    open_storage.cache_clear()
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'v2.6.0.a'")
    with pytest.raises(ConfigError, match=rf"no longer compatible.* storage upgrade --storage '{url}'"):
        open_storage(url)


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    with pytest.raises(ConfigError, match=rf"^{tmp_path} is on a file system without locks"):
        optuna.create_study(storage=open_storage(str(tmp_path / "journal.log")))


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs the package psycopg.*pip install"):
        open_storage("postgresql://me@localhost:2/x")


def test_the_dashboard_opens_each_storage(location: str) -> None:
    """With the very words of the command that is printed."""
    dashboard = pytest.importorskip("optuna_dashboard._storage_url")
    optuna.create_study(study_name="shown", storage=open_storage(location))
    program, target = shlex.split(dashboard_command(location))
    assert program == "optuna-dashboard"
    seen = dashboard.get_storage(target)
    assert [study.study_name for study in seen.get_all_studies()] == ["shown"]
