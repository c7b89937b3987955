"""The cache of a sweep: tables are the same with and without it, also if cache or files were changed."""

from __future__ import annotations

import base64
import json
import os
import pickle
import shutil
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import analysis
from analysis.errors import SkippedWarning
from analysis.records import cache, parquet
from analysis.records.disk import find_trials
from analysis.records.parquet import Entry, read_entries, write_entries
from dqn_exp.launch.stock import descriptions
from tests.analysis.synthetic import write_metrics, write_sweep, write_trial

pytest.importorskip("pyarrow")
KINDS = ("episodes", "evaluations", "losses")
Tables = list[tuple[pd.DataFrame, list[str]]]


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches are written of few trials too, and at once."""
    monkeypatch.setattr(cache, "PAYS_FROM", 2)
    monkeypatch.setattr(cache, "RENEWED_FROM", 0.0)
    monkeypatch.setattr(cache, "SETTLED_SECONDS", -1.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of trial: of several lists and nulls, with measures, running, failed, torn, damaged."""
    root = tmp_path_factory.mktemp("cached") / "sweep"
    axes = {"agent.max_grad_norm": [10, None], "network.hidden": [[128], [64, 64]]}
    write_sweep(root, axes, 2, lambda cell, seed: 5000.0)
    write_trial(root / "measured", {"seed": 7}, 5000, measures=["angle"])
    write_trial(root / "running", {"seed": 8}, status="running", end=2000)
    write_trial(root / "failed", {"seed": 9}, status="failed", cause="it broke", end=0)
    torn = write_trial(root / "torn", {"seed": 10}, 5000) / "evaluations.csv"
    torn.write_bytes(torn.read_bytes()[:-3])
    damaged = write_trial(root / "damaged", {"seed": 11}, 5000) / "losses.csv"
    damaged.write_bytes(damaged.read_bytes().replace(b"\n5,500", b"\n5,600", 1))
    (write_trial(root / "unreadable", {"seed": 12}, 5000) / "trial.json").write_text("{")
    (write_trial(root / "empty", {"seed": 13}, 5000) / "episodes.csv").write_bytes(b"")
    return root


@pytest.fixture
def sweep(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "sweep")


def tables(path: Path, kinds: Sequence[str] = ("losses",)) -> Tables:
    """What can be loaded, and what was warned of."""
    found = []
    calls: list[Callable[[], pd.DataFrame]] = [partial(analysis.load_runs, path)]
    calls += [partial(analysis.load_curves, path, kind) for kind in kinds]
    calls += [partial(analysis.load_curves, path, "episodes", grid=7)]
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = call()
        found.append((table, [str(warning.message) for warning in caught]))
    return found


def without_cache(path: Path, kinds: Sequence[str] = ("losses",)) -> Tables:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cache, "PAYS_FROM", 10**9)
        patched.setattr(cache, "FOLDER", ".nothing")
        return tables(path, kinds)


def assert_same(first: Tables, second: Tables) -> None:
    for (table, warned), (other, warned_too) in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(table, other, check_exact=True, check_categorical=True)
        for name in table.select_dtypes("object"):
            assert [*map(type, table[name])] == [*map(type, other[name])]
        assert table.attrs == other.attrs
        assert warned == warned_too


def files_of(sweep: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (sweep / cache.FOLDER).iterdir()}


def change_cached(sweep: Path, name: str, change: Callable[[Any], Any]) -> None:
    """Let the cache say something else than the files, so that it can be seen who is asked."""
    path = sweep / cache.FOLDER / f"{name}.parquet"
    entries = {
        key: Entry(entry.stamp, json.dumps(change(json.loads(bytes(entry.content)))).encode())
        for key, entry in read_entries(path).items()
    }
    write_entries(path, entries)


