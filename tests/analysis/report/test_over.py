"""Reports on several environments: one part for each, then the results over all."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.estimates.blocked import Shuffler
from analysis.records.sweep import read_sweep
from analysis.report import overview, sweep_report
from analysis.report.over import Over, over_environments, sentences
from analysis.report.sweep_report import write_report
from tests.analysis.synthetic import write_trial

SLOWER_THERE = {"CartPole-v1": 2.0, "Acrobot-v1": 2.0}
OPPOSITE = {"CartPole-v1": 2.2, "Acrobot-v1": 0.5}


def write(root: Path, factors: dict[str, float], seeds: int = 10, shared: bool = True) -> Path:
    """lr 0.2 takes `factors` times as long as 0.1; the environments' times have different scales."""
    generator = np.random.default_rng(0)
    for place, (environment, factor) in enumerate(factors.items()):
        for lr in (0.1, 0.2):
            for seed in range(seeds):
                luck = np.exp(0.2 * generator.normal())
                time = (6000 if place else 12_000) * (factor if lr == 0.2 else 1) * luck
                own = {"env.id": environment, "lr": lr, "seed": seed + (0 if shared else 100 * place)}
                known = {"returns.random": 20.0 if place == 0 else -100.0}
                write_trial(root / f"{environment},{lr},{seed}", {**own, **known}, time)
    return root


def over(root: Path) -> Over:
    (found,) = over_environments(read_sweep(root).by_environment(), Shuffler(np.random.default_rng(0), 1000))
    return found


def test_an_effect_in_every_environment_is_told(tmp_path: Path) -> None:
    found = over(write(tmp_path / "s", SLOWER_THERE))
    text = " ".join(sentences(found))
    assert "Over 2 environments together, the speed of convergence depends on lr (p" in text
    assert "): 0.2 is slower than 0.1." in text
    assert "lr = 0.2 is slower than 0.1 in every environment" in text
    assert "reversal" not in text
    assert found.values[1]["ratios"]["CartPole-v1"] == pytest.approx(2, abs=0.4)


def test_a_reversal_is_told_and_no_overall_effect(tmp_path: Path) -> None:
    found = over(write(tmp_path / "s", OPPOSITE))
    text = " ".join(sentences(found))
    assert "no effect of lr was shown" in text
    assert "lr = 0.2 is faster than 0.1 on Acrobot-v1 and slower on CartPole-v1" in text
    assert "every environment" not in text


def test_an_environment_where_nothing_converges_is_named_and_judges_nothing(tmp_path: Path) -> None:
    root = write(tmp_path / "s", OPPOSITE)
    for lr in (0.1, 0.2):
        for seed in range(10):
            own = {"env.id": "MountainCar-v0", "lr": lr, "seed": seed, "returns.random": -200.0}
            write_trial(root / f"MountainCar-v0,{lr},{seed}", own, np.inf)
    found = over(root)
    text = " ".join(sentences(found))
    assert "In MountainCar-v0 every value of lr took the same time" in text
    assert "lr = 0.2 is faster than 0.1 on Acrobot-v1 and slower on CartPole-v1" in text
    assert not np.isnan(found.values[1]["p_interaction"])


@pytest.mark.parametrize(("better", "is_told"), [((0.8, 0.6, 0.9), True), ((0.6, 0.4, 0.7), False)])
def test_who_ends_with_higher_scores_is_told(
    tmp_path: Path, better: tuple[float, float, float], is_told: bool
) -> None:
    found = over(write(tmp_path / "s", SLOWER_THERE))
    found.values[1].update(zip(("better", "better_low", "better_high"), better, strict=True))
    told = "A trial with lr = 0.2 ends with a higher score than one with 0.1 in 80% of cases"
    assert (told in " ".join(sentences(found))) == is_told


def test_scores_are_normalised_by_random_play_and_threshold(tmp_path: Path) -> None:
    """Final returns of about 200 with the threshold 195: just above 1 in both environments."""
    found = over(write(tmp_path / "s", SLOWER_THERE))
    assert found.values[0]["iqm"] == pytest.approx(1.025, abs=0.02)
    assert found.values[0]["iqm_low"] < found.values[0]["iqm"] < found.values[0]["iqm_high"]
    assert 0 < found.values[1]["better"] < 1


def test_without_random_play_there_are_no_scores(tmp_path: Path) -> None:
    for environment in SLOWER_THERE:
        for lr in (0.1, 0.2):
            for seed in range(6):
                place = tmp_path / "s" / f"{environment}{lr}{seed}"
                write_trial(place, {"env.id": environment, "lr": lr, "seed": seed}, 5000 + 500 * seed)
    found = over(tmp_path / "s")
    assert np.isnan(found.values[0]["iqm"])
    assert "better" not in found.values[1]


def test_too_few_seeds_are_not_compared_over_environments(tmp_path: Path) -> None:
    sweeps = read_sweep(write(tmp_path / "s", SLOWER_THERE, seeds=3)).by_environment()
    assert over_environments(sweeps, Shuffler(np.random.default_rng(0), 100)) == []


def test_the_page_is_arranged_by_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the figures of each axis, which other reports have as well."""
    monkeypatch.setattr(sweep_report, "axis_plots", lambda *_: [])
    root = write(tmp_path / "s", SLOWER_THERE, seeds=6)
    page = write_report(root).read_text()
    assert "How does lr change convergence on Acrobot-v1 and CartPole-v1?" in page
    for anchor in ("over-lr", "scores", "Acrobot-v1_axis-lr", "CartPole-v1_axis-lr"):
        assert f'id="{anchor}"' in page
        assert f'href="#{anchor}"' in page
    assert "axis-env_id" not in page
    tables = root / "report" / "tables"
    rows = list(csv.DictReader((tables / "environments_lr.csv").open()))
    assert [row["lr"] for row in rows] == ["0.1", "0.2"]
    assert float(rows[1]["rmst_ratio.CartPole-v1"]) > 1.5
    names = {path.name for path in tables.iterdir()}
    assert {"Acrobot-v1_values_lr.csv", "CartPole-v1_values_lr.csv", "trials.csv"} <= names
    figures = {path.name for path in (root / "report" / "figures").iterdir()}
    assert {
        "environments_lr.png",
        "scores_lr.png",
        "sensitivity.png",
        "Acrobot-v1_attainment_lr.png",
    } <= figures
    assert page.count("<b>Sensitivity to tuning.</b>") == 1
    assert page.count("<b>Performance profile over environments: lr.</b>") == 1
    assert [row["fixed"] for row in csv.DictReader((tables / "sensitivity.csv").open())] == [
        "nothing",
        "lr",
        "lr",
    ]
    profile = list(csv.DictReader((tables / "scores_lr.csv").open()))
    assert {row["lr"] for row in profile} == {"0.1", "0.2"}
    assert {row["n"] for row in profile} == {"12"}


def test_each_part_knows_its_own_trials_alone(tmp_path: Path) -> None:
    parts = read_sweep(write(tmp_path / "s", SLOWER_THERE, seeds=2)).by_environment()
    assert list(parts) == ["Acrobot-v1", "CartPole-v1"]
    for name, part in parts.items():
        assert {row["env.id"] for row in part.rows} == {name}
        assert [axis.name for axis in part.axes] == ["lr"]
        assert overview.title(part) == "How does lr change convergence?"
