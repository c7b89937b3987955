"""The conformance suite for all learners (torch and fused): they must give the same results.

The reference is plain autograd in float64, written out here: forward pass, TD target, loss, backward pass.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from dqn_exp.agent.eligibility import fused_obstacle
from dqn_exp.agent.fused import FusedLearner
from dqn_exp.agent.learner import Learner, build_learner
from dqn_exp.agent.torch_learner import TorchLearner, build_optimizer
from dqn_exp.config import parse_config
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import C51Config, Config, QRConfig
from dqn_exp.heads import Values
from dqn_exp.networks import build_network
from dqn_exp.plan.preflight import resolve_config
from dqn_exp.registry import heads
from dqn_exp.replay import Transitions
from tests.helpers import make_config, make_values, spaces_of

Units = list[int]  # of each layer, from the observation to the actions
Batch = tuple[np.ndarray, np.ndarray | None]  # indices and importance weights

LEARNERS = ["torch", "fused"]
DEEP: Units = [6, 16, 8, 3]
SHALLOW: Units = [4, 9, 2]  # this one has a kernel of its own
NETWORKS: list[Units] = [[6, 3], SHALLOW, [6, 10, 3], DEEP, [5, 33, 4, 7, 2]]
OPTIMIZERS: list[dict[str, Any]] = [
    {"optimizer": "sgd", "lr": 0.05},
    {"optimizer": "sgd", "lr": 0.005, "optimizer__momentum": 0.9},
    {"optimizer": "rmsprop", "lr": 1e-3, "optimizer__eps": 1e-3},
    {"optimizer": "rmsprop", "lr": 1e-3, "optimizer__eps": 1e-3, "optimizer__momentum": 0.9},
    {"optimizer": "adam", "lr": 1e-3, "optimizer__eps": 1e-3},  # a large eps: steps as smooth as gradients
]
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}
N_ROWS = 400

each_learner = pytest.mark.parametrize("name", LEARNERS)
each_number = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
each_network = pytest.mark.parametrize("units", NETWORKS, ids=str)
each_optimizer = pytest.mark.parametrize(
    "settings", OPTIMIZERS, ids=lambda settings: "-".join(map(str, settings.values()))
)


def make_transitions(units: Units, dtype: torch.dtype = torch.float32) -> Transitions:
    """Random ones; one in five terminates, the others have discounts of 1, 2 or 3 steps."""
    generator = np.random.default_rng(0)
    discount = 0.9 ** generator.integers(1, 4, size=N_ROWS) * (generator.random(N_ROWS) > 0.2)
    return Transitions(
        numbers(generator.normal(size=(N_ROWS, units[0])), dtype),
        generator.integers(units[-1], size=N_ROWS),
        numbers(generator.normal(scale=2, size=N_ROWS), dtype),
        numbers(generator.normal(size=(N_ROWS, units[0])), dtype),
        numbers(discount, dtype),
    )


def draw(batch_size: int, dtype: torch.dtype = torch.float32, seed: int = 0, weighted: bool = False) -> Batch:
    generator = np.random.default_rng(seed)
    indices = generator.integers(N_ROWS, size=batch_size)
    return indices, numbers(generator.uniform(0.1, 1, size=batch_size), dtype) if weighted else None


def numbers(values: np.ndarray, dtype: torch.dtype) -> np.ndarray:
    return torch.from_numpy(values).to(dtype).numpy()


def configure(units: Units, **settings: Any) -> Config:
    return make_config(network__hidden=units[1:-1], **settings)


def make_network(
    config: Config, units: Units, dtype: torch.dtype = torch.float32, seed: int = 0
) -> nn.Module:
    return build_network(config.network, *spaces_of(units[0], units[-1]), seed).to(dtype)


def make_learner(
    name: str, config: Config, units: Units, dtype: torch.dtype = torch.float32, seed: int = 0
) -> Learner:
    network = make_network(config, units, dtype, seed)
    build = FusedLearner if name == "fused" else TorchLearner
    return build(network, config.agent, config.optimizer, config.target.name != "none")


class Reference:
    """DQN by autograd in float64, from the same first network."""

    def __init__(self, config: Config, units: Units) -> None:
        self.config = config
        self.online = make_network(config, units, torch.float64)
        self.target = copy.deepcopy(self.online)
        self.optimizer = build_optimizer(config.optimizer, list(self.online.parameters()))

    def loss(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> Tensor:
        s, a, r, s_next, discount = (torch.from_numpy(column[indices]) for column in transitions)
        rows = torch.arange(len(indices))
        with torch.no_grad():
            next_values = self.target(s_next.double())
            chooser = self.online(s_next.double()) if self.config.agent.double else next_values
            target = r + discount * next_values[rows, chooser.argmax(1)]
        error = self.online(s.double())[rows, a] - target
        huber = functional.huber_loss(error, torch.zeros_like(error), reduction="none")
        losses = error**2 if self.config.agent.loss == "mse" else huber
        return (losses * (1 if weights is None else torch.from_numpy(weights))).mean()

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        agent, parameters = self.config.agent, list(self.online.parameters())
        loss = self.loss(transitions, indices, weights)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if agent.max_grad_value is not None:
            nn.utils.clip_grad_value_(parameters, agent.max_grad_value)
        if agent.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(parameters, agent.max_grad_norm)
        self.optimizer.step()
        return loss.item()

    @property
    def gradient(self) -> np.ndarray:
        return flatten([p.grad for p in self.online.parameters() if p.grad is not None])


FAMILY: list[dict[str, Any]] = [
    {"network__head": {"name": "c51", "atoms": 7, "v_min": -3, "v_max": 4}},
    {"network__head": {"name": "qr", "quantiles": 5, "kappa": 0.7}},
    {"network__head": {"name": "qr", "quantiles": 5, "kappa": 0}},
    {"network__head": {"name": "c51", "atoms": 7, "v_min": -3, "v_max": 4}, "agent": "double_dqn"},
    {"network__head": {"name": "qr", "quantiles": 5}, "agent": "double_dqn", "network__dueling": True},
    {"network__head": {"name": "c51", "v_min": -3, "v_max": 4}, "network__dueling": True},
    {"network__dueling": True, "agent__loss": "huber"},
    {"network__dueling": True, "network__activation": "tanh", "agent": "double_dqn"},
    {"network__dueling": True, "network__layer_norm": True},
    {"agent__munchausen": True},
    {"agent__munchausen": {"tau": 0.5, "alpha": 0.7, "clip": -0.3}, "agent__loss": "huber"},
    {"agent__munchausen": {"tau": 0.5}, "network__head": {"name": "qr", "quantiles": 5}},
]
"""What a learner of the family may be asked for beside values of the best action."""
FUSED_FAMILY = [
    settings for settings in FAMILY if not {"agent__munchausen", "network__layer_norm"} & settings.keys()
]
each_of_the_family = pytest.mark.parametrize(
    ("name", "settings"),
    [*(("torch", settings) for settings in FAMILY), *(("fused", settings) for settings in FUSED_FAMILY)],
    ids=str,
)


class FamilyReference(Reference):
    """The same for every head, with and without a soft policy, transition by transition."""

    def loss(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> Tensor:
        columns = (torch.from_numpy(column[indices]) for column in transitions)
        losses = torch.stack([self._loss_of(*transition) for transition in zip(*columns, strict=True)])
        return (losses * (1 if weights is None else torch.from_numpy(weights))).mean()

    def _loss_of(self, s: Tensor, a: Tensor, r: Tensor, s_next: Tensor, discount: Tensor) -> Tensor:
        predicted = self._predictions(self.online, s)[a]
        with torch.no_grad():
            predictions, munchausen = self._predictions(self.target, s_next), self.config.agent.munchausen
            if munchausen is None:
                chooser = self.online if self.config.agent.double else self.target
                following = predictions[self._values(self._predictions(chooser, s_next)).argmax()]
            else:
                tau = munchausen.tau
                policy = functional.softmax(self._values(predictions) / tau, dim=0)
                log_policy = functional.log_softmax(self._values(predictions) / tau, dim=0)
                following = (policy[:, None] * (predictions - tau * log_policy[:, None])).sum(0)
                now = functional.log_softmax(self._values(self._predictions(self.target, s)) / tau, dim=0)
                r = r + munchausen.alpha * max(munchausen.clip, min(0.0, tau * float(now[a])))
        head = self.config.network.head
        if isinstance(head, C51Config):
            target = self._projected(r, discount, functional.softmax(following, dim=0))
            return -(target * functional.log_softmax(predicted, dim=0)).sum()
        errors = r + discount * following[None, :] - predicted[:, None]
        kind = self.config.agent.loss
        if not isinstance(head, QRConfig):
            return errors[0, 0] ** 2 if kind == "mse" else _huber(errors[0, 0], 1.0)
        tau_hat = (torch.arange(head.quantiles) + 0.5) / head.quantiles
        losses = _huber(errors, head.kappa) if head.kappa else errors.abs()
        return ((tau_hat[:, None] - (errors < 0).double()).abs() * losses).mean(1).sum()

    def _predictions(self, network: nn.Module, s: Tensor) -> Tensor:
        """[A, K], of the layers below any head."""
        inner = network.get_submodule("network") if hasattr(network, "head") else network
        flat: Tensor = inner(s.double()[None])
        head = self.config.network.head
        per_action = {"c51": getattr(head, "atoms", 0), "qr": getattr(head, "quantiles", 0), "values": 1}
        return flat.reshape(-1, per_action[head.name])

    def _values(self, predictions: Tensor) -> Tensor:
        if isinstance(self.config.network.head, C51Config):
            return functional.softmax(predictions, dim=1) @ self._atoms
        return predictions.mean(1)

    @property
    def _atoms(self) -> Tensor:
        head = self.config.network.head
        assert isinstance(head, C51Config)
        return torch.from_numpy(np.linspace(head.v_min or 0, head.v_max or 0, head.atoms))

    def _projected(self, r: Tensor, discount: Tensor, probabilities: Tensor) -> Tensor:
        atoms = self._atoms
        target, width = torch.zeros_like(atoms), float(atoms[1] - atoms[0])
        for p, z in zip(probabilities, atoms, strict=True):
            place = (float((r + discount * z).clamp(atoms[0], atoms[-1])) - float(atoms[0])) / width
            lower = min(int(place), len(atoms) - 2)
            target[lower] += p * (lower + 1 - place)
            target[lower + 1] += p * (place - lower)
        return target


def _huber(error: Tensor, delta: float) -> Tensor:
    return functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta)


def flatten(tensors: list[Tensor]) -> np.ndarray:
    return np.concatenate([tensor.detach().double().numpy().ravel() for tensor in tensors])


def parameters(network: nn.Module) -> np.ndarray:
    return flatten(list(network.parameters()))


def target_parameters(learner: Learner) -> np.ndarray:
    return flatten([value for name, value in learner.arrays().items() if name.startswith("target.")])


def set_target(learner: Learner, network: nn.Module) -> None:
    target = {f"target.{name}": value for name, value in network.state_dict().items()}
    learner.load_arrays(learner.arrays() | target)


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Within `tolerance` times the largest of the expected values."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * abs(expected).max())


@each_number
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@each_network
@pytest.mark.parametrize("loss", ["mse", "huber"])
@pytest.mark.parametrize("agent", ["dqn", "double_dqn"])
@each_learner
def test_gradients(
    name: str, agent: str, loss: str, units: Units, activation: str, dtype: torch.dtype
) -> None:
    """With plain gradient descent at lr = 1 the step is the gradient. The target network is another one."""
    kinds = {"agent": agent, "agent__loss": loss, "network__activation": activation}
    config = configure(units, optimizer="sgd", lr=1.0, **kinds)
    transitions, other = make_transitions(units, dtype), make_network(config, units, dtype, seed=1)
    for batch_size in (1, 20, 33, 300):
        for weighted in (False, True):
            learner, reference = make_learner(name, config, units, dtype), Reference(config, units)
            set_target(learner, other)
            reference.target.load_state_dict(other.state_dict())
            batch = draw(batch_size, dtype, weighted=weighted)
            before = parameters(learner.network)
            loss_before = reference.update(transitions, *batch)
            assert learner.update(transitions, *batch) == pytest.approx(loss_before, rel=TOLERANCE[dtype])
            assert_close(before - parameters(learner.network), reference.gradient, TOLERANCE[dtype])


@each_number
@each_network
@each_optimizer
@each_learner
def test_optimizer_steps(name: str, settings: dict[str, Any], units: Units, dtype: torch.dtype) -> None:
    """Five steps of each optimiser, for each loss and batch size, end where torch's own float64 steps end."""
    transitions = make_transitions(units, dtype)
    for loss in ("mse", "huber"):
        config = configure(units, agent__loss=loss, **settings)
        for batch_size in (1, 33, 300):
            learner, reference = make_learner(name, config, units, dtype), Reference(config, units)
            start = parameters(reference.online)
            for step in range(5):
                batch = draw(batch_size, dtype, step, weighted=True)
                reference.update(transitions, *batch)
                learner.update(transitions, *batch)
            moved = parameters(reference.online) - start
            assert_close(parameters(learner.network) - start, moved, TOLERANCE[dtype])


