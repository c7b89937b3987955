"""Every figure can be drawn for every kind of sweep, and shows the right content."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis.estimates.statistics import bounded_interval
from analysis.records.axes import Axis
from analysis.records.disk import read_curve
from analysis.records.sweep import Sweep, read_sweep
from analysis.report.figures import axis_plots, paint_all, painting, pair_plots
from analysis.report.figures.attainment import attainment_surfaces
from analysis.report.figures.by_value import convergence_by_value
from analysis.report.figures.learning import returns
from analysis.report.figures.painting import Picture, Plot, paint, render
from analysis.report.figures.pairs import heatmap
from analysis.report.figures.style import RC, is_logarithmic, positions, spread, styles, tilt
from tests.analysis.report.test_attainment import STEPS, differing, surfaces
from tests.analysis.synthetic import write_sweep, write_trial
from tests.program import alive, descendants, wait_until


def all_figures(sweep: Sweep) -> dict[str, Figure]:
    episodes, losses = (
        {trial.run: read_curve(trial, kind, []) for trial in sweep.trials} for kind in ("episodes", "losses")
    )
    plots = [plot for axis in sweep.axes for plot in axis_plots(sweep, axis, episodes, losses)]
    with warnings.catch_warnings(), mpl.rc_context(RC):
        warnings.simplefilter("error")
        return {plot.name: plot.draw() for plot in [*plots, *pair_plots(sweep)]}


def test_one_axis_has_every_figure(buffers: Path) -> None:
    kinds = ("convergence", "survival", "final_return", "returns", "loss", "profile")
    assert set(all_figures(read_sweep(buffers))) == {f"{kind}_buffer" for kind in kinds}


@pytest.mark.parametrize("n_values", [3, 4])
def test_the_names_of_many_keys_that_went_together_stay_within_the_figure(
    tmp_path: Path, n_values: int
) -> None:
    """Nor do titles of panels run into each other."""
    sizes = (("replay.capacity", 1000), ("target.every", 100), ("exploration.decay", 2000))
    keys = [*(key for key, _ in sizes), "agent.learning_starts", "optimizer.lr"]
    for place in range(1, n_values + 1):
        values = {key: place * size for key, size in sizes}
        values |= {"agent.learning_starts": 500 * place, "optimizer.lr": place / 1000}
        for seed in range(6):
            write_trial(tmp_path / f"{place},{seed}", {**values, "seed": seed}, 5000 * place * (1 + seed / 9))
    (tmp_path / "sweep.json").write_text(json.dumps({"zip": [keys], "trials": []}))
    sweep = read_sweep(tmp_path)
    figures, (axis,) = all_figures(sweep), sweep.axes
    assert axis.name == ", ".join(keys)
    differences = [None, *[differing(-0.75, 0.008)] * (n_values - 1)]
    with mpl.rc_context(RC):
        figures["attainment"] = attainment_surfaces(axis, surfaces(axis, differences), STEPS)
    for name, figure in figures.items():
        FigureCanvasAgg(figure).draw()
        panels = [ax for ax in figure.axes if ax.get_visible() and ax.axison]
        titles = [
            text
            for ax in panels
            for text in ax.get_children()
            if isinstance(text, Text) and text.get_text() and text.get_text() == ax.get_title(loc="left")
        ]
        labels = [ax.xaxis.label for ax in panels] + [ax.yaxis.label for ax in panels]
        boxes = [text.get_window_extent() for text in titles]
        told = {str(artist): artist.get_window_extent() for artist in [*figure.legends, *titles, *labels]}
        within = figure.bbox.padded(2)
        beyond = [
            text
            for text, box in told.items()
            if not np.array_equal(Bbox.union([within, box]).extents, within.extents)
        ]
        assert beyond == [], name
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2)), name


def test_many_values_also_have_a_panel_each(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2, 0.3, 0.4]}, 2, lambda cell, seed: 5000)
    figures = all_figures(read_sweep(tmp_path / "s"))
    assert len([ax for ax in figures["returns_by_lr"].axes if ax.get_visible()]) == 4


@pytest.mark.parametrize(("seeds", "values", "bands"), [(5, 2, 4), (4, 2, 0), (5, 4, 0)])
def test_few_learning_curves_of_enough_seeds_have_two_bands(
    tmp_path: Path, seeds: int, values: int, bands: int
) -> None:
    lrs = [0.1 * (number + 1) for number in range(values)]
    write_sweep(tmp_path / "s", {"lr": lrs}, seeds, lambda cell, seed: 5000 * (1 + seed))
    sweep = read_sweep(tmp_path / "s")
    figure = returns(sweep, sweep.axes[0], {}, np.random.default_rng(0))
    (ax,) = figure.axes
    assert len(ax.collections) == bands
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert ("95% at all moments at once" in told) == bool(bands)
    covered = [area(each.get_paths()[0].vertices) for each in ax.collections]
    assert all(outer > 1.2 * inner > 0 for outer, inner in zip(covered[::2], covered[1::2], strict=True))


def area(band: np.ndarray) -> float:
    """The area of a polygon [corners, 2]."""
    x, y = band.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def test_two_axes_have_a_heatmap_with_numbers(tmp_path: Path) -> None:
    cells = {"batch": [10, 20], "lr": [0.1, 0.2]}
    write_sweep(tmp_path / "s", cells, 2, lambda cell, seed: 1000 * cell["batch"])
    sweep = read_sweep(tmp_path / "s")
    assert "heatmap_batch_lr" in all_figures(sweep)
    figure = heatmap(sweep, *sweep.axes, sweep.timelines[0])
    speed, converged, _ = ([text.get_text() for text in ax.texts] for ax in figure.axes)
    assert speed == ["10k", "10k", "20k", "20k"]
    assert converged == ["2/2"] * 4


@pytest.mark.parametrize("values", [[0.1, 9], ["日本語", "Привет"]], ids=["a value that failed", "letters"])
def test_matplotlib_has_nothing_to_warn_of(tmp_path: Path, values: list[Any]) -> None:
    sweep = write_sweep(tmp_path / "s", {"env.kwargs.x": values[:1]}, 2, lambda cell, seed: 5000)
    write_trial(sweep / "lost", {"env.kwargs.x": values[1]}, status="failed", end=0)
    read = read_sweep(sweep)
    (axis,) = read.axes
    assert len(axis.values) == 2
    with warnings.catch_warnings(), mpl.rc_context(RC):
        warnings.simplefilter("error")
        figure = convergence_by_value(read, axis, read.timelines[0], np.random.default_rng(0))
        assert render(figure)[0].startswith(b"\x89PNG")
    low, high = figure.axes[0].get_xlim()
    assert all(low < place < high for place in positions(axis))
    assert "–" in [text.get_text() for text in figure.axes[0].texts]


def test_a_cell_without_trials_stays_empty(tmp_path: Path) -> None:
    for name, cell in {"a": (10, 0.1), "b": (10, 0.2), "c": (20, 0.1)}.items():
        write_trial(tmp_path / name, {"batch": cell[0], "lr": cell[1]}, 5000)
    sweep = read_sweep(tmp_path)
    figure = heatmap(sweep, *sweep.axes, sweep.timelines[0])
    assert all(len(ax.texts) == 3 for ax in figure.axes)


@pytest.mark.parametrize("seeds", [1, 3])
def test_no_axis_draws_all_trials(tmp_path: Path, seeds: int) -> None:
    write_sweep(tmp_path / "s", {}, seeds, lambda cell, seed: 5000)
    assert len(all_figures(read_sweep(tmp_path / "s"))) == 6


def test_unhappy_trials_draw_too(tmp_path: Path) -> None:
    for seed, status in enumerate(("diverged", "exhausted", "failed")):
        write_trial(tmp_path / status, {"lr": 0.1 * (seed + 1), "seed": seed}, status=status, end=900)
    assert len(all_figures(read_sweep(tmp_path))) == 6


def test_unconverged_trials_are_drawn_as_such(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    figure = convergence_by_value(sweep, sweep.axes[0], sweep.timelines[0], np.random.default_rng(0))
    ax = figure.axes[0]
    triangles = [y for line in ax.get_lines() if line.get_marker() == "^" for y in line.get_ydata()]
    dots = [y for _, y in ax.collections[0].get_offsets()]
    assert triangles == [50_000] * 3
    assert sorted(dots) == [5000, 7500, 10_000, 20_000, 30_000, 40_000]


def test_means_carry_our_intervals_and_not_a_bootstrap(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    figure = convergence_by_value(sweep, sweep.axes[0], sweep.timelines[0], np.random.default_rng(0))
    lines = figure.axes[0].get_lines()
    (means,) = [line.get_ydata() for line in lines if line.get_marker() == "D"]
    np.testing.assert_allclose(means, [50_000, 7500, 30_000])
    low, high = bounded_interval([5000, 7500, 10_000], (0, 50_000), np.random.default_rng(0))
    assert any(np.allclose(line.get_ydata(), [low, high]) for line in lines if len(line.get_ydata()) == 2)


@pytest.mark.parametrize(("values", "turned"), [((1, 2, 3), False), ((0.90, 0.91, 0.99, 0.999), True)])
def test_labels_are_turned_where_they_would_overlap(values: tuple, turned: bool) -> None:
    axis = Axis("x", values)
    assert bool(tilt(axis, axis.labels())) == turned


def test_names_are_no_formulas(tmp_path: Path) -> None:
    for seed, name in enumerate(("$\\frac{", "_hidden", "<b>&", "x" * 300)):
        write_trial(tmp_path / str(seed), {"env.id": name, "seed": seed}, 5000)
    sweep = read_sweep(tmp_path)
    figures = all_figures(sweep)
    labels = [text.get_text() for text in figures["loss_env.id"].legends[0].get_texts()]
    assert any("_hidden" in label for label in labels)
    assert any("$\\frac{" in label for label in labels)


def test_painted_figures_are_a_png_and_a_pdf_whoever_paints_them(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    plots = list(axis_plots(sweep, sweep.axes[0], {}, {}))[:3]
    pictures = paint_all(plots)
    assert [picture.name for picture in pictures] == [plot.name for plot in plots]
    assert pictures == [paint(plot) for plot in reversed(plots)][::-1]
    for picture in pictures:
        assert picture.png.startswith(b"\x89PNG")
        assert picture.pdf.startswith(b"%PDF")


def test_the_work_of_a_killed_painter_is_done(buffers: Path) -> None:
    sweep, here = read_sweep(buffers), os.getpid()
    first, second, third = list(axis_plots(sweep, sweep.axes[0], {}, {}))[:3]

    def die() -> Figure:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return first.draw()

    pictures = paint_all([first._replace(draw=die), second, third])
    assert [picture.png for picture in pictures] == [paint(plot).png for plot in (first, second, third)]


def test_painters_end_if_the_report_is_killed(tmp_path: Path) -> None:
    """Also while they send a picture that nobody takes; they would keep the sweep locked."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core has no painters")
    client = os.fork()
    if client == 0:
        with pytest.MonkeyPatch.context() as patch:
            large = Picture(None, "large", "", "", png=bytes(10**7), pdf=b"")
            patch.setattr(painting, "paint", lambda plot: (tmp_path / f"{os.getpid()}").touch() or large)
            patch.setattr(painting, "_receive", lambda painter, plot: time.sleep(600))
            paint_all([Plot(None, name, "", "", Figure) for name in "ab"])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    family = descendants(client)
    os.kill(client, signal.SIGKILL)
    os.waitpid(client, 0)
    try:
        assert len(family) == 2
        wait_until(lambda: not alive(family), 20)
    finally:
        for painter in alive(family):
            os.kill(painter, signal.SIGKILL)


