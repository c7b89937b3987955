"""For every layer and head, the ONNX graph gives the same Q-values as the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from gymnasium import spaces
from torch import nn

from dqn_exp.config import NetworkConfig
from dqn_exp.export.formats import NotExportable
from dqn_exp.export.onnx import write_onnx
from dqn_exp.images import ImageBox
from dqn_exp.networks import build_network
from dqn_exp.trained import Trained
from tests.helpers import make_config, make_values

N_ACTIONS = 3


def trained(observations: spaces.Box, own: nn.Module | None = None, **settings: Any) -> Trained:
    """An untrained one, whose layers are those of `settings`."""
    config = NetworkConfig.model_validate(make_values(**settings)["network"])
    built = build_network(config, observations, spaces.Discrete(N_ACTIONS), seed=5)
    for name, buffer in built.named_buffers():
        if buffer.is_floating_point():  # those of batch normalisation, as training leaves them
            buffer.copy_(buffer + 0.3 + 0.1 * len(name) / 10)
    size = int(np.prod(observations.shape))
    images = observations if isinstance(observations, ImageBox) else None
    made = (own or built).eval()
    return Trained(Path(), make_config(), made, size, N_ACTIONS, 0, (), False, images, [])


VECTORS = spaces.Box(-1, 1, (4,), np.float32)
BOUNDS = {"network__head__v_min": -1.0, "network__head__v_max": 2.0}
SPREAD = {"network__hidden": [16, 8]}
KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "tanh": {"network__activation": "tanh"},
    "dueling": {"network__dueling": True},
    "layer norm": {"network__layer_norm": True},
    "noisy": {"network__noisy": True},
    "batch norm": {"network": "mlp_batchnorm"},
    "c51": {"network/head": "c51", "network__head__atoms": 7, **BOUNDS},
    "qr": {"network/head": "qr", "network__head__quantiles": 5},
    "dueling c51": {"network/head": "c51", "network__head__atoms": 7, **BOUNDS, "network__dueling": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_q_values_are_those_of_the_network(kind: str, tmp_path: Path) -> None:
    model = trained(VECTORS, **SPREAD, **KINDS[kind])
    states = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    assert write_onnx(model, states, tmp_path / "m.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (found,) = session.run(None, {"observation": states})
    assert found.shape == (50, N_ACTIONS)
    np.testing.assert_allclose(found, model.values(states), rtol=1e-4, atol=1e-5)
    assert np.ptp(found) > 0.01  # the values differ, so that another order of them would be seen


def test_images_are_seen_as_they_are(tmp_path: Path) -> None:
    layers = [{"channels": 4, "kernel": 3, "stride": 2}, {"channels": 5, "kernel": 2}]
    images = ImageBox((2, 10, 10), 1, 255)
    settings: dict[str, Any] = {"network": "cnn", "network__convolutions": layers}
    model = trained(images, **settings)
    states = np.random.default_rng(0).integers(0, 256, (20, 2, 10, 10)).astype(np.uint8)
    write_onnx(model, states, tmp_path / "m.onnx")
    (found,) = onnxruntime.InferenceSession(tmp_path / "m.onnx").run(None, {"observation": states})
    np.testing.assert_allclose(found, model.values(states), rtol=1e-4, atol=1e-5)


def test_a_layer_of_ones_own_is_refused(tmp_path: Path) -> None:
    own = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, N_ACTIONS))
    with pytest.raises(NotExportable, match="does not support the layer GELU"):
        write_onnx(trained(VECTORS, own), np.zeros((1, 4), np.float32), tmp_path / "m.onnx")