@each_number
@each_of_the_family
def test_gradients_of_the_family(name: str, settings: dict[str, Any], dtype: torch.dtype) -> None:
    """As `test_gradients`: the step at lr = 1 is the gradient, with a target network of its own."""
    config = configure(DEEP, optimizer="sgd", lr=1.0, **settings)
    transitions, other = make_transitions(DEEP, dtype), make_network(config, DEEP, dtype, seed=1)
    for batch_size, weighted in ((1, False), (20, True)):
        learner, reference = make_learner(name, config, DEEP, dtype), FamilyReference(config, DEEP)
        set_target(learner, other)
        reference.target.load_state_dict(other.state_dict())
        batch = draw(batch_size, dtype, weighted=weighted)
        before = parameters(learner.network)
        loss_before = reference.update(transitions, *batch)
        assert learner.update(transitions, *batch) == pytest.approx(loss_before, rel=TOLERANCE[dtype])
        assert_close(before - parameters(learner.network), reference.gradient, TOLERANCE[dtype])


@each_of_the_family
def test_values_of_the_family(name: str, settings: dict[str, Any]) -> None:
    """Whatever is predicted, everybody sees Q-values, and the statistics are of them."""
    config = configure(DEEP, **settings)
    learner, transitions = make_learner(name, config, DEEP), make_transitions(DEEP)
    rows, reference = transitions.observation[:12], FamilyReference(config, DEEP)
    with torch.no_grad():
        expected = [
            reference._values(reference._predictions(reference.online, s)) for s in torch.from_numpy(rows)
        ]
    q = torch.stack(expected).numpy()
    np.testing.assert_allclose(learner.values(rows), q, atol=1e-5)
    assert learner.greedy(rows).tolist() == learner.act(rows).tolist() == q.argmax(1).tolist()
    learner.update(transitions, np.arange(12), None)
    assert learner.statistics()[1:] == pytest.approx((q.mean(), abs(q).max()), rel=1e-4)
    assert learner.largest_value == pytest.approx(abs(q).max(), rel=1e-4)
    assert learner.td_errors.shape == (12,)


