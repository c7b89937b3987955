"""The figure of a model's card: what it earned while it trained."""

from __future__ import annotations

from pathlib import Path

from analysis.network.trained import Trained
from dqn_exp.runs import metrics_path, read_columns


def draw_curve(trained: Trained, path: Path) -> bool:
    """Mean and standard deviation of each evaluation, over environment steps; False where there was none."""
    columns = read_columns(metrics_path(trained.directory, "evaluations"))
    if not len(columns.get("env_step", ())):
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps, mean, std = columns["env_step"], columns["mean_return"], columns["std_return"]
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.fill_between(steps, mean - std, mean + std, alpha=0.2, linewidth=0)
    axes.plot(steps, mean)
    threshold = trained.config.convergence.threshold
    if threshold is not None and abs(threshold) != float("inf"):
        axes.axhline(threshold, color="grey", linestyle="--", linewidth=1)
        axes.annotate("solved", (0, threshold), color="grey", va="bottom")
    axes.set(xlabel="environment steps", ylabel="return of greedy episodes", xlim=(0, steps[-1]))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    return True
