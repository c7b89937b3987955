"""`python -m analysis plan`: from a pilot and from assumptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.estimates.planning import pilot_variance
from analysis.records.sweep import read_sweep
from analysis.report.seed_plan import pilots
from tests.analysis.synthetic import write_sweep


def rows(out: str) -> dict[str, list[str]]:
    """The table's columns after the question, by the beginning of the question."""
    return {line.split("  ")[0]: line.split()[-3:] for line in out.splitlines() if "  " in line}


def test_assumptions_are_told_and_planned_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--cv", "0.5", "--correlation", "0.5", "--values", "3"]) == 0
    out = capsys.readouterr().out
    assert "times is 0.5 of their mean" in out
    found = rows(out)
    assert found["1.5 times as long"][:2] == ["14", "42"]
    assert found["2 times as long"][0] == "7"
    assert found["practically equal (0.8 to 1.25)"] == ["45", "135", "unknown"]


def test_a_pilot_gives_variance_values_and_hours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each trial of this pilot took 2.5 seconds; the restless value is the one that is planned for."""
    luck = np.random.default_rng(0).uniform(0.5, 1.5, size=(3, 8))

    def time(cell: dict[str, float], seed: int) -> float:
        place = {0.1: 0, 0.2: 1, 0.3: 2}[cell["lr"]]
        return 20_000 if place < 2 else 20_000 * luck[place, seed]

    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2, 0.3]}, 8, time)
    sweep = read_sweep(tmp_path / "s")
    (basis,) = pilots(sweep, None)
    times = sweep.timelines[0].times(sweep.counted).reshape(3, 8)
    assert basis.variance == pytest.approx(pilot_variance(times[2], times[0]))
    assert (basis.n_values, basis.seconds) == (3, 2.5)
    assert "lr = 0.3 against 0.1" in basis.description
    assert main(["plan", str(tmp_path / "s"), "--ratios", "1.5"]) == 0
    (seeds, trials, hours) = rows(capsys.readouterr().out)["1.5 times as long"]
    assert int(trials) == 3 * int(seeds)
    assert float(hours) == pytest.approx(int(trials) * 2.5 / 3600, rel=0.05)


def test_over_another_axis_seeds_are_counted_and_not_pairs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A seed is as lucky with every batch: three batches tell no more about the variance than one."""
    luck = np.random.default_rng(1).uniform(0.5, 1.5, size=6)

    def time(cell: dict[str, float], seed: int) -> float:
        return 20_000 * (luck[seed] if cell["lr"] == 0.2 else 1)

    alone = write_sweep(tmp_path / "alone", {"lr": [0.1, 0.2]}, 6, time)
    three = write_sweep(tmp_path / "three", {"lr": [0.1, 0.2], "batch": [8, 16, 32]}, 6, time)
    (expected,) = pilots(read_sweep(alone), None)
    found = next(b for b in pilots(read_sweep(three), None) if "lr = 0.2 against 0.1" in b.description)
    assert found.variance == pytest.approx(expected.variance)
    assert "in 6 seeds, each the mean of 3 combinations of the other axes' values" in found.description
    assert (found.n_values, found.combinations) == (2, 3)
    assert main(["plan", str(three), "--ratios", "1.5"]) == 0
    out = capsys.readouterr().out
    (seeds, trials, _) = rows(out)["1.5 times as long"]
    assert int(trials) == 2 * 3 * int(seeds)
    assert "For 2 values in each of 3 combinations; tests begin" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--power", "2"], "--power 2.0; allowed: between 0 and 1"),
        (["--cv", "-1"], "--cv -1.0; allowed: above 0"),
        (["--ratios", "1"], "--ratios [1.0]; allowed: above 0, and not 1"),
        (["--values", "1"], "--values 1; allowed: 2 or more"),
    ],
)
def test_what_makes_no_plan_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_pilot_that_shares_no_seeds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 2, lambda cell, seed: 5000)
    assert main(["plan", str(tmp_path / "s")]) == 2
    assert "no value shares three seeds" in capsys.readouterr().err
    assert main(["plan", str(tmp_path / "s"), "--cv", "1"]) == 2
    assert "--cv is measured from" in capsys.readouterr().err