@pytest.mark.parametrize("units", [[6, 10, 3], DEEP, [5, 33, 4, 7, 2]], ids=str)
@pytest.mark.parametrize("settings", FUSED_FAMILY, ids=str)
def test_the_learners_stay_together_in_the_family(settings: dict[str, Any], units: Units) -> None:
    """In batches of more than a chunk, by Adam, with importance weights and a target that follows.

    The fused learner's tanh is right to 3e-8.
    """
    tolerance = 1e-6 if "network__activation" in settings else 1e-9
    steps = {"optimizer": "adam", "optimizer__eps": 1e-3, "agent__max_grad_norm": 0.5}
    config, transitions = configure(units, **settings, **steps), make_transitions(units, torch.float64)
    torch_, fused = (make_learner(name, config, units, torch.float64) for name in LEARNERS)
    for step in range(20):
        batch = draw(300, torch.float64, step, weighted=True)
        losses = [learner.update(transitions, *batch) for learner in (torch_, fused)]
        assert losses[0] == pytest.approx(losses[1], rel=tolerance)
        np.testing.assert_allclose(fused.td_errors, torch_.td_errors, atol=tolerance)
        assert fused.statistics() == pytest.approx(torch_.statistics(), rel=tolerance)
        for learner in (torch_, fused):
            learner.sync_target(0.3 if step % 2 else 1.0)
    assert_close(parameters(fused.network), parameters(torch_.network), tolerance)
    assert_close(target_parameters(fused), target_parameters(torch_), tolerance)
    mine, theirs = fused.arrays(), torch_.arrays()
    assert {name: v.shape for name, v in mine.items()} == {name: v.shape for name, v in theirs.items()}
    other = make_learner("fused", config, units, torch.float64, seed=1)
    other.load_arrays(safetensors.torch.load(safetensors.torch.save(theirs)))
    assert all(torch.equal(value, theirs[name]) for name, value in other.arrays().items())
    rows = transitions.observation[:40]
    np.testing.assert_allclose(other.values(rows), torch_.values(rows), atol=tolerance)
    assert other.greedy(rows).tolist() == torch_.greedy(rows).tolist()