def seeds(path: Path) -> dict[str, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(analysis.load_runs(path).set_index("run")["seed"])


def cached_seeds(sweep: Path) -> dict[str, int]:
    """The seeds of all trials, with a cache that says -1 of each."""
    real = seeds(sweep)
    change_cached(sweep, "trial.json", lambda record: {**record, "seed": -1})
    return real


def test_tables_are_the_same_with_and_without(sweep: Path) -> None:
    plain = without_cache(sweep, KINDS)
    assert not (sweep / cache.FOLDER).exists()
    assert sum(len(warned) for _, warned in plain) > 6
    assert_same(plain, tables(sweep, KINDS))
    kept = files_of(sweep)
    assert set(kept) == {
        f"{name}.parquet" for name in ("trial.json", "result.json", *(f"{kind}.csv" for kind in KINDS))
    }
    assert_same(plain, tables(sweep, KINDS))


def test_what_has_not_changed_is_not_read_again(sweep: Path) -> None:
    real = cached_seeds(sweep)
    assert len(real) == 14
    assert set(seeds(sweep).values()) == {-1}


def test_a_part_of_a_sweep_several_and_all_above_it_share_its_cache(sweep: Path) -> None:
    cached_seeds(sweep)
    assert set(seeds(sweep.parent).values()) == {-1}
    assert not (sweep.parent / cache.FOLDER).exists()
    assert seeds(sweep / "running") == {".": 8}


def in_place(file: Path, content: bytes) -> None:
    with open(file, "r+b") as opened:
        opened.write(content)


def by_another_file(file: Path, content: bytes) -> None:
    other = file.with_name("other")
    other.write_bytes(content)
    os.replace(other, file)


@pytest.mark.parametrize("write", [in_place, by_another_file])
def test_a_changed_file_of_the_same_size_and_time_is_read_again(
    sweep: Path, write: Callable[[Path, bytes], None]
) -> None:
    real, file = cached_seeds(sweep), sweep / "measured" / "trial.json"
    before = file.stat()
    write(file, file.read_bytes().replace(b'"seed": 7, "l', b'"seed": 3, "l'))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert seeds(sweep) == {**dict.fromkeys(real, -1), "measured": 3}


def test_a_trial_in_the_place_of_another_is_read_again(sweep: Path) -> None:
    real = cached_seeds(sweep)
    shutil.rmtree(sweep / "measured")
    (sweep / "running").rename(sweep / "measured")
    del real["running"]
    assert seeds(sweep) == {**dict.fromkeys(real, -1), "measured": 8}


def test_a_trial_that_goes_on_is_seen_to_go_on(sweep: Path) -> None:
    """Its records grow, and its end replaces them."""
    tables(sweep)
    write_metrics(sweep / "running", "episodes", [(99, 9_000, 9_000, 1.0, 100, 0.1)], ())
    result = json.loads((sweep / "running" / "result.json").read_text())
    for status in ("interrupted", "exhausted"):
        (sweep / "running" / "result.json").write_text(json.dumps({**result, "status": status}))
        assert_same(without_cache(sweep), tables(sweep))
    with pytest.warns(SkippedWarning):
        row = analysis.load_runs(sweep).set_index("run").loc["running"]
    assert (row["status"], row["env_steps"]) == ("exhausted", 2000)


def test_what_has_just_changed_is_not_kept_yet(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SETTLED_SECONDS", 60.0)
    tables(sweep)
    assert not list((sweep / cache.FOLDER).glob("*.parquet"))


def test_trials_that_are_gone_are_forgotten(sweep: Path) -> None:
    tables(sweep)
    shutil.rmtree(sweep / "measured")
    (sweep / "failed" / "trial.json").touch()
    assert_same(without_cache(sweep), tables(sweep))
    assert "measured" not in read_entries(sweep / cache.FOLDER / "trial.json.parquet")


def test_a_copied_sweep_makes_a_cache_of_its_own(sweep: Path, tmp_path: Path) -> None:
    real = cached_seeds(sweep)
    copy = shutil.copytree(sweep, tmp_path / "copy")
    assert seeds(copy) == real
    assert read_entries(copy / cache.FOLDER / "trial.json.parquet").keys() == real.keys()
    assert seeds(copy) == real


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:60] + bytes(byte ^ 255 for byte in content[60:70]) + content[70:]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda content: b"", lambda content: b"PAR1" * 9])
def test_a_cache_that_cannot_be_read_is_written_anew(sweep: Path, damage: Callable[[bytes], bytes]) -> None:
    plain = tables(sweep)
    for path in (sweep / cache.FOLDER).iterdir():
        path.write_bytes(damage(path.read_bytes()))
        assert not read_entries(path)
    assert_same(plain, tables(sweep))
    assert all(read_entries(path) for path in (sweep / cache.FOLDER).iterdir())


