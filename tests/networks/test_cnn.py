from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from scipy.signal import correlate
from torch import nn

from dqn_exp.config import parse_config
from dqn_exp.config.errors import ConfigError
from dqn_exp.images import ImageBox
from dqn_exp.networks import CNN, build_network
from dqn_exp.runs.record import record_trial, run_trial
from tests.helpers import gymnasium_env, make_config, make_values, run


class Marks(gymnasium.Env[np.ndarray, int]):
    """A mark in one of four corners of a black image, whose number is the action that pays; 8 steps."""

    observation_space = spaces.Box(0, 200, (9, 8), np.uint8)
    action_space = spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = 8
        return self._show(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        reward = 5.0 * (action == self._corner)
        self._left -= 1
        return self._show(), reward, self._left == 0, False, {}

    def _show(self) -> np.ndarray:
        self._corner = int(self.np_random.integers(4))
        image = np.zeros((9, 8), np.uint8)
        image[-(self._corner // 2), -(self._corner % 2)] = 200
        return image


gymnasium.register("images/Marks-v0", Marks)  # type: ignore[arg-type]
MARKS: dict[str, Any] = {
    **gymnasium_env("images/Marks-v0"),
    "env__images": True,
    "network": "cnn",
    "network__hidden": [16],
    "batch": 16,
    "budget__env_steps": 160,
    "evaluation__final_episodes": 1,
}


def build(images: ImageBox, network: str = "cnn", **settings: Any) -> nn.Module:
    config = parse_config(make_values(env__images=True, network=network, **settings))
    return build_network(config.network, images, spaces.Discrete(4), 0)


@pytest.mark.parametrize(
    ("network", "shape", "parameters"),
    [
        ("cnn", (4, 10, 10), 16 * (4 * 9 + 1) + 128 * (16 * 8 * 8 + 1) + 4 * 129),
        (
            "nature",
            (4, 84, 84),
            32 * (4 * 64 + 1) + 64 * (32 * 16 + 1) + 64 * (64 * 9 + 1) + 512 * (64 * 7 * 7 + 1) + 4 * 513,
        ),
    ],
)
def test_the_published_networks(network: str, shape: tuple[int, int, int], parameters: int) -> None:
    built = build(ImageBox(shape, 1, 255), network)
    assert sum(parameter.numel() for parameter in built.parameters()) == parameters
    assert built(torch.zeros(3, *shape, dtype=torch.uint8)).shape == (3, 4)


def test_its_values_are_those_of_convolutions_in_numpy() -> None:
    images = ImageBox((2, 6, 7), 1, 50)
    network = build(images, network__convolutions=[{"channels": 3, "kernel": 3, "stride": 2}])
    pixels = np.random.default_rng(0).integers(0, 51, (5, 2, 6, 7)).astype(np.uint8)
    kernels, bias, first, first_bias, last, last_bias = (
        parameter.detach().numpy().astype(float) for parameter in network.parameters()
    )
    for row, values in zip(pixels, network(torch.from_numpy(pixels)).detach().numpy(), strict=True):
        maps = [
            correlate(row / 50, kernel, "valid")[0, ::2, ::2] + b
            for kernel, b in zip(kernels, bias, strict=True)
        ]
        hidden = np.maximum(first @ np.maximum(np.array(maps), 0).ravel() + first_bias, 0)
        np.testing.assert_allclose(values, last @ hidden + last_bias, atol=1e-5)


def test_an_mlp_of_images_sees_them_between_0_and_1() -> None:
    images = ImageBox((1, 2, 2), 1, 200)
    network = build(images, "mlp", network__hidden=[])
    weight, bias = (parameter.detach() for parameter in network.parameters())
    shown = torch.tensor([[[[0, 50], [100, 200]]]], dtype=torch.uint8)
    expected = weight @ torch.tensor([0, 0.25, 0.5, 1]) + bias
    torch.testing.assert_close(network(shown)[0], expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "cnn"}, r"^network.name='cnn' needs images, but env.images=false "),
        ({"network__convolutions": [{"channels": 1, "kernel": 1}]}, r"^network.name='mlp' does not use"),
        ({**MARKS, "network": "nature"}, r"^network.convolutions.1.kernel=4 is larger than its input of "),
        ({**MARKS, "network__convolutions": [{"channels": 0, "kernel": 1}]}, r"^network.convolutions.0.chan"),
        ({**MARKS, "network": "mlp", "learner": "fused"}, r"^learner='fused' does not support network."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(**settings)


def test_it_learns_what_is_in_an_image() -> None:
    """The mean return of random actions is 8 * 5 / 4 = 10, the best one 40."""
    trial, _ = run(make_config(**{**MARKS, "budget__env_steps": 500}, gamma=0.0, lr=3e-3))
    assert isinstance(trial.agent.network, CNN)
    assert trial.evaluate(10).mean == 40


@pytest.mark.parametrize("replay", ["uniform", "prioritised"])
def test_a_killed_trial_goes_on_to_the_same_record(replay: str, tmp_path: Path) -> None:
    config = make_config(
        **MARKS,
        env__wrappers={"FrameStackObservation": {"stack_size": 3}},
        replay=replay,
        buffer=70,
        replay__n_step=2,
        checkpoint__every_seconds=0,
    )
    run_trial(config, tmp_path / "whole", {})
    events = record_trial(config, tmp_path / "cut", {})
    [next(events) for _ in range(20)]
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path / "cut", {})
    for name in ("episodes.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