@pytest.mark.parametrize(
    "clipping",
    [
        {"agent__max_grad_value": 0.02},
        {"agent__max_grad_norm": 0.1},
        {"agent__max_grad_value": 0.02, "agent__max_grad_norm": 0.1},
        {"agent__max_grad_norm": 1e6},
    ],
    ids=str,
)
@each_learner
def test_clipping(name: str, clipping: dict[str, float]) -> None:
    """By value first, then by norm; statistics tell the norm as applied."""
    config = configure(DEEP, optimizer="sgd", lr=1.0, **clipping)
    learner, reference = make_learner(name, config, DEEP, torch.float64), Reference(config, DEEP)
    transitions, batch = make_transitions(DEEP, torch.float64), draw(64, torch.float64)
    start = parameters(learner.network)
    reference.update(transitions, *batch)
    learner.update(transitions, *batch)
    assert_close(start - parameters(learner.network), reference.gradient, 1e-9)
    assert learner.statistics()[0] == pytest.approx(np.linalg.norm(reference.gradient), rel=1e-9)


@pytest.mark.parametrize("batch_size", [20, 300])
@pytest.mark.parametrize("units", [SHALLOW, DEEP], ids=str)
@each_learner
def test_what_an_update_tells(name: str, units: Units, batch_size: int) -> None:
    """TD errors [B]; mean of Q(s, a) over batch and actions, and largest |Q|, before the step."""
    learner, transitions = make_learner(name, configure(units), units), make_transitions(units)
    indices, _ = draw(batch_size)
    with torch.no_grad():
        q = learner.network(torch.from_numpy(transitions.observation[indices])).numpy()
        q_next = learner.network(torch.from_numpy(transitions.next_observation[indices])).numpy()
    learner.update(transitions, indices, None)
    target = transitions.reward[indices] + transitions.discount[indices] * q_next.max(1)
    predicted = q[np.arange(batch_size), transitions.action[indices]]
    np.testing.assert_allclose(learner.td_errors, predicted - target, atol=1e-5)
    assert learner.statistics()[1:] == pytest.approx((q.mean(), abs(q).max()), rel=1e-4)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@each_network
