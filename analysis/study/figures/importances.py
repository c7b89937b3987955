"""The importance of each parameter."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from analysis.report import ACCENT, FAINT, INK, OKABE_ITO, new_figure, note
from analysis.study.importance import Importances
from analysis.wording import hundredths


def importance_bars(importances: Importances) -> Figure:
    """Importance of each parameter, compared with the limit from shuffled scores."""
    count, tested = len(importances.names), importances.tested
    figure, (ax,) = new_figure(7.0, 1.5 + 0.36 * count)
    positions = np.arange(count)
    above = [name in importances.above() for name in importances.names]
    colors = [OKABE_ITO[0] if stands_out else FAINT for stands_out in above]
    note(ax, "importance", {"parameter": importances.names, "value": importances.observed})
    if tested is None or tested.n < importances.n:
        ax.barh(positions, importances.observed, color=FAINT, height=0.55, alpha=0.6,
                label=f"all {importances.n} proposals (descriptive)")  # fmt: skip
    else:
        ax.barh(positions, tested.observed, color=colors, height=0.55)
    if tested is not None:
        note(ax, "importance, tested", {"parameter": importances.names, "value": tested.observed})
        note(ax, "median of shuffled scores", {"parameter": importances.names, "value": tested.null_median})
        note(ax, "limit", {"parameter": ["any"], "value": tested.limit})
        if tested.n < importances.n:
            label = f"the {tested.n} that did not depend on scores (tested)"
            ax.scatter(tested.observed, positions, c=colors, marker="D", edgecolor=INK, zorder=3, label=label)
        ax.scatter(
            tested.null_median, positions, marker="|", s=180, color=INK, label="median of shuffled scores"
        )
        is_seen = tested.limit <= 1
        label = f"limit {hundredths(tested.limit)}{'' if is_seen else ', beyond the right end'}"
        ax.plot([tested.limit] * 2 if is_seen else [], [count, -1] if is_seen else [], color=ACCENT,
                linewidth=1.6, label=label)  # fmt: skip
    ax.set_yticks(positions, importances.names)
    ax.set(xlim=(0, 1.02), ylim=(count - 0.4, -0.6), xlabel="importance (sums to 1)")
    ax.grid(visible=False, axis="y")
    figure.legend(loc="outside upper right", ncols=2)
    return figure
