"""The torch learner on hand-made batches. A linear network [1 -> 2] makes results easy to check by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dqn_exp.agent.torch_learner import TorchLearner
from dqn_exp.networks import build_network
from dqn_exp.replay import Transitions
from tests.helpers import make_config, spaces_of

BATCH = Transitions(
    observation=np.array([[1.0], [2.0]], np.float32),
    action=np.array([0, 1]),
    reward=np.array([1.0, 2.0], np.float32),
    next_observation=np.array([[3.0], [4.0]], np.float32),
    discount=np.array([0.5, 0.0], np.float32),
)
BOTH = np.array([0, 1])


def linear_network() -> nn.Module:
    """Q(s) = (s, -s)."""
    network = nn.Linear(1, 2, bias=False)
    network.weight.data = torch.tensor([[1.0], [-1.0]])
    return network


def make_learner(network: nn.Module | None = None, **settings: Any) -> TorchLearner:
    config = make_config(**{"optimizer": "sgd", "lr": 0.1, **settings})
    return TorchLearner(
        network or linear_network(), config.agent, config.optimizer, config.target.name != "none"
    )


def random_batch(n_rows: int = 16) -> Transitions:
    generator = np.random.default_rng(0)
    return Transitions(
        generator.normal(size=(n_rows, 4)).astype(np.float32),
        generator.integers(2, size=n_rows),
        generator.normal(size=n_rows).astype(np.float32),
        generator.normal(size=(n_rows, 4)).astype(np.float32),
        np.full(n_rows, 0.9, np.float32),
    )


def batchnorm_learner(**settings: Any) -> TorchLearner:
    config = make_config(network="mlp_batchnorm", network__hidden=[8])
    return make_learner(build_network(config.network, *spaces_of(4, 2), seed=0), **settings)


def statistics_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.named_buffers()}


def test_one_step_of_gradient_descent() -> None:
    """Targets 1 + 0.5 * 3 = 2.5 and 2; predictions 1 and -2; TD errors -1.5 and -4.

    Loss (2.25 + 16) / 2; gradients of the weights -1.5 * 1 and -4 * 2; step 0.1.
    """
    learner = make_learner()
    assert learner.update(BATCH, BOTH, None) == pytest.approx(9.125)
    np.testing.assert_allclose(learner.td_errors, [-1.5, -4.0])
    np.testing.assert_allclose(learner.network.weight.detach().ravel(), [1.15, -0.2], rtol=1e-6)
    grad_norm, q_mean, q_max = learner.statistics()
    assert grad_norm == pytest.approx(np.hypot(1.5, 8.0))
    assert (q_mean, q_max) == (0, 2)


def test_importance_weights_scale_each_error() -> None:
    learner = make_learner()
    assert learner.update(BATCH, BOTH, np.array([1.0, 0.5], np.float32)) == pytest.approx((2.25 + 8) / 2)
    np.testing.assert_allclose(learner.network.weight.detach().ravel(), [1.15, -0.6], rtol=1e-6)


def test_huber_bounds_the_gradient() -> None:
    """Both errors are beyond 1: the gradients are -1 * 1 / 2 and -1 * 2 / 2."""
    learner = make_learner(agent__loss="huber")
    assert learner.update(BATCH, BOTH, None) == pytest.approx((1.0 + 3.5) / 2)
    np.testing.assert_allclose(learner.network.weight.detach().ravel(), [1.05, -0.9], rtol=1e-6)


def test_double_dqn_selects_online_and_evaluates_target() -> None:
    """The online network now prefers action 1, which the target network values at -3."""
    learner = make_learner(agent="double_dqn")
    learner.network.weight.data = torch.tensor([[-1.0], [1.0]])
    learner.update(BATCH, BOTH, None)
    np.testing.assert_allclose(learner.td_errors, [-1 - (1 + 0.5 * -3), 2 - 2])


@pytest.mark.parametrize(
    ("settings", "gradient"),
    [
        ({"agent__max_grad_norm": 1.0}, np.array([-1.5, 8.0]) / np.hypot(1.5, 8.0)),
        ({"agent__max_grad_value": 2.0}, [-1.5, 2.0]),
        ({"agent__max_grad_norm": 100.0}, [-1.5, 8.0]),
    ],
)
def test_clipping(settings: dict[str, Any], gradient: Any) -> None:
    learner = make_learner(**settings)
    learner.update(BATCH, BOTH, None)
    step = learner.network.weight.detach().numpy().ravel() - [1, -1]
    np.testing.assert_allclose(step, -0.1 * np.array(gradient) * [1, -1], rtol=1e-4)


def test_the_gradient_does_not_reach_the_target_network() -> None:
    """Were the bootstrapped 0.5 * Q(3) followed too, the first weight would get -1.5 * (1 - 1.5)."""
    learner = make_learner()
    for _ in range(3):
        learner.update(BATCH, BOTH, None)
    assert learner.arrays()["target.weight"].ravel().tolist() == [1.0, -1.0]
    alone = make_learner(target="none")
    alone.update(BATCH, np.array([0]), None)
    np.testing.assert_allclose(alone.network.weight.detach().ravel(), [1 + 0.1 * 2 * 1.5, -1], rtol=1e-6)


def test_values_keep_the_leading_shape() -> None:
    learner = make_learner()
    assert learner.values(np.array([2.0], np.float32)).tolist() == [2, -2]
    assert learner.values(np.ones((3, 5, 1), np.float32)).shape == (3, 5, 2)
    assert learner.greedy(np.array([[-1.0]], np.float32)).tolist() == [1]


def test_batchnorm_acts_in_evaluation_mode() -> None:
    """Acting leaves the running statistics alone, and one observation's values do not hang on its batch."""
    learner, rows = batchnorm_learner(), random_batch().observation
    before = statistics_of(learner.network)
    together = learner.values(rows)
    alone = np.array([learner.values(row) for row in rows])
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in statistics_of(learner.network).items())


