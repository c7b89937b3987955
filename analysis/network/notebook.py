"""A trained network in a notebook: maps with sliders, counts of actions, and a film."""

from __future__ import annotations

import argparse
import base64
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import AnalysisError

if TYPE_CHECKING:
    from analysis.network.policy.explorer import Explorer
    from analysis.report import Picture

Place = str | PathLike[str]
POINTS = 61
"""Points of a map per dimension; few enough to redraw while a slider moves."""
WIDTH = 480
"""Width of a film in pixels."""


def explore(
    trial: Place,
    x: str | None = None,
    y: str | None = None,
    at: Mapping[str, float] | None = None,
    *,
    best: bool = False,
    imports: bool = False,
    points: int = POINTS,
) -> Explorer:
    """Maps of a trial's Q-values and greedy actions, with a slider for each dimension that is held fixed.

    x, y: the dimensions that are shown, by name or number. at: initial values of the other dimensions; by
    default their medians in greedy episodes. best: use the best network so far instead of the last one.
    imports: run the modules that the trial names. Raises ConfigError if the network cannot be
    loaded, and AnalysisError if there is nothing to map or ipywidgets is not installed.
    """
    if importlib.util.find_spec("ipywidgets") is None:
        raise AnalysisError(
            f"sliders need the package ipywidgets, which is not installed; install it: "
            f"pip install 'dqn_exp[notebook]'. `python -m analysis policy {Path(trial)}` writes a page "
            f"with sliders that works without it"
        )
    from analysis.network.policy.command import EPISODES
    from analysis.network.policy.explorer import Explorer
    from analysis.network.policy.maps import make_view
    from analysis.network.rollouts import roll_out
    from dqn_exp.trained import load_trained

    trained = load_trained(Path(trial), best, imports)
    if trained.images:
        raise AnalysisError(f"{trial} observes images, which have no dimensions to map")
    view = make_view(trained, roll_out(trained, 0.0, EPISODES), x, y, at=at)
    return Explorer(trained, view, points)


def actions(
    trial: Place,
    epsilon: Sequence[float] = (0.0, 0.5, 1.0),
    *,
    episodes: int = 20,
    best: bool = False,
    imports: bool = False,
) -> Picture:
    """How often each action is taken in `episodes` episodes, for each `epsilon`.

    Raises ConfigError if the network cannot be loaded.
    """
    from analysis.network.dimensions import naming
    from analysis.network.policy.figures import action_counts
    from analysis.network.policy.maps import title_of
    from analysis.network.rollouts import roll_out
    from analysis.report import Plot, paint
    from dqn_exp.trained import load_trained

    trained = load_trained(Path(trial), best, imports)
    of_actions = trained.n_actions, trained.first_action, trained.action_names
    names = naming(trained.config.env.id, trained.observation_size, *of_actions).actions
    rollouts = {each: roll_out(trained, each, episodes) for each in epsilon}
    caption = f"Share of the steps of {episodes} episodes in which each action was taken."
    draw = lambda: action_counts(title_of(trained), names, rollouts)  # noqa: E731
    return paint(Plot(None, "actions", "Actions", caption, draw))


@dataclass(frozen=True)
class Film:
    """An mp4 that a notebook plays."""

    path: Path

    def _repr_html_(self) -> str:
        content = base64.b64encode(self.path.read_bytes()).decode()
        return f'<video controls loop muted width="{WIDTH}" src="data:video/mp4;base64,{content}"></video>'


def film(
    trial: Place,
    *,
    episodes: int = 1,
    steps: int = 1000,
    seed: int = 0,
    output: Place | None = None,
    best: bool = False,
    imports: bool = False,
) -> Film:
    """Film greedy episodes, by default into `video.mp4` of the trial.

    Raises AnalysisError for bad arguments, and ConfigError if the trial cannot be filmed.
    """
    from analysis.network import video

    path = Path(output or Path(trial) / "video.mp4")
    video.run(
        argparse.Namespace(
            trial=Path(trial), episodes=episodes, steps=steps, seed=seed, output=path, best=best,
            imports=imports,
        )
    )  # fmt: skip
    return Film(path)
