"""Metric files can be cut off anywhere; other damage is reported."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from dqn_exp.runs.metrics import (
    COLUMNS,
    DamagedMetrics,
    MetricsWriter,
    TornMetrics,
    read_columns,
    read_metrics,
)

ROWS = [(1, 9, 0, 9.0, 9, 0.99), (2, 31, 4, float("inf"), 22, 0.97), (3, 60, 33, -1.5e-300, 29, 0.05)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "episodes.csv"
    writer = MetricsWriter(path, COLUMNS["episodes"])
    for row in ROWS:
        writer.append(row)
    writer.close()
    return path


def rows_in_text(path: Path) -> list[list[str]]:
    return read_metrics(path)[1]


def rows_in(path: Path) -> list[tuple[float, ...]]:
    return [tuple(map(float, row)) for row in read_metrics(path)[1]]


def test_what_is_written_is_read(path: Path) -> None:
    assert read_metrics(path)[0] == list(COLUMNS["episodes"])
    assert rows_in(path) == ROWS


def test_numbers_of_numpy_are_written_as_numbers(path: Path) -> None:
    single = np.float32(0.1)
    writer = MetricsWriter(path, COLUMNS["episodes"])
    writer.append([np.int64(4), 2**60, np.uint8(7), np.float64(1.5), np.array(22), single])
    writer.append([True, np.True_, 7, np.float64("nan"), np.float64("-inf"), 0.1])
    writer.close()
    assert rows_in_text(path)[-2:] == [
        ["4", "1152921504606846976", "7", "1.5", "22.0", repr(float(single))],
        ["True", "1.0", "7", "nan", "-inf", "0.1"],
    ]


def test_a_row_can_be_read_as_soon_as_it_is_written(path: Path) -> None:
    writer = MetricsWriter(path, COLUMNS["episodes"])
    writer.append(ROWS[0])
    assert rows_in(path) == [*ROWS, ROWS[0]]
    writer.close()


def test_a_size_is_told_of_what_has_reached_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    writer = MetricsWriter(path, COLUMNS["episodes"])
    assert writer.sync() == path.stat().st_size
    assert len(synced) == 1
    writer.close()


@pytest.mark.parametrize("value", ["fast", "1,2", None, np.zeros(2)])
def test_what_is_no_number_is_refused_before_anything_is_written(path: Path, value: object) -> None:
    before = path.read_bytes()
    writer = MetricsWriter(path, COLUMNS["episodes"])
    with pytest.raises((TypeError, ValueError)):
        writer.append([1, 2, 3, value, 5, 6])  # type: ignore[list-item]
    writer.close()
    assert path.read_bytes() == before


def test_cut_at_every_byte_the_valid_prefix_is_read(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        whole_lines = whole[:size].count(b"\n")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert rows_in(path) == ROWS[: max(0, whole_lines - 1)]
        torn = size > 0 and not whole[:size].endswith(b"\n")
        assert [w.category for w in caught] == [TornMetrics] * torn


def test_cut_at_every_byte_the_tail_is_trimmed_before_appending(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        writer = MetricsWriter(path, COLUMNS["episodes"])
        writer.append(ROWS[0])
        writer.close()
        assert rows_in(path) == [*ROWS[: max(0, whole[:size].count(b"\n") - 1)], ROWS[0]]


def test_each_changed_byte_is_an_error_or_a_torn_last_line(path: Path) -> None:
    whole = path.read_bytes()
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        if index == len(whole) - 1:
            with pytest.warns(TornMetrics):
                assert rows_in(path) == ROWS[:-1]
        else:
            with pytest.raises(DamagedMetrics, match=r"episodes\.csv: line \d"):
                read_metrics(path)


def test_a_lost_line_is_noticed_where_its_neighbours_are_joined(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"\n", *lines[2:]]))
    with pytest.raises(DamagedMetrics, match="line 3"):
        read_metrics(path)


def test_a_file_shorter_than_its_checkpoint_says_is_not_continued(path: Path) -> None:
    size = path.stat().st_size
    with pytest.raises(DamagedMetrics, match=f"{size + 1} bytes"):
        MetricsWriter(path, COLUMNS["episodes"], size + 1)
    assert path.stat().st_size == size


def test_columns_are_numbers_by_name(path: Path) -> None:
    columns = read_columns(path)
    assert list(columns) == list(COLUMNS["episodes"])
    assert [tuple(row) for row in zip(*columns.values(), strict=True)] == ROWS
    assert {column.dtype for column in columns.values()} == {np.dtype(np.float64)}


def test_booleans_are_read_as_one_and_zero(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path / "own.csv", ("solved", "height"))
    for row in ((True, 2), (False, 0.5)):
        writer.append(row)
    writer.close()
    columns = read_columns(tmp_path / "own.csv")
    assert {name: column.tolist() for name, column in columns.items()} == {
        "solved": [1, 0],
        "height": [2, 0.5],
    }


def test_columns_may_be_empty_and_a_file_may_be_absent(tmp_path: Path) -> None:
    MetricsWriter(tmp_path / "losses.csv", COLUMNS["losses"]).close()
    columns = read_columns(tmp_path / "losses.csv")
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(COLUMNS["losses"], 0)
    assert read_columns(tmp_path / "episodes.csv") == {}


def test_columns_are_read_as_far_as_they_are_whole(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.warns(TornMetrics):
        assert read_columns(path)["episode"].tolist() == [1, 2]