@each_learner
def test_values(name: str, units: Units, activation: str) -> None:
    """The network stays an ordinary module: it computes the same values, before and after an update."""
    learner = make_learner(name, configure(units, network__activation=activation), units)
    transitions = make_transitions(units)
    rows = transitions.observation[:12]
    for _ in range(2):
        with torch.no_grad():
            expected = learner.network(torch.from_numpy(rows)).numpy()
        np.testing.assert_allclose(learner.values(rows), expected, atol=1e-5)
        assert learner.values(rows.reshape(3, 4, -1)).shape == (3, 4, units[-1])
        assert learner.greedy(rows).tolist() == expected.argmax(1).tolist()
        learner.update(transitions, np.arange(64), None)


@each_learner
def test_loading_the_network_changes_what_is_greedy(name: str) -> None:
    config = configure(DEEP)
    learner, other = make_learner(name, config, DEEP), make_network(config, DEEP, seed=7)
    learner.network.load_state_dict(other.state_dict())
    rows = make_transitions(DEEP).observation[:5]
    np.testing.assert_allclose(learner.values(rows), other(torch.from_numpy(rows)).detach(), atol=1e-6)


@each_learner
def test_the_target_follows(name: str) -> None:
    """It starts equal, stays while the online network learns, then moves by tau or all the way."""
    learner = make_learner(name, configure(DEEP, lr=0.01), DEEP)
    start = target_parameters(learner)
    assert (start == parameters(learner.network)).all()
    learner.update(make_transitions(DEEP), *draw(64))
    assert (start == target_parameters(learner)).all()
    way = parameters(learner.network) - start
    for tau, share in ((0.25, 0.25), (0.25, 0.4375), (1.0, 1.0)):
        learner.sync_target(tau)
        np.testing.assert_allclose(target_parameters(learner), start + share * way, atol=1e-6)


