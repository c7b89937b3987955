"""QR-DQN with quantiles at 1/4 and 3/4, by hand; and the loss against the paper's equation 10, verbatim."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dqn_exp.heads.qr import QR


def test_values_are_the_means_and_targets_move_each_quantile() -> None:
    head = QR(2, 1.0)
    assert head.values(torch.tensor([[[1.0, 3.0], [-1.0, 5.0]]])).tolist() == [[2, 2]]
    reward, discount = torch.tensor([1.0, 1.0]), torch.tensor([0.5, 0.0])
    following = torch.tensor([[2.0, 4.0], [2.0, 4.0]])
    assert head.target(reward, discount, following).tolist() == [[2, 3], [1, 1]]


@pytest.mark.parametrize(
    ("kappa", "expected"),
    [
        (1.0, (0.25 * 0.125 + 0.75 * 4.5 + 0.25 * 3 + 0.25 * 8.5) / 2),
        (0.0, (0.25 * 0.5 + 0.75 * 5 + 0.25 * 3.5 + 0.25 * 9) / 2),
    ],
)
def test_the_loss_by_hand(kappa: float, expected: float) -> None:
    """theta = (0, 4), target = (0.5, -5): u = 0.5, -5 for the first and -3.5, -9 for the second.

    |tau - [u < 0]| is 1/4, 3/4 for the first, and 1/4, 1/4 for the second.
    """
    losses, td_errors = QR(2, kappa).loss(torch.tensor([[0.0, 4.0]]), torch.tensor([[0.5, -5.0]]), "mse")
    assert losses.item() == td_errors.item() == pytest.approx(expected)


def of_the_paper(theta: np.ndarray, target: np.ndarray, kappa: float) -> float:
    """Dabney et al. 2018, algorithm 1: the sum over i of the mean over j of rho(target_j - theta_i)."""
    total = 0.0
    for i, estimate in enumerate(theta):
        tau = (2 * i + 1) / (2 * len(theta))
        for reached in target:
            u = reached - estimate
            huber = 0.5 * u**2 if abs(u) <= kappa else kappa * (abs(u) - 0.5 * kappa)
            total += abs(tau - (u < 0)) * (abs(u) if kappa == 0 else huber) / len(target)
    return total


@pytest.mark.parametrize("kappa", [0.0, 0.5, 1.0])
def test_the_loss_is_that_of_the_paper(kappa: float) -> None:
    generator = np.random.default_rng(0)
    theta, target = generator.normal(scale=2, size=(2, 6, 5))
    losses, _ = QR(5, kappa).loss(torch.from_numpy(theta), torch.from_numpy(target), "mse")
    expected = [of_the_paper(*rows, kappa) for rows in zip(theta, target, strict=True)]
    np.testing.assert_allclose(losses, expected)


def test_gradients() -> None:
    torch.manual_seed(0)
    theta = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randn(3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda t: QR(4, 1.0).loss(t, target, "mse")[0], theta)


@pytest.mark.parametrize("kappa", [0.0, 0.1])
def test_the_quantiles_of_a_sample_are_where_the_loss_is_least(kappa: float) -> None:
    """Of 0, 1, ..., 9, the quantiles at 1/10, 3/10, ..., 9/10 lie between 2k and 2k + 1."""
    head, sample = QR(5, kappa), torch.arange(10.0)[None]
    theta = torch.zeros(1, 5, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=0.05 if kappa == 0 else 0.5)
    for _ in range(2000):
        optimizer.zero_grad()
        head.loss(theta, sample, "mse")[0].sum().backward()
        optimizer.step()
    least = torch.arange(0.0, 10, 2)
    assert ((theta[0] > least - 0.2) & (theta[0] < least + 1.2)).all(), theta
