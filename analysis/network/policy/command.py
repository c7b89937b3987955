"""`python -m analysis policy TRIAL`: the Q-values and actions of a trained network over states."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import AnalysisError
from analysis.network.command_line import add_trial_arguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analysis.network.policy.maps import View
    from analysis.network.rollouts import Rollout
    from dqn_exp.trained import Trained


EPISODES, OF_IMAGES = 20, 3
"""Episodes played for each epsilon; fewer for images, which take more time and memory."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trial_arguments(parser)
    parser.add_argument("--x", metavar="DIMENSION", help="horizontal dimension: its name or number")
    parser.add_argument("--y", metavar="DIMENSION", help="vertical dimension: its name or number")
    for name in ("x", "y"):
        parser.add_argument(
            f"--{name}-range", type=float, nargs=2, metavar=("LOW", "HIGH"),
            help=f"limits of the {name} axis (default: the range that greedy episodes visit)",
        )  # fmt: skip
    parser.add_argument(
        "--at", action="append", default=[], metavar="DIMENSION=VALUE",
        help="value at which another dimension is held (default: its median in greedy episodes)",
    )  # fmt: skip
    parser.add_argument(
        "--episodes",
        type=int,
        help=f"episodes for each epsilon (default: {EPISODES}; for images {OF_IMAGES})",
    )
    parser.add_argument(
        "--epsilon",
        type=float,
        nargs="+",
        default=[0.0, 0.5, 1.0],
        help="epsilons of the action counts (default: 0 0.5 1)",
    )
    parser.add_argument(
        "--points", type=int, default=121, help="points of a map per dimension (default: 121)"
    )
    parser.add_argument("--output", type=Path, help="directory to write to (default: TRIAL/policy)")


def run(arguments: argparse.Namespace) -> None:
    import numpy as np

    from analysis.network.policy.figures import action_counts, difference_map, greedy_map, value_maps
    from analysis.network.policy.maps import evaluate_view, title_of
    from analysis.network.policy.page import write_page
    from analysis.network.rollouts import roll_out
    from dqn_exp.trained import load_trained

    _check(arguments)
    trained = load_trained(arguments.trial, arguments.best, arguments.imports)
    if trained.images:
        _refuse_maps(arguments)
    episodes = arguments.episodes or (OF_IMAGES if trained.images else EPISODES)
    rollouts = {epsilon: roll_out(trained, epsilon, episodes) for epsilon in {0.0, *arguments.epsilon}}
    shown = {epsilon: rollouts[epsilon] for epsilon in arguments.epsilon}
    directory = arguments.output or arguments.trial / "policy"
    if trained.images:
        _look_at_images(trained, rollouts[0.0], shown, directory)
        return
    view = _view(arguments, trained, rollouts[0.0])
    maps = evaluate_view(trained, view, arguments.points)
    if not np.isfinite(maps.values).all():
        print("Q-values are not finite numbers: learning has diverged, and the maps are grey there")
    figures = {
        "q_values": value_maps(view, maps),
        "difference": difference_map(view, maps),
        "greedy_action": greedy_map(view, maps),
        "actions": action_counts(title_of(trained), view.names.actions, shown),
    }
    _write_all(directory, figures)
    page = write_page(directory / "index.html", trained, view)
    print(f"{directory}: {', '.join(figures)} (png, pdf, svg, csv){' and index.html' if page else ''}")
    if not page:
        print(
            "No page: a page can evaluate only mlp and mlp_batchnorm, with network.head=values and without "
            "layer_norm and dueling"
        )


def _refuse_maps(arguments: argparse.Namespace) -> None:
    for key in ("x", "y", "x_range", "y_range", "at"):
        if getattr(arguments, key):
            raise AnalysisError(
                f"--{key.replace('_', '-')}: {arguments.trial} observes images, which have no dimensions to "
                f"map; allowed: none of --x, --y, --x-range, --y-range, --at"
            )


def _look_at_images(
    trained: Trained, greedy: Rollout, shown: Mapping[float, Rollout], directory: Path
) -> None:
    """Write the figures for an environment of images: counts of actions, and the Q-values of one episode."""
    from analysis.network.dimensions import name_actions
    from analysis.network.policy.figures import action_counts
    from analysis.network.policy.maps import title_of
    from analysis.network.policy.scenes import episode_values

    title = title_of(trained)
    actions = name_actions(trained.action_names, trained.n_actions, trained.first_action)
    figures = {
        "actions": action_counts(title, actions, shown),
        "episode": episode_values(title, actions, trained, greedy),
    }
    _write_all(directory, figures)
    print(f"{directory}: {', '.join(figures)} (png, pdf, svg, csv)")
    print("No maps and no page: observations are images, which have no two dimensions to map")


def _check(arguments: argparse.Namespace) -> None:
    for key in ("episodes", "points"):
        given = getattr(arguments, key)
        if given is not None and given < 2 - (key == "episodes"):
            raise AnalysisError(f"--{key} {given}; allowed: at least {2 - (key == 'episodes')}")
    for epsilon in arguments.epsilon:
        if not 0 <= epsilon <= 1:
            raise AnalysisError(f"--epsilon {epsilon}; allowed: 0 to 1")
    for key in ("x_range", "y_range"):
        limits = getattr(arguments, key)
        if limits and not limits[0] < limits[1]:
            raise AnalysisError(f"--{key.replace('_', '-')} {limits}; allowed: LOW < HIGH")


def _view(arguments: argparse.Namespace, trained: Trained, rollout: Rollout) -> View:
    from analysis.network.policy.maps import make_view

    at = {}
    for text in arguments.at:
        name, _, value = text.rpartition("=")
        try:
            at[name] = float(value)
        except ValueError:
            raise AnalysisError(f"--at {text}; allowed: DIMENSION=NUMBER") from None
    ranges = {"x": arguments.x_range, "y": arguments.y_range}
    return make_view(trained, rollout, arguments.x, arguments.y, ranges, at)


def _write_all(directory: Path, figures: Mapping[str, Figure]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        _write(directory / name, figure)


def _write(path: Path, figure: Figure) -> None:
    from analysis.report import numbers_and_words, render

    for ending, content in zip(("png", "pdf", "svg"), render(figure), strict=True):
        path.with_suffix(f".{ending}").write_bytes(content)
    path.with_suffix(".csv").write_text(numbers_and_words(figure)[0])