@pytest.mark.parametrize("units", [SHALLOW, DEEP], ids=str)
@each_learner
def test_without_a_target_network_it_bootstraps_from_the_online_one(name: str, units: Units) -> None:
    config = configure(units, target="none", optimizer="sgd", lr=0.01)
    learner, reference = make_learner(name, config, units, torch.float64), Reference(config, units)
    transitions = make_transitions(units, torch.float64)
    for step in range(3):
        batch = draw(32, torch.float64, step)
        reference.target.load_state_dict(reference.online.state_dict())
        reference.update(transitions, *batch)
        learner.update(transitions, *batch)
    assert_close(parameters(learner.network), parameters(reference.online), 1e-9)
    assert not any(name.startswith("target.") for name in learner.arrays())


@each_optimizer
@pytest.mark.parametrize("target", ["episodes", "none"])
@pytest.mark.parametrize(("first", "second"), [("torch", "fused"), ("fused", "torch"), ("fused", "fused")])
def test_one_learner_goes_on_where_another_stopped(
    first: str, second: str, target: str, settings: dict[str, Any]
) -> None:
    """Through a checkpoint's bytes, after no update and after five."""
    config, transitions = configure(DEEP, target=target, **settings), make_transitions(DEEP)
    learner = make_learner(first, config, DEEP)
    for updates in (0, 5):
        for step in range(updates):
            learner.update(transitions, *draw(32, seed=step))
        other = make_learner(second, config, DEEP, seed=1)
        other.load_arrays(safetensors.torch.load(safetensors.torch.save(learner.arrays())))
        mine, theirs = learner.arrays(), other.arrays()
        assert {name: v.shape for name, v in mine.items()} == {name: v.shape for name, v in theirs.items()}
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    for step in range(5, 10):
        for each in (learner, other):
            each.update(transitions, *draw(32, seed=step))
    tolerance = 0 if first == second else 1e-5
    assert_close(parameters(learner.network), parameters(other.network), tolerance)


