"""C51 with three atoms -1, 0, 1, by hand; and the projection against the paper's algorithm 1, verbatim."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dqn_exp.heads.c51 import C51

HEAD = C51(3, -1.0, 1.0)


def logits(*probabilities: float) -> Tensor:
    return torch.tensor([probabilities]).log()


def target(reward: float, discount: float, *probabilities: float) -> list[float]:
    projected = HEAD.target(torch.tensor([reward]), torch.tensor([discount]), logits(*probabilities))
    return [round(p, 6) for p in projected[0].tolist()]


def test_values_are_the_means() -> None:
    predictions = torch.stack([logits(0.5, 0.25, 0.25), logits(0.1, 0.2, 0.7)], dim=1)
    assert HEAD.values(predictions).tolist() == [[pytest.approx(-0.25), pytest.approx(0.6)]]


def test_an_atom_between_two_is_shared_by_nearness() -> None:
    """Atoms move to 0.25 - 0.5, 0.25 and 0.25 + 0.5: -0.25, 0.25, 0.75."""
    assert target(0.25, 0.5, 1e-9, 1, 1e-9) == [0, 0.75, 0.25]
    assert target(0.25, 0.5, 0.2, 0.3, 0.5) == pytest.approx([0.05, 0.15 + 0.225 + 0.125, 0.075 + 0.375])


def test_what_moves_onto_an_atom_stays_whole_and_what_moves_beyond_counts_as_the_last() -> None:
    assert target(0, 1, 0.2, 0.3, 0.5) == pytest.approx([0.2, 0.3, 0.5])
    assert target(1, 1, 0.2, 0.3, 0.5) == pytest.approx([0, 0.2, 0.8])
    assert target(-9, 1, 0.2, 0.3, 0.5) == pytest.approx([1, 0, 0])


def test_after_the_end_only_the_reward_counts() -> None:
    assert target(0.75, 0, 0.2, 0.3, 0.5) == pytest.approx([0, 0.25, 0.75])


def projected(reward: float, discount: float, probabilities: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Bellemare et al. 2017, algorithm 1, for one transition, atom by atom."""
    m, width = np.zeros(len(atoms)), atoms[1] - atoms[0]
    for p, z in zip(probabilities, atoms, strict=True):
        b = (np.clip(reward + discount * z, atoms[0], atoms[-1]) - atoms[0]) / width
        lower, upper = math.floor(b), math.ceil(b)
        if lower == upper:
            m[lower] += p
        else:
            m[lower] += p * (upper - b)
            m[upper] += p * (b - lower)
    return m


def test_the_projection_is_that_of_the_paper() -> None:
    generator, head, atoms = np.random.default_rng(0), C51(11, -3.0, 7.0), np.linspace(-3, 7, 11)
    reward, discount = generator.normal(scale=3, size=50), generator.choice([0, 0.9, 0.81, 1.0], size=50)
    following = torch.from_numpy(generator.normal(size=(50, 11)))
    found = head.target(torch.from_numpy(reward), torch.from_numpy(discount), following).numpy()
    rows = zip(reward, discount, following.softmax(1).numpy(), strict=True)
    expected = [projected(r, d, p, atoms) for r, d, p in rows]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(found.sum(1), 1)


def test_losses_are_cross_entropies_and_td_errors_divergences() -> None:
    wanted = torch.tensor([[0.5, 0.5, 0.0]])
    losses, td_errors = HEAD.loss(logits(0.25, 0.25, 0.5), wanted, "mse")
    assert losses.item() == pytest.approx(math.log(4))
    assert td_errors.item() == pytest.approx(math.log(4) - math.log(2))
    assert HEAD.loss(logits(0.5, 0.5, 1e-12), wanted, "mse")[1].item() == pytest.approx(0, abs=1e-6)


def test_gradients() -> None:
    """Against finite differences; by hand it is softmax(logits) - target."""
    torch.manual_seed(0)
    predicted = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    wanted = torch.rand(4, 3, dtype=torch.float64).softmax(1)
    assert torch.autograd.gradcheck(lambda p: HEAD.loss(p, wanted, "mse")[0], predicted)
    HEAD.loss(predicted, wanted, "mse")[0].sum().backward()
    assert predicted.grad is not None
    assert torch.allclose(predicted.grad, predicted.detach().softmax(1) - wanted)
