"""Scores over environments: sentences and figures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.estimates.environments import Estimate, Profile
from analysis.estimates.scores import Profiles, Scores, Tuning, Variant
from analysis.estimates.sensitivity import Sensitivity
from analysis.records.axes import Axis
from analysis.report.figures import scores_plots
from analysis.report.figures.painting import render
from analysis.report.figures.style import RC
from analysis.report.scores import profile_table, sentences, tuning_table

LR, BATCH = Axis("lr", (0.1, 0.2)), Axis("batch", (32, 64, 128))


@pytest.fixture(autouse=True)
def _as_in_a_report() -> Iterator[None]:
    with warnings.catch_warnings(), mpl.rc_context(RC):
        warnings.simplefilter("error")
        yield


def sensitivity(one_for_all: float, per_environment: float, half: float = 0.05) -> Sensitivity:
    def estimate(value: float) -> Estimate:
        return Estimate(value, (value - half, value + half))

    middle = estimate((one_for_all + per_environment) / 2)
    return Sensitivity(
        [estimate(one_for_all), middle, estimate(per_environment)], estimate(per_environment - one_for_all)
    )


def tuning(whole: Sensitivity, axes: tuple[Axis, ...] = (LR, BATCH)) -> Tuning:
    variants = [
        Variant(axis, value, sensitivity(0.4 + 0.1 * value, 0.6))
        for axis in axes
        for value in range(len(axis.values))
    ]
    return Tuning(list(axes), whole, variants, 8, 2)


def profiles(axis: Axis, fewest_seeds: int = 8) -> Profiles:
    at = np.linspace(0, 1, 5)
    share = 1 - at
    each = Profile(at, share, np.maximum(share - 0.1, 0), np.minimum(share + 0.1, 1))
    return Profiles(
        axis, [[{"seed": n} for n in range(16)]] * len(axis.values), [each] * len(axis.values), fewest_seeds
    )


def drawn(found: Scores) -> dict[str, Figure]:
    return {plot.name: plot.draw() for plot in scores_plots(found)}


def test_a_loss_and_its_dimensionality_are_told() -> None:
    told = " ".join(sentences(Scores([], tuning(sensitivity(0.6, 0.8)))))
    assert "With lr and batch tuned for each of 2 environments, the mean score is 0.80 (0.75 to 0.85)" in told
    assert "with the best single setting, it is 0.60 (0.55 to 0.65)" in told
    assert "is 0.20 (0.15 to 0.25) (8 seeds; one half" in told
    assert "2 of 2 hyperparameters had to be tuned" in told


def test_a_loss_that_may_be_none_is_not_shown() -> None:
    told = " ".join(sentences(Scores([], tuning(sensitivity(0.78, 0.8), (LR,)))))
    assert "is 0.02 (-0.03 to 0.07); no loss was shown" in told
    assert "0 of 1 hyperparameter had to be tuned" in told
    alike = sensitivity(0.8, 0.8)._replace(loss=Estimate(0.0, (np.nan, np.nan)))
    assert "is 0.00; no loss was shown" in " ".join(sentences(Scores([], tuning(alike))))


def test_without_enough_seeds_one_sentence_says_so_and_nothing_is_drawn() -> None:
    (told,) = sentences(Scores([], "it takes 6 seeds, and here are 3"))
    assert told == "The gain from tuning for each environment is not shown: it takes 6 seeds, and here are 3."
    assert list(sentences(Scores([], ""))) == []
    assert drawn(Scores([], "it takes 6 seeds, and here are 3")) == {}


def test_the_tables_hold_what_is_drawn() -> None:
    rows = tuning_table(tuning(sensitivity(0.6, 0.8)))
    assert [(row["fixed"], row["value"]) for row in rows[:3]] == [
        ("nothing", ""),
        ("lr", "0.1"),
        ("lr", "0.2"),
    ]
    assert len(rows) == 6
    assert (rows[0]["sensitivity"], rows[0]["effective_dimensionality"]) == (pytest.approx(0.2), 2)
    assert rows[0]["per_environment_low"] == pytest.approx(0.75)
    profile = profile_table(profiles(LR))
    assert len(profile) == 10
    assert profile[6] == {
        "lr": 0.2,
        "n": 16,
        "score": 0.25,
        "share": 0.75,
        "share_low": 0.65,
        "share_high": 0.85,
    }


@pytest.mark.parametrize(("seeds", "values", "bands"), [(8, 2, 2), (4, 2, 0), (8, 4, 0)])
def test_profiles_have_bands_where_they_can_be_told_apart_and_have_seeds(
    seeds: int, values: int, bands: int
) -> None:
    axis = Axis("lr", tuple(range(values)))
    figure = drawn(Scores([profiles(axis, seeds)], ""))["scores_lr"]
    assert len(figure.axes[0].collections) == bands
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        f" {v} (n = 16)" for v in range(values)
    ]
    captions = [plot.caption for plot in scores_plots(Scores([profiles(axis, seeds)], ""))]
    assert ("Bands:" in captions[0]) == bool(bands)


@pytest.mark.parametrize(
    "axes", [(LR,), (LR, BATCH), (LR, BATCH, Axis("gamma", (0.9, 0.99)), Axis("x", ("a", "b")))]
)
def test_a_mark_for_all_settings_and_each_value(axes: tuple[Axis, ...]) -> None:
    figure = drawn(Scores([], tuning(sensitivity(0.6, 0.8), axes)))["sensitivity"]
    assert len(axes) > 2 or render(figure)[0].startswith(b"\x89PNG")
    assert len(figure.axes) == len(axes)
    for ax, axis in zip(figure.axes, axes, strict=True):
        told = [text.get_text() for text in ax.get_legend().get_texts()]
        values = [f"{axis.name} = {label}" for label in axis.labels()]
        assert sorted(told) == sorted(["all settings", "equal with one setting", *values])
        marks = [(x, y) for (x,), (y,) in (bar[0].get_data() for bar in ax.containers)]
        assert marks[0] == (pytest.approx(0.2), 0.8)
        assert marks[-1] == (pytest.approx(0.6 - 0.4 - 0.1 * (len(axis.values) - 1)), 0.6)