@pytest.mark.parametrize(
    ("units", "dtype", "tolerance"),
    [(SHALLOW, torch.float64, 1e-9), (DEEP, torch.float32, 1e-3)],
    ids=["shallow-float64", "deep-float32"],
)
@each_optimizer
def test_a_thousand_updates(
    settings: dict[str, Any], units: Units, dtype: torch.dtype, tolerance: float
) -> None:
    """The fused learner stays with the torch learner: in float64 to 1e-9 of the largest parameter, in
    float32 to 1e-3, with a target that follows every 100 updates."""
    config = configure(units, agent="double_dqn", **settings)
    torch_learner, fused_learner = (make_learner(name, config, units, dtype) for name in LEARNERS)
    transitions = make_transitions(units, dtype)
    for step in range(1, 1001):
        batch = draw(32, dtype, step)
        for learner in (torch_learner, fused_learner):
            learner.update(transitions, *batch)
            if step % 100 == 0:
                learner.sync_target(1.0)
    assert_close(parameters(fused_learner.network), parameters(torch_learner.network), tolerance)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("units", [SHALLOW, DEEP], ids=str)
@each_learner
def test_what_is_not_finite_shows(name: str, units: Units, bad: float) -> None:
    learner, transitions = make_learner(name, configure(units), units), make_transitions(units)
    transitions.reward[3] = bad
    assert not np.isfinite(learner.update(transitions, np.arange(10), None))
    assert not np.isfinite(learner.update(transitions, np.arange(10, 20), None))
    assert np.isnan(learner.values(transitions.observation[0])).all()


@pytest.mark.parametrize("settings", FUSED_FAMILY, ids=str)
def test_what_is_no_number_shows_in_the_family(settings: dict[str, Any]) -> None:
    learner, transitions = make_learner("fused", configure(DEEP, **settings), DEEP), make_transitions(DEEP)
    transitions.reward[3] = np.nan
    assert np.isnan(learner.update(transitions, np.arange(10), None))
    assert np.isnan(learner.update(transitions, np.arange(10, 20), None))
    assert np.isnan(learner.largest_value)
    assert np.isnan(learner.values(transitions.observation[0])).all()


def test_auto_takes_the_fused_learner_where_it_applies() -> None:
    def chosen(**settings: Any) -> str:
        config = make_config(**settings)
        return build_learner(config, build_network(config.network, *spaces_of(4, 2), seed=0), seed=0).name

    assert chosen() == "fused"
    assert chosen(learner="torch") == "torch"
    assert chosen(network="mlp_batchnorm") == "torch"
    assert all(chosen(**settings) == "fused" for settings in FUSED_FAMILY)
    assert all(chosen(**settings) == "torch" for settings in FAMILY if settings not in FUSED_FAMILY)
    assert chosen(agent="rainbow") == "torch"
    assert chosen(network__hidden=[1024, 1024]) == "torch"  # where torch's matrix products are faster
    assert chosen(network__hidden=[1024, 1024], learner="fused") == "fused"


@heads.register("theirs")
def build_theirs(config: Any) -> Values:
    return Values()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": "mlp_batchnorm"}, ["network.name='mlp_batchnorm'", "allowed: mlp"]),
        ({"device": "cuda"}, ["device='cuda'", "allowed: cpu"]),
        ({"optimizer": "adamw"}, ["optimizer.name='adamw'", "allowed: adam, rmsprop, sgd"]),
        ({"network__head": {"name": "theirs"}}, ["network.head=theirs; allowed: values, c51, qr"]),
        ({"network__dueling": True, "network__hidden": []}, ["network.dueling=true with network.hidden=[]"]),
        ({"network__noisy": True}, ["network.noisy=true; allowed: false"]),
        ({"network__layer_norm": True}, ["network.layer_norm=true; allowed: false"]),
        ({"agent__munchausen": True}, ["agent.munchausen; allowed: null"]),
    ],
)
def test_a_fused_learner_that_cannot_be_had_is_refused_at_once(
    settings: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        resolve_config(make_values(learner="fused", **settings))
    assert all(word in str(error.value) for word in ["learner='fused'", *words])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"env__images": True}, "network.name='mlp' with env.images=true; allowed: network=cnn"),
        ({"network": "nature", "env__images": True}, "3 layers in network.convolutions; allowed: one"),
    ],
)
def test_images_need_one_convolution(settings: dict[str, Any], words: str) -> None:
    assert words in str(fused_obstacle(parse_config(make_values(**settings))))
    assert fused_obstacle(parse_config(make_values(network="cnn", env__images=True))) is None
