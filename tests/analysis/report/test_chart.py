"""Figures in numbers and in words."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from analysis.records.sweep import read_sweep
from analysis.report.figures.by_value import convergence_by_value
from analysis.report.figures.chart import Chart, note
from analysis.report.figures.painting import DOTS, numbers_and_words, render


def test_the_numbers_of_a_figure_are_those_of_its_trials(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    figure = convergence_by_value(sweep, sweep.axes[0], sweep.timelines[0], np.random.default_rng(0))
    numbers, words = numbers_and_words(figure)
    rows = list(csv.DictReader(io.StringIO(numbers)))
    converged = [row for row in rows if row["drawn"] == "trial that converged"]
    assert sorted(float(row["value"]) for row in converged) == [5000, 7500, 10_000, 20_000, 30_000, 40_000]
    assert {row["run"] for row in converged} == {row["run"] for row in sweep.rows if row["converged"]}
    means = [float(row["value"]) for row in rows if row["drawn"].startswith("restricted mean")]
    assert means == [50_000, 7500, 30_000]
    assert "Trial that converged: 6." in words
    assert "not reached for 500; 7\u202f500 for 17k" in words


def test_words_tell_the_ends_of_curves_and_of_many_marks() -> None:
    chart = Chart()
    ax = chart.subplots()
    note(ax, "mean return", {"lr": "0.1", "step": np.arange(3.0), "value": np.array([1.0, np.nan, 9.0])})
    note(ax, "score", {"x": np.arange(10), "value": np.arange(10.0)[::-1]})
    note(ax, "nothing", {"x": [], "value": []})
    assert chart.words() == (
        "Mean return: from 1 to 9 for 0.1. Score: 10 marks, the least 0 for 9; the greatest 9 for 0."
    )
    assert len(chart.table()) == 13


def test_very_many_marks_are_an_image_in_vector_files() -> None:
    def svg(count: int) -> bytes:
        chart = Chart(figsize=(3, 2))
        chart.subplots().plot(np.arange(count), np.arange(count) % 7, "o")
        return render(chart)[2]

    few, many = svg(DOTS - 1), svg(DOTS + 1)
    assert b"<image" not in few
    assert b"<image" in many
    assert len(many) < len(few) / 4
    assert b"<text" in many
