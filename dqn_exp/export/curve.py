"""The figure of a model's card: its learning curve."""

from __future__ import annotations

import math
from pathlib import Path

from dqn_exp.runs import metrics_path, read_columns
from dqn_exp.trained import Trained


def draw_curve(trained: Trained, path: Path) -> bool:
    """Draw mean and standard deviation of each evaluation over environment steps; False if there is none."""
    columns = read_columns(metrics_path(trained.directory, "evaluations"))
    if not len(columns.get("env_step", ())):
        return False
    import matplotlib as mpl

    from analysis.report import RC, count_axis, new_figure

    steps, mean, std = columns["env_step"], columns["mean_return"], columns["std_return"]
    with mpl.rc_context(RC):
        figure, (axes,) = new_figure(6.4, 3.6)
        axes.fill_between(steps, mean - std, mean + std, alpha=0.2, linewidth=0, label="± standard deviation")
        axes.plot(steps, mean, label=f"mean of {columns['n_episodes'][-1]:.0f} greedy episodes")
        threshold = trained.config.convergence.threshold
        if threshold is not None and math.isfinite(threshold):
            axes.axhline(threshold, color="grey", linestyle="--", linewidth=1, label=f"solved: {threshold:g}")
        axes.set(xlabel="environment steps", ylabel="return", xlim=(0, steps[-1]))
        count_axis(axes, "x")
        axes.legend(loc="lower right")
        figure.savefig(path, dpi=150)
    return True
