"""The attainment surface in a report: sentence, table and figure."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.estimates.attainment import Attainment, Difference, Grid
from analysis.estimates.blocked import PValue
from analysis.records.axes import ALL, Axis
from analysis.records.timeline import Timeline
from analysis.report.attainment import attainment_table, sentences
from analysis.report.figures.attainment import attainment_surfaces
from analysis.report.figures.painting import render
from analysis.report.figures.style import RC

STEPS = Timeline("steps_to_threshold", "env_step", "environment steps", 3000, 3000, 3000)
GRID = Grid(np.array([1000.0, 2000, 3000]), np.array([10.0, 20]))
SHARE = np.array([[1, 0], [1, 0.5], [1, 0.75]])
LR = Axis("lr", (0.1, 0.2, 0.3))


@pytest.fixture(autouse=True)
def _as_in_a_report() -> Iterator[None]:
    with warnings.catch_warnings(), mpl.rc_context(RC):
        warnings.simplefilter("error")
        yield


def differing(by: float, p: float, is_floor: bool = False) -> Difference:
    """By so much at 20 by 2000 steps, and half of it later."""
    shares = np.array([[0, 0], [0, by], [0, by / 2]])
    return Difference(shares, (np.abs(shares) > 0.6) & (p < 0.05), PValue(p, is_floor), 8)


def surfaces(
    axis: Axis, differences: Sequence[Difference | None] = (), share: np.ndarray = SHARE
) -> Attainment:
    n = len(axis.values)
    found = {code: each for code, each in enumerate(differences) if each}
    return Attainment(GRID, [share] * n, [8] * n, 0, found)


def draw(axis: Axis, found: Attainment) -> Figure:
    return attainment_surfaces(axis, found, STEPS)


def titles(figure: Figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def keys(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_which_values_differ_and_where_most_is_told() -> None:
    found = surfaces(LR, [None, differing(-0.75, 0.008), differing(0.7, 1e-4, True)])
    (told,) = sentences(LR, found, STEPS)
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert told == (
        "The share of trials that had reached a return by a time differs from that of lr = 0.1, over all "
        f"returns and times at once: 0.2 (lower by up to 0.75, for a return of 20 by 2{thin}000 environment "
        f"steps; p\xa0=\xa00.008), 0.3 (higher by up to 0.70, for a return of 20 by 2{thin}000 environment "
        "steps; p\xa0≤\xa00.0001)."
    )


def test_what_was_not_shown_is_told_with_the_smallest_p() -> None:
    (told,) = sentences(LR, surfaces(LR, [None, differing(0.3, 0.4), differing(0.2, 0.9)]), STEPS)
    assert told.endswith(
        "was not shown to differ from that of lr = 0.1 (p\xa0=\xa00.4 over all returns and times at once)."
    )
    assert list(sentences(LR, surfaces(LR), STEPS)) == []


def test_the_table_has_a_row_for_each_place_of_each_value() -> None:
    rows = attainment_table(LR, surfaces(LR, [None, differing(-0.75, 0.008)]), STEPS)
    assert len(rows) == 3 * 3 * 2
    known = {"lr": 0.2, "n": 8, "env_step": 2000, "mean_return": 20, "share": 0.5}
    assert rows[9] == known | {"pairs": 8, "difference": -0.75, "beyond": True, "p": 0.008}
    assert rows[3] == known | {"lr": 0.1} | dict.fromkeys(("pairs", "difference", "beyond", "p"))


def test_each_value_has_an_image_and_each_difference_below() -> None:
    figure = draw(LR, surfaces(LR, [None, differing(-0.75, 0.008), differing(0.7, 0.01)]))
    assert titles(figure) == [
        "0.1 (n = 8)",
        "0.2 (n = 8)",
        "0.3 (n = 8)",
        "0.2 less 0.1, p\xa0=\xa00.008",
        "0.3 less 0.1, p\xa0=\xa00.01",
    ]
    assert keys(figure) == ["half of the trials", "beyond the 95% limit"]
    below = [ax for ax in figure.axes if " less " in ax.get_title(loc="left")]
    outlined = [
        [len(each.get_segments()) for each in ax.collections if isinstance(each, LineCollection)]
        for ax in below
    ]
    assert outlined == [[4], [4]]  # one cell, of four sides
    assert render(figure)[0].startswith(b"\x89PNG")


def test_half_of_the_trials_is_a_line_up_to_which_they_came() -> None:
    """Half of them came to 10 at first and then to 20."""
    figure = draw(LR, surfaces(LR))
    (line,) = figure.axes[0].patches
    values, edges, _ = line.get_data()  # type: ignore[attr-defined]
    assert values.tolist() == [15, 25, 25]
    assert edges.tolist() == [500, 1500, 2500, 3500]


def test_what_is_unknown_is_grey_and_has_a_key() -> None:
    """Half of the trials came to 10 by 1000 and 2000 steps; at 3000 they may have come to 20."""
    share = np.array([[1, 0.25], [0.75, 0.25], [1, np.nan]])
    figure = draw(LR, surfaces(LR, share=share))
    assert keys(figure) == ["half of the trials", "unknown"]
    image = figure.axes[0].images[0]
    assert np.ma.getmaskarray(image.get_array()).tolist() == [[False] * 3, [False, False, True]]
    values, _, _ = figure.axes[0].patches[0].get_data()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(values, [15, 15, np.nan])
    share[:, 1], share[:, 0] = np.nan, 0.25
    values, _, _ = draw(LR, surfaces(LR, share=share)).axes[0].patches[0].get_data()  # type: ignore[attr-defined]
    assert values.tolist() == [5, 5, 5]


@pytest.mark.parametrize(("count", "panels"), [(1, 1), (4, 4), (5, 6), (12, 12)])
def test_many_values_take_several_rows(count: int, panels: int) -> None:
    axis = Axis("lr", tuple(range(count))) if count > 1 else ALL
    figure = draw(axis, surfaces(axis))
    assert len(titles(figure)) == count
    assert len(figure.axes) == panels + 1  # the scale of colours
    assert titles(figure)[0] == ("0 (n = 8)" if count > 1 else "all trials (n = 8)")


def test_one_evaluation_alone_is_drawn_too() -> None:
    figure = draw(LR, surfaces(LR)._replace(grid=Grid(GRID.times[:1], GRID.returns), shares=[SHARE[:1]] * 3))
    assert figure.axes[0].images[0].get_extent()[:2] == (500, 1500)
