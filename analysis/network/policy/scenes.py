"""An episode of images: some of the images, and the Q-values over its steps."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from analysis.network.rollouts import Rollout
from analysis.report import FAINT, OKABE_ITO, RC, new_figure, note
from dqn_exp.images import ImageBox
from dqn_exp.text import format_number
from dqn_exp.trained import Trained

PICTURES = 6
"""Number of states of the episode that are shown, evenly spaced from the first to the last."""


def episode_values(title: str, names: Sequence[str], trained: Trained, rollout: Rollout) -> Figure:
    """The Q-value of each action over the steps of the first greedy episode, with pictures of its states."""
    assert trained.images is not None
    observations = rollout.observations[: rollout.lengths[0]]
    values = trained.values(observations)
    steps = np.arange(len(observations))
    moments = np.unique(np.linspace(0, steps[-1], PICTURES).round().astype(int))
    with mpl.rc_context(RC):
        figure, _ = new_figure(8.0, 4.6)
        figure.clear()
        grid = figure.add_gridspec(2, PICTURES, height_ratios=[1, 1.6])
        for index, moment in enumerate(moments):
            ax = figure.add_subplot(grid[0, index])
            ax.imshow(picture(observations[moment], trained.images), interpolation="nearest")
            ax.set_title(f"step {format_number(moment)}", fontsize=8)
            ax.set_axis_off()
        ax = figure.add_subplot(grid[1, :])
        for moment in moments:
            ax.axvline(moment, color=FAINT, linewidth=0.6)
        for action, name in enumerate(names):
            color = OKABE_ITO[action % len(OKABE_ITO)]
            dash = "-" if action < len(OKABE_ITO) else "--"
            note(ax, "Q-value", {"action": name, "step": steps, "value": values[:, action]})
            ax.plot(steps, values[:, action], dash, color=color, linewidth=1.2, label=name)
        ax.set(xlabel="step of the episode", ylabel="Q-value", xlim=(0, max(1, steps[-1])))
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        what = f"Q-value of each action in a greedy episode (return {format_number(rollout.returns[0])})"
        figure.suptitle(f"{what}\n{title}", x=0.01, ha="left", fontsize=9)
    return figure


def picture(image: np.ndarray, space: ImageBox) -> np.ndarray:
    """The latest frame of `image` [C, H, W] as float[H, W, 3] in [0, 1].

    It is grey, RGB, or has one colour per channel. In the last case, a pixel shows the highest channel that
    is on, and black if none is.
    """
    frame = image[-space.frame[0] :] / space.largest
    if len(frame) == 1:
        return np.repeat(frame[0][..., np.newaxis], 3, axis=-1)
    if len(frame) == 3 and space.largest > 1:
        return frame.transpose(1, 2, 0)
    colors = np.array([(0.0, 0.0, 0.0), *sns.color_palette("cubehelix", len(frame))])
    numbers = np.arange(1, len(frame) + 1)[:, np.newaxis, np.newaxis]
    return np.asarray(colors[((frame > 0) * numbers).max(axis=0)])
