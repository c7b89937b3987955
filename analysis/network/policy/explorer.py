"""Maps with sliders in a notebook. Needs ipywidgets."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import ipywidgets
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.network.policy.figures import all_maps
from analysis.network.policy.maps import View, evaluate_view
from dqn_exp.trained import Trained

STEPS = 100
"""Number of steps of a slider over its range."""


class Explorer(ipywidgets.VBox):  # type: ignore[misc]
    """Maps of one plane through the observations, with a slider for each dimension that is held fixed.

    Attributes:
        view: the plane that is shown now.
        sliders: the sliders by the name of their dimension.
    """

    def __init__(self, trained: Trained, view: View, points: int) -> None:
        self.view, self._trained, self._points = view, trained, points
        held = [d for d in range(len(view.at)) if d not in (view.x, view.y)]
        self.sliders = {view.names.dimensions[d]: self._slider(d) for d in held}
        self._image = ipywidgets.Image(value=self.png(), format="png")
        super().__init__([*self.sliders.values(), self._image])

    def png(self) -> bytes:
        """The maps that are shown now, as a PNG."""
        figure = all_maps(self.view, evaluate_view(self._trained, self.view, self._points))
        content = io.BytesIO()
        canvas: Any = FigureCanvasAgg(figure)
        canvas.print_png(content)
        return content.getvalue()

    def _slider(self, dimension: int) -> Any:
        low, high = self.view.ranges[dimension]
        value = float(self.view.at[dimension])
        slider = ipywidgets.FloatSlider(
            value=value,
            min=min(low, value),
            max=max(high, value),
            step=(high - low) / STEPS,
            description=self.view.label(dimension),
            readout_format=".3g",
            style={"description_width": "12em"},
            layout={"width": "32em"},
        )
        slider.observe(lambda change: self._move(dimension, change["new"]), names="value")
        return slider

    def _move(self, dimension: int, value: float) -> None:
        at = self.view.at.copy()
        at[dimension] = value
        self.view = replace(self.view, at=at)
        self._image.value = self.png()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and its picture for saved notebooks that are shown without widgets."""
        bundle = super()._repr_mimebundle_(**options)
        content = bundle[0] if isinstance(bundle, tuple) else bundle
        content["image/png"] = base64.b64encode(self._image.value).decode()
        return bundle
