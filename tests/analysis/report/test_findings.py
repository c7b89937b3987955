"""The findings in sentences: which sentences must appear, and which must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from analysis.estimates import compare
from analysis.estimates.describe import configuration_table
from analysis.records.sweep import read_sweep
from analysis.report import description, overview
from analysis.report.sections import sections_of
from tests.analysis.estimates.test_compare import effect_sweep
from tests.analysis.synthetic import write_sweep, write_trial


def said(sweep_dir: Path) -> str:
    sweep = read_sweep(sweep_dir)
    sections = sections_of(sweep)
    return "\n".join([*overview.overview(sweep), *(line for s in sections for line in s.findings)])


def test_the_title_is_the_question(buffers: Path, tmp_path: Path) -> None:
    assert overview.title(read_sweep(buffers)) == "How does buffer change convergence?"
    grid = {"lr": [0.1, 0.2], "batch": [1, 2], "gamma": [0.9, 0.99]}
    write_sweep(tmp_path / "g", grid, 1, lambda cell, seed: 2000)
    assert overview.title(read_sweep(tmp_path / "g")) == "How do batch, lr and gamma change convergence?"
    trial = write_trial(tmp_path / "one", time=2000)
    assert overview.title(read_sweep(trial)) == "How does this DQN learn CartPole-v1?"


def test_three_seeds_are_described_and_nothing_is_claimed(buffers: Path) -> None:
    text = said(buffers)
    assert "9 trials on CartPole-v1: 3 values of buffer, 3 seeds." in text
    assert "Fastest in these trials: buffer = 17k. 3 of 3 converged; median time 7\u202f500" in text
    assert "Slowest in these trials: buffer = 500. 0 of 3 converged; median time not reached" in text
    assert "Tests begin at 6 seeds" in text
    assert "the fewest are 3 seeds, with which p of two values cannot be below 0.25" in text
    assert "depends on" not in text


def test_twelve_seeds_are_tested(tmp_path: Path) -> None:
    text = said(effect_sweep(tmp_path / "s"))
    assert "Converged slower than with gamma = 0.9 (the first value): 0.99 (restricted mean 2.9" in text
    assert "Practically as fast as gamma = 0.9" in text
    assert "describes these trials only" not in text


def test_no_effect_is_not_called_evidence_of_none(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 6, lambda cell, seed: 4000 * (seed + 1))
    text = said(tmp_path / "s")
    assert "No value of lr was shown to differ from lr = 0.1" in text
    assert "not evidence that there is no difference" in text


def test_values_that_differ_among_themselves_are_not_called_alike(tmp_path: Path) -> None:
    steps = {10_000: 0, 20_000: -4000, 40_000: 4000}  # from the reference, which lies between the others

    def time(cell: dict[str, Any], seed: int) -> float:
        luck = 7000 * (seed * 5 % 8 - 4) // 4
        return 20_000 + steps[cell["buffer"]] + (luck if cell["buffer"] == 10_000 else -luck)

    write_sweep(tmp_path / "s", {"buffer": list(steps)}, 8, time)
    text = said(tmp_path / "s")
    assert "The values of buffer do not all converge equally fast (all values together: p" in text
    assert "but no single value was shown to differ from buffer = 10k" in text
    assert "No value of buffer" not in text


def test_where_nobody_converged_no_order_is_made_up(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: float("inf"))
    text = said(tmp_path / "s")
    assert "No trial converged within 50" in text
    assert "Fastest" not in text


def test_without_evaluations_convergence_is_not_spoken_of(tmp_path: Path) -> None:
    common = {"evaluation.every_steps": None}
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000, common)
    sweep = read_sweep(tmp_path / "s")
    assert not sweep.judged
    assert "Convergence cannot be judged" in said(tmp_path / "s")
    assert not compare.compared(sweep, sweep.axes[0], sweep.timelines[0]).is_testable


def test_too_few_evaluations_are_said_and_no_share_is_told(tmp_path: Path) -> None:
    common = {"budget.env_steps": 1000}
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 500, common)
    sweep = read_sweep(tmp_path / "s")
    text = said(tmp_path / "s")
    assert "cannot be judged here: convergence needs 3 consecutive evaluations; the budget allows 2." in text
    assert "of 2 converged" not in text
    assert "the tests compare the speed of convergence" in text
    assert overview.title(sweep) == "How does lr change learning?"


def test_equal_numbers_name_no_highest_and_no_lowest(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000)
    text = said(tmp_path / "s")
    assert "All values were equally fast in these trials: 2 of 2 converged" in text
    assert "Mean final return was the same with every value: 197.7" in text
    assert not any(word in text for word in ("Fastest", "Slowest", "highest", "lowest"))
    write_sweep(tmp_path / "g", {"batch": [1, 2], "lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000)
    sweep = read_sweep(tmp_path / "g")
    cells = configuration_table(sweep, sweep.timelines[0], np.random.default_rng(0))
    fast, same, _ = description.best_configurations(sweep, sweep.timelines[0], cells)
    assert fast.startswith("All configurations were equally fast in these trials: 2 of 2 converged")
    assert same.startswith("Mean final return was the same with every configuration: 197.7")


def test_a_value_without_trials_that_count_is_told_and_compared_with_nothing(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1]}, 2, lambda cell, seed: 5000)
    for seed, status in enumerate(["failed", "failed", "pruned"]):
        write_trial(tmp_path / "s" / status / str(seed), {"lr": 9, "seed": seed}, status=status, end=0)
    text = said(tmp_path / "s")
    assert "No trial of lr = 9 counts as evidence: 2 failed, 1 pruned." in text
    assert "Only lr = 0.1 has trials that count. 2 of 2 converged" in text
    assert "Fastest" not in text
    assert "nothing to compare them with" in text
    assert overview.title(read_sweep(tmp_path / "s")) == "How does lr change convergence?"


def test_a_grid_names_its_best_configuration_with_a_caution(tmp_path: Path) -> None:
    grid = {"batch": [1, 2], "lr": [0.1, 0.2]}
    write_sweep(tmp_path / "s", grid, 2, lambda cell, seed: 40_000 * cell["batch"] * cell["lr"])
    sweep = read_sweep(tmp_path / "s")
    cells = configuration_table(sweep, sweep.timelines[0], np.random.default_rng(0))
    fastest, highest, caution = description.best_configurations(sweep, sweep.timelines[0], cells)
    assert fastest.startswith("Fastest in these trials: batch = 1, lr = 0.1. 2 of 2 converged")
    assert highest.startswith("Highest mean final return: batch = ")
    assert "best of 4 configurations" in caution


def test_one_axis_has_no_best_configuration_apart_from_its_best_value(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    assert not list(description.best_configurations(sweep, sweep.timelines[0], []))