def test_a_cache_of_another_version_is_written_anew(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(parquet, "FORMAT", b"0")
        real = cached_seeds(sweep)
    assert not read_entries(sweep / cache.FOLDER / "trial.json.parquet")
    assert seeds(sweep) == real
    assert read_entries(sweep / cache.FOLDER / "trial.json.parquet")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_cache_runs_no_code(sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's metadata may name a type of one's own, as a pickle."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    real, bomb = cached_seeds(sweep), tmp_path / "bomb"
    monkeypatch.setenv("BOMB", str(bomb))
    path = sweep / cache.FOLDER / "trial.json.parquet"
    table = pq.read_table(path)
    extension = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Bomb()),
    }
    fields = [field.with_metadata(extension) if field.name == "key" else field for field in table.schema]
    pq.write_table(table.cast(pa.schema(fields, metadata=table.schema.metadata)), path)
    assert b"mkdir" in base64.b64decode(pq.read_metadata(path).metadata[b"ARROW:schema"])
    assert seeds(sweep) == real or set(seeds(sweep).values()) == {-1}
    assert not bomb.exists()
    pickle.loads(pickle.dumps(Bomb()))
    assert bomb.exists()


def test_content_that_makes_no_sense_is_read_from_the_file(sweep: Path) -> None:
    plain = tables(sweep)
    for path in (sweep / cache.FOLDER).iterdir():
        entries = read_entries(path)
        write_entries(path, {key: Entry(entry.stamp, b"[nonsense\n1") for key, entry in entries.items()})
    assert_same(plain, tables(sweep))


@pytest.mark.parametrize("obstacle", ["a file", "no space"])
def test_where_no_cache_can_be_written_there_is_none(
    sweep: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = without_cache(sweep)
    if obstacle == "a file":
        (sweep / cache.FOLDER).touch()
    else:

        def full(path: Path, entries: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(cache, "write_entries", full)
    for _ in range(2):
        assert_same(plain, tables(sweep))
    assert not list(sweep.glob(f"{cache.FOLDER}/*"))


def test_a_cache_that_others_wrote_is_used_where_it_cannot_be_renewed(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cached_seeds(sweep)
    (sweep / "measured" / "trial.json").touch()
    monkeypatch.setattr(cache, "clock_of", lambda folder: 1 / 0)
    assert seeds(sweep) == {**dict.fromkeys(real, -1), "measured": 7}


def test_without_pyarrow_there_is_none(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cached_seeds(sweep)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert seeds(sweep) == real


def test_few_trials_and_single_ones_have_none(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "PAYS_FROM", 15)
    tables(sweep)
    assert not (sweep / cache.FOLDER).exists()
    tables(sweep / "measured")
    assert not (sweep / "measured" / cache.FOLDER).exists()


def test_few_changes_do_not_renew_it(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "RENEWED_FROM", 0.1)
    tables(sweep)
    before = files_of(sweep)["trial.json.parquet"]
    (sweep / "measured" / "trial.json").touch()
    tables(sweep)
    assert files_of(sweep)["trial.json.parquet"] == before
    (sweep / "running" / "trial.json").touch()
    tables(sweep)
    assert files_of(sweep)["trial.json.parquet"] != before


def test_several_readers_at_once_leave_one_whole_cache(sweep: Path) -> None:
    real = seeds(sweep)
    shutil.rmtree(sweep / cache.FOLDER)
    with ThreadPoolExecutor(6) as readers:
        found = list(readers.map(seeds, [sweep] * 12))
    assert all(one == real for one in found)
    assert seeds(sweep) == real
    assert not [name for name in files_of(sweep) if name.endswith(".tmp")]
    assert read_entries(sweep / cache.FOLDER / "trial.json.parquet").keys() == real.keys()


def test_it_is_no_record(sweep: Path) -> None:
    trials, described = find_trials(sweep), [path for path, _ in descriptions(sweep)]
    tables(sweep)
    assert (sweep / cache.FOLDER).exists()
    assert find_trials(sweep) == trials
    assert [path for path, _ in descriptions(sweep)] == described


def test_where_one_stands_makes_no_difference(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cached_seeds(sweep)
    monkeypatch.chdir(sweep)
    assert seeds(Path()) == dict.fromkeys(real, -1)
    monkeypatch.chdir(sweep.parent)
    assert seeds(Path(sweep.name)) == dict.fromkeys(real, -1)
    assert set(seeds(Path(sweep.name, "measured")).values()) == {7}
