"""One self-contained HTML page with sliders, which evaluates the network in the browser."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from torch import nn

from analysis.network.policy.maps import View
from analysis.report import OKABE_ITO
from dqn_exp.networks import MLP
from dqn_exp.runs import write_atomic
from dqn_exp.trained import Trained

DOTS = 500
"""The most visited states in the page."""

EVALUATED = (nn.Flatten, nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Tanh)
"""The layers that the page can evaluate."""

Layer = tuple[np.ndarray, np.ndarray]
"""Weights float64[outputs, inputs] and biases float64[outputs]."""


def write_page(path: Path, trained: Trained, view: View) -> bool:
    """Write the page. If the network cannot be evaluated in it, returns False and writes nothing."""
    layers = linear_layers(trained.network)
    if layers is None:
        return False
    templates = Environment(loader=PackageLoader("analysis"), autoescape=True)
    html = templates.get_template("policy.html.j2").render(
        title=view.title, data=_data(trained, view, layers)
    )
    write_atomic(path, html.encode())
    return True


def linear_layers(network: nn.Module) -> list[Layer] | None:
    """The network in evaluation mode as affine layers with an activation between each two.

    Batch normalisation is folded into the layer before it: with s = gamma / sqrt(variance + eps),
    W -> s W and b -> s (b - mean) + beta. None for any other network: not an MLP, with dueling streams or
    layer normalisation, or with a head that predicts something other than values.
    """
    if not isinstance(network, MLP) or not all(isinstance(m, EVALUATED) for m in network.layers):
        return None
    layers: list[Layer] = []
    for module in network.layers:
        if isinstance(module, nn.Linear):
            layers.append((_array(module.weight), _array(module.bias)))
        elif isinstance(module, nn.BatchNorm1d):
            weight, bias = layers.pop()
            scale = _array(module.weight) / np.sqrt(_array(module.running_var) + module.eps)
            shift = (bias - _array(module.running_mean)) * scale + _array(module.bias)
            layers.append((weight * scale[:, np.newaxis], shift))
    return layers


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)


def _data(trained: Trained, view: View, layers: list[Layer]) -> dict[str, Any]:
    names = view.names
    visited = view.visited[:: max(1, len(view.visited) // DOTS)]
    return {
        "dimensions": [
            {"name": name, "unit": unit, "low": low, "high": high, "value": float(value)}
            for name, unit, (low, high), value in zip(
                names.dimensions, names.units, view.ranges, view.at, strict=True
            )
        ],
        "actions": list(names.actions),
        "colors": [OKABE_ITO[index % len(OKABE_ITO)] for index in range(len(names.actions))],
        "x": view.x,
        "y": view.y,
        "activation": trained.config.network.activation,
        "layers": [{"inputs": w.shape[1], "weight": _packed(w), "bias": _packed(b)} for w, b in layers],
        "visited": [[round(float(v), 5) for v in row] for row in visited],
    }


def _packed(values: np.ndarray) -> str:
    """Numbers as base64 of little-endian float64."""
    return base64.b64encode(values.astype("<f8").tobytes()).decode()
