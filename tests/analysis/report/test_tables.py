"""The tables beside a report."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from analysis.records.sweep import read_sweep
from analysis.report.sections import parts_of
from analysis.report.tables import csv_tables


def read_table(sweep_dir: Path, name: str) -> list[dict[str, str]]:
    sweep = read_sweep(sweep_dir)
    tables = csv_tables(sweep, parts_of(sweep), [], None, None)
    return list(csv.DictReader(io.StringIO(tables[name])))


def test_the_table_of_trials_holds_every_trial(buffers: Path) -> None:
    rows = read_table(buffers, "trials")
    assert len(rows) == 9
    assert list(rows[0])[:4] == ["run", "buffer", "seed", "status"]
    assert {row["steps_to_threshold"] for row in rows if row["buffer"] == "500"} == {"50000"}


def test_both_clocks_are_in_the_tables(buffers: Path) -> None:
    rows = read_table(buffers, "values_buffer")
    assert [row["clock"] for row in rows] == ["environment steps"] * 3 + ["episodes"] * 3
    assert rows[1]["median"] == "7500"
    assert rows[4]["median"] == "75"
