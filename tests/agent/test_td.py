"""A batch of three transitions with two actions, worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dqn_exp.agent.td import td_loss, td_target

REWARD = torch.tensor([1.0, 2.0, 3.0])
DISCOUNT = torch.tensor([0.5, 0.5, 0.0])  # the third is terminal
TARGET_VALUES = torch.tensor([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
ONLINE_VALUES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
TD_ERROR = torch.tensor([0.5, -1.0, 3.0])


def test_dqn_takes_the_target_networks_best() -> None:
    target = td_target(REWARD, DISCOUNT, TARGET_VALUES, TARGET_VALUES)
    assert target.tolist() == [1 + 10, 2 + 20, 3]


def test_double_dqn_selects_online_and_evaluates_target() -> None:
    target = td_target(REWARD, DISCOUNT, TARGET_VALUES, ONLINE_VALUES)
    assert target.tolist() == [1 + 5, 2 + 20, 3]


@pytest.mark.parametrize(
    ("kind", "weights", "loss"),
    [
        ("mse", None, (0.25 + 1 + 9) / 3),
        ("huber", None, (0.125 + 0.5 + 2.5) / 3),
        ("mse", [1.0, 0.5, 0.0], (0.25 + 0.5) / 3),
        ("huber", [1.0, 0.5, 0.0], (0.125 + 0.25) / 3),
    ],
)
def test_losses(kind: str, weights: list[float] | None, loss: float) -> None:
    weight = None if weights is None else torch.tensor(weights)
    assert td_loss(kind, TD_ERROR, weight).item() == pytest.approx(loss)


@pytest.mark.parametrize("kind", ["mse", "huber"])
def test_each_error_pulls_at_its_own_prediction_alone(kind: str) -> None:
    """A [B, B] broadcast would mix the rows: its gradient is not zero where the error is."""
    error: Tensor = torch.tensor([0.0, 0.0, 0.5], requires_grad=True)
    td_loss(kind, error, None).backward()
    assert error.grad is not None
    scale = 2 if kind == "mse" else 1
    assert error.grad.tolist() == pytest.approx([0, 0, scale * 0.5 / 3])