@pytest.mark.parametrize("settings", [{}, {"agent": "double_dqn"}, {"target": "none"}])
def test_batchnorm_learns_in_training_mode(settings: dict[str, Any]) -> None:
    """One update moves the running mean a tenth of the way to the mean of its observations, and no further:
    next observations pass in evaluation mode, through the target network or not."""
    learner, batch = batchnorm_learner(**settings), random_batch()
    layers = learner.network.get_submodule("layers")
    with torch.no_grad():
        means = layers.get_submodule("0")(torch.from_numpy(batch.observation)).mean(0)
    learner.update(batch, np.arange(16), None)
    statistics = statistics_of(learner.network)
    torch.testing.assert_close(statistics["layers.1.running_mean"], 0.1 * means)
    assert statistics["layers.1.num_batches_tracked"] == 1
    assert not learner.network.training


def test_the_target_networks_statistics_change_only_when_synced() -> None:
    learner, batch = batchnorm_learner(), random_batch()
    learner.update(batch, np.arange(16), None)
    arrays = learner.arrays()
    assert arrays["target.layers.1.running_mean"].tolist() == [0.0] * 8
    learner.sync_target(1.0)
    arrays = learner.arrays()
    for name, value in arrays.items():
        if name.startswith("online."):
            assert torch.equal(value, arrays[name.replace("online.", "target.")])


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
@pytest.mark.parametrize("network", ["mlp", "mlp_batchnorm"])
def test_arrays_round_trip(optimizer: str, network: str) -> None:
    """Two learners, one loaded from the other after some updates, go on bit for bit alike."""
    settings: dict[str, Any] = {"optimizer": optimizer, "lr": 0.01}
    if optimizer != "adam":
        settings["optimizer__momentum"] = 0.9
    config, batch = make_config(network=network, network__hidden=[8]), random_batch()
    learner, other = (
        make_learner(build_network(config.network, *spaces_of(4, 2), seed), **settings) for seed in (0, 1)
    )
    for _ in range(3):
        learner.update(batch, np.arange(16), None)
    other.load_arrays({name: value.clone() for name, value in learner.arrays().items()})
    for each in (learner, other):
        for _ in range(3):
            each.update(batch, np.arange(16), None)
        each.sync_target(0.5)
    mine, theirs = learner.arrays(), other.arrays()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


# noisy layers

NOISY: dict[str, Any] = {"network__noisy": True, "network__hidden": [8]}


def noisy_learner(seed: int = 0, **settings: Any) -> TorchLearner:
    config = make_config(**NOISY, **settings)
    network = build_network(config.network, *spaces_of(4, 2), seed=0)
    return TorchLearner(network, config.agent, config.optimizer, has_target=True, seed=seed)


def test_noise_explores_while_training_and_not_in_evaluation() -> None:
    learner, rows = noisy_learner(), random_batch(64).observation
    greedy = learner.greedy(rows)
    chosen = [learner.act(rows) for _ in range(20)]
    assert len({actions.tobytes() for actions in chosen}) > 5
    assert all((learner.greedy(rows) == greedy).all() for _ in range(3))
    with torch.no_grad():
        means = learner.network(torch.from_numpy(rows)).numpy()
    assert (greedy == means.argmax(1)).all()


def test_noise_is_drawn_from_the_learners_own_stream() -> None:
    """Neither the global generator nor a greedy action in between changes it; another seed does."""
    rows = random_batch().observation
    first, second, other = noisy_learner(), noisy_learner(), noisy_learner(seed=1)
    actions = []
    for learner in (first, second, other):
        torch.manual_seed(len(actions))
        learner.update(random_batch(), np.arange(16), None)
        learner.greedy(rows)
        actions.append([learner.act(rows).tolist() for _ in range(10)])
    assert actions[0] == actions[1] != actions[2]


@pytest.mark.parametrize("part", ["online.", "target."])
def test_both_networks_have_noise_that_is_drawn_for_each_update(part: str) -> None:
    """Where the other one has none, and nothing is learned to speak of, TD errors still change."""
    learner = noisy_learner(optimizer="sgd", lr=1e-30)
    arrays = {name: value.clone() for name, value in learner.arrays().items()}
    silent = [name for name in arrays if name.endswith("_sigma") and not name.startswith(part)]
    learner.load_arrays(arrays | {name: torch.zeros_like(arrays[name]) for name in silent})
    errors = []
    for _ in range(2):
        learner.update(random_batch(), np.arange(16), None)
        errors.append(learner.td_errors)
    assert (errors[0] != errors[1]).all()


def test_a_noisy_learner_goes_on_where_another_stopped() -> None:
    first, second = noisy_learner(), noisy_learner(seed=5)
    first.update(random_batch(), np.arange(16), None)
    second.load_arrays({name: value.clone() for name, value in first.arrays().items()})
    rows = random_batch().observation
    for learner in (first, second):
        learner.update(random_batch(), np.arange(16), None)
    assert [first.act(rows).tolist() for _ in range(5)] == [second.act(rows).tolist() for _ in range(5)]
    assert all(torch.equal(value, second.arrays()[name]) for name, value in first.arrays().items())


def test_the_size_of_the_noise_is_learned() -> None:
    learner = noisy_learner(optimizer="sgd", lr=0.1)
    before = learner.network.get_submodule("layers.0").weight_sigma.detach().clone()
    learner.update(random_batch(), np.arange(16), None)
    assert not torch.equal(learner.network.get_submodule("layers.0").weight_sigma, before)
