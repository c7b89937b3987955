"""Bootstrap targets, computed by hand: two or three actions, one or two predicted numbers for each."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dqn_exp.agent.td import munchausen_bonus, of_actions, of_best, of_soft_policy

TARGET_VALUES = torch.tensor([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
ONLINE_VALUES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def test_dqn_takes_the_target_networks_best() -> None:
    assert of_best(TARGET_VALUES[:, :, None], TARGET_VALUES).tolist() == [[20], [40], [60]]


def test_double_dqn_selects_online_and_evaluates_target() -> None:
    assert of_best(TARGET_VALUES[:, :, None], ONLINE_VALUES).tolist() == [[10], [40], [50]]


def test_what_is_predicted_for_an_action_stays_together() -> None:
    predictions = torch.arange(12.0).reshape(2, 3, 2)
    assert of_actions(predictions, torch.tensor([2, 0])).tolist() == [[4, 5], [6, 7]]


def test_the_soft_policy_by_hand() -> None:
    """tau = 2: Q = (0, 2 log 3) gives pi = (1/4, 3/4) and entropy log 4 - 3/4 log 3."""
    values = torch.tensor([[0.0, 2 * math.log(3)]])
    predictions = torch.tensor([[[8.0, 0.0], [4.0, 100.0]]])
    entropy = math.log(4) - 0.75 * math.log(3)
    found = of_soft_policy(predictions, values, 2.0)[0].tolist()
    assert found == pytest.approx([5 + 2 * entropy, 75 + 2 * entropy])


def test_of_values_the_soft_policy_gives_the_log_sum_of_exponentials() -> None:
    """sum of pi (Q - tau log pi) = tau log sum exp(Q / tau), also where Q / tau is large."""
    values = torch.from_numpy(np.random.default_rng(0).normal(scale=10, size=(6, 4)))
    for tau in (0.03, 1.0):
        expected = tau * (values / tau).logsumexp(dim=1)
        assert torch.allclose(of_soft_policy(values[:, :, None], values, tau)[:, 0], expected)


def test_a_forbidden_action_has_no_part_in_a_soft_policy() -> None:
    predictions = torch.tensor([[[1.0], [7.0], [3.0]]])
    values = torch.tensor([[1.0, -math.inf, 3.0]])
    allowed = of_soft_policy(predictions[:, [0, 2]], values[:, [0, 2]], 0.5)
    assert of_soft_policy(predictions, values, 0.5).tolist() == allowed.tolist()


def test_the_bonus_by_hand() -> None:
    """tau = 2 and pi = (1/4, 3/4): tau log pi = -2.77, -0.58; what is below -1 counts as -1."""
    values = torch.tensor([[0.0, 2 * math.log(3)]] * 2)
    actions = torch.tensor([0, 1])
    exact = [0.9 * 2 * math.log(0.25), 0.9 * 2 * math.log(0.75)]
    assert munchausen_bonus(values, actions, 2.0, 0.9, -100.0).tolist() == pytest.approx(exact)
    assert munchausen_bonus(values, actions, 2.0, 0.9, -1.0).tolist() == pytest.approx([-0.9, exact[1]])
