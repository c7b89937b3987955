from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dqn_exp.heads import Values

REWARD = torch.tensor([1.0, 2.0, 3.0])
DISCOUNT = torch.tensor([0.5, 0.5, 0.0])  # the third is terminal
FOLLOWING = torch.tensor([[20.0], [40.0], [60.0]])
PREDICTED = torch.tensor([[0.5], [-1.0], [3.0]])


def test_the_target_is_what_was_earned_and_what_is_expected() -> None:
    assert Values().target(REWARD, DISCOUNT, FOLLOWING).tolist() == [11, 22, 3]


@pytest.mark.parametrize(("kind", "expected"), [("mse", [0.25, 1, 9]), ("huber", [0.125, 0.5, 2.5])])
def test_losses_and_td_errors(kind: str, expected: list[float]) -> None:
    losses, td_errors = Values().loss(PREDICTED, torch.zeros(3), kind)
    assert losses.tolist() == expected
    assert td_errors.tolist() == [0.5, -1, 3]


@pytest.mark.parametrize("kind", ["mse", "huber"])
def test_each_error_pulls_at_its_own_prediction_alone(kind: str) -> None:
    """A [B, B] broadcast would mix the rows: its gradient is not zero where the error is."""
    predicted: Tensor = torch.tensor([[0.0], [0.0], [0.5]], requires_grad=True)
    Values().loss(predicted, torch.zeros(3), kind)[0].sum().backward()
    assert predicted.grad is not None
    assert predicted.grad.ravel().tolist() == [0, 0, 1 if kind == "mse" else 0.5]