def test_what_cannot_be_painted_is_an_error_here(buffers: Path) -> None:
    sweep = read_sweep(buffers)
    good, other = list(axis_plots(sweep, sweep.axes[0], {}, {}))[:2]
    with pytest.raises(ZeroDivisionError):
        paint_all([good, other._replace(draw=lambda: 1 // 0)])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.001, 0.01, 0.1), True),
        ((1, 2, 3), False),
        ((500, 17_083, 33_667, 50_250, 66_833, 83_417, 100_000), False),
        ((0, 1, 1000), False),
        (("a", "b"), False),
    ],
)
def test_wide_ranges_are_logarithmic_where_that_spreads_them(values: tuple, expected: bool) -> None:
    assert is_logarithmic(Axis("x", values)) == expected


def test_numbers_are_drawn_as_numbers_and_names_evenly() -> None:
    np.testing.assert_array_equal(positions(Axis("x", (1, 2, 10))), [1, 2, 10])
    np.testing.assert_array_equal(positions(Axis("x", ("a", "b"))), [0, 1])


def test_dots_do_not_hide_each_other_nor_reach_the_next_value() -> None:
    axis = Axis("x", (1, 2, 10))
    places = spread(axis, 5, 0)
    assert len(set(places)) == 5
    assert np.ptp(places) < 0.5


def test_styles_differ_in_grey_too() -> None:
    made = styles(Axis("x", tuple(range(7))))
    assert len({style.marker for style in made}) == 7
    assert len({str(style.dash) for style in made}) >= 6
