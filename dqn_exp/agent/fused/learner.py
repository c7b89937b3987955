"""The learner that updates plain networks by compiled code, in place, in the torch parameters' memory."""

from __future__ import annotations

import numpy as np
import torch
from numpy import ascontiguousarray, empty, int64  # spares 0.1 of the microsecond that `greedy` takes
from torch import Tensor, nn

from dqn_exp.agent.fused.convolution import CHANNELS, KERNEL, OUT, describe
from dqn_exp.agent.fused.dueling import (
    describe_dueling,
    find_dueling,
    in_order,
    linear_layers,
    merged_parameters,
)
from dqn_exp.agent.fused.heads import VALUES, describe_head
from dqn_exp.agent.fused.layers import columns_size, row_stride
from dqn_exp.agent.fused.optimizers import ADAM, RMSPROP, SGD
from dqn_exp.agent.fused.shallow import is_shallow
from dqn_exp.agent.fused.structures import Networks, Settings, Workspace
from dqn_exp.agent.fused.update import LOSS, Q_MAX, Q_SUM, get_kernels
from dqn_exp.compilation import prepare
from dqn_exp.config import AdamConfig, AgentConfig, OptimizerConfig, RMSpropConfig, SGDConfig
from dqn_exp.images import ImageBox
from dqn_exp.networks import head_of
from dqn_exp.replay import Transitions


class FusedLearner:
    """Owns the online network, the target network and the optimiser, as flat arrays.

    The parameters of `network` become views of one array, which the compiled update changes in place. All
    other code sees an ordinary torch module.
    """

    name = "fused"

    def __init__(
        self,
        network: nn.Module,
        agent: AgentConfig,
        optimizer: OptimizerConfig,
        has_target: bool,
        images: ImageBox | None = None,
    ) -> None:
        """`images`: the space of the observations, if the network is a CNN of one convolution."""
        self.network = network.eval()
        self._online, self._places = share_parameters(network)
        dtype = self._dtype = self._online.dtype
        is_tanh = any(isinstance(module, nn.Tanh) for module in network.modules())
        sizes, dueling, head = find_sizes(network), describe_dueling(network), head_of(network)
        convolution = find_convolution(network, images)
        self._largest = images.largest if images else None
        self._n_in = int(np.prod(images.shape)) if images else sizes[0]
        self._n_actions = sizes[-1] // head.outputs
        self._n_rows = 1 + sum(sizes)
        patch = 0
        if images:
            patch = int(convolution[CHANNELS] * convolution[KERNEL] ** 2)
            self._n_rows += patch + int(convolution[OUT]) + self._n_in
        self._widest = max(*sizes, patch)
        kind, rates, self._slot_names = describe_optimizer(optimizer)
        norm, value = agent.max_grad_norm or np.inf, agent.max_grad_value or np.inf
        rate, decay1, decay2, eps, max_norm, max_value = map(float, (*rates, norm, value))
        self._settings = Settings(
            np.array(sizes),
            convolution,
            dueling,
            describe_head(head, dtype),
            is_tanh=is_tanh,
            is_double=bool(agent.double),
            is_huber=agent.loss == "huber",
            optimizer=kind,
            learning_rate=rate,
            decay1=decay1,
            decay2=decay2,
            eps=eps,
            max_norm=max_norm,
            max_value=max_value,
        )
        self._target = self._online.copy() if has_target else self._online
        gradient, slots = aligned_zeros(self._online.size, dtype), np.zeros((2, self._online.size), dtype)
        self._networks = Networks(self._online, self._target, gradient, slots)
        self._steps = 0
        self._counts_steps = not isinstance(optimizer, SGDConfig)
        self._statistics = np.zeros(3, dtype)
        self._no_weights = np.zeros(0, dtype)
        self._units = np.zeros((len(sizes) - 1 + (images is not None), self._widest), dtype)
        self._no_values = np.zeros((0, self._n_actions), dtype)
        self._bundled: Transitions | None = None
        self._allocate_workspace(1)
        self._prepare(is_tanh)

    def _prepare(self, is_tanh: bool) -> None:
        """Load or compile the kernels now instead of at their first use."""
        numbers, integers, rows = (
            np.zeros(0, self._dtype),
            np.zeros(0, np.int64),
            np.zeros((0, self._n_in), self._dtype),
        )
        self._like = Transitions(rows, integers, numbers, rows, numbers)
        is_distribution = self._settings.head.kind != VALUES
        small = is_shallow(self._settings.sizes.tolist(), is_tanh) and not self._largest
        n_in, n_out = (self._n_in, self._n_actions) if small and not is_distribution else (0, 0)
        kernels = get_kernels(self._dtype.name, n_in, n_out, is_distribution)
        contents = self._settings, self._networks, self._workspace, self._like
        self._make_bundle = prepare(kernels.bundle, *contents)
        self._bundle = self._make_bundle(*contents)
        self._update = prepare(kernels.update, self._bundle, self._steps, integers, numbers)
        self._predict = prepare(kernels.predict, self._bundle, rows, self._units, self._no_values, integers)
        self._blend = prepare(kernels.blend, self._target, self._online, 1.0)

    def values(self, observations: np.ndarray) -> np.ndarray:
        """Q-values float32[..., A] of observations float32[..., D], or float32[B, A] of images."""
        if self._largest:
            observations = self._scaled(observations)
        rows = ascontiguousarray(observations.reshape(-1, self._n_in), self._dtype)
        values, actions = empty((len(rows), self._n_actions), self._dtype), empty(len(rows), int64)
        self._predict(self._bundle, rows, self._units, values, actions)
        return values.reshape(*observations.shape[:-1], self._n_actions)

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The actions int64[B] with the largest Q-values for observations float32[B, D] or images.

        The array is new at each call, so a caller may keep it.
        """
        rows = self._scaled(observations) if self._largest else ascontiguousarray(observations, self._dtype)
        count, _ = rows.shape  # an array with another number of axes must not reach the compiled function
        actions = empty(count, int64)
        self._predict(self._bundle, rows, self._units, self._no_values, actions)
        return actions

    act = greedy  # the networks have no noisy layers

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        """Make one gradient step on the rows `indices` of `transitions`; returns the loss before the step."""
        if self._largest:
            transitions, indices = self._gather_images(transitions, indices)
        (batch_size,) = indices.shape  # another number of axes must not reach the compiled function
        if batch_size != self._td_errors.size:
            self._allocate_workspace(batch_size)
        if transitions is not self._bundled:
            self._bind(transitions)
        if weights is not None and weights.shape != indices.shape:
            raise ValueError(f"weights{list(weights.shape)}; must be as many as indices: [{batch_size}]")
        self._steps += 1
        self._update(
            self._bundle,
            self._steps,
            ascontiguousarray(indices, int64),
            self._no_weights if weights is None else ascontiguousarray(weights, self._dtype),
        )
        return self._statistics.item(LOSS)

    def _scaled(self, images: np.ndarray) -> np.ndarray:
        """The pixels of uint8[B, C, H, W], scaled to [0, 1], as rows [B, D]."""
        rows = images.reshape(len(images), self._n_in).astype(self._dtype)
        if self._largest != 1:
            rows /= self._largest
        return rows

    def _gather_images(self, of: Transitions, indices: np.ndarray) -> tuple[Transitions, np.ndarray]:
        """Only the indexed transitions, with images as floating-point numbers, and their new indices."""
        before, after = (
            self._scaled(column.take(indices, axis=0)) for column in (of.observation, of.next_observation)
        )
        chosen = Transitions(before, of.action[indices], of.reward[indices], after, of.discount[indices])
        return chosen, np.arange(len(indices))

    def _bind(self, transitions: Transitions) -> None:
        """Let updates learn from these transitions; raise if the compiled code would misread a column."""
        for name, column, like in zip(Transitions._fields, transitions, self._like, strict=True):
            is_fit = column.dtype == like.dtype and column.shape[1:] == like.shape[1:]
            if not (is_fit and column.flags.c_contiguous):
                raise TypeError(
                    f"transitions.{name} is {column.dtype}{list(column.shape)}; "
                    f"must be {like.dtype}[N{f', {self._n_in}' * (like.ndim - 1)}] without gaps"
                )
        self._bundle = self._make_bundle(self._settings, self._networks, self._workspace, transitions)
        self._bundled = transitions

    def _allocate_workspace(self, batch_size: int) -> None:
        """Allocate the memory of the compiled update for batches of this size."""
        stride = row_stride(batch_size)
        states, next_states = (aligned_zeros(self._n_rows * stride, self._dtype) for _ in range(2))
        states[:stride] = next_states[:stride] = 1
        selected = aligned_zeros(self._settings.sizes[-1] * stride, self._dtype)
        columns = aligned_zeros(columns_size(batch_size, self._widest), self._dtype)
        self._td_errors = np.zeros(batch_size, self._dtype)
        self._workspace = Workspace(
            stride, states, next_states, selected, columns, self._td_errors, self._statistics
        )
        self._bundled = None

    @property
    def td_errors(self) -> np.ndarray:
        """TD errors float32[B] of the latest update, as the head defines them; overwritten by the next."""
        return self._td_errors

    @property
    def largest_value(self) -> float:
        """The largest |Q(s, a)| in the batch of the latest update, over all actions; NaN if one is NaN."""
        return self._statistics.item(Q_MAX)

    def statistics(self) -> tuple[float, float, float]:
        """Of the latest update: norm of the applied gradient, mean of Q(s, a) over [B, A], largest |Q|."""
        norm = float(np.linalg.norm(self._networks.gradient))
        mean = float(self._statistics[Q_SUM]) / (self._td_errors.size * self._n_actions)
        return norm, mean, self.largest_value

    def sync_target(self, tau: float) -> None:
        """target <- target + tau * (online - target)."""
        if self._target is self._online:
            return
        if tau == 1.0:
            self._target[:] = self._online
        else:
            self._blend(self._target, self._online, float(tau))

    def arrays(self) -> dict[str, Tensor]:
        """The networks and the optimiser's moments, by the names that the torch learner uses."""
        arrays = {f"online.{name}": view for name, view in self._views(self._online).items()}
        if self._target is not self._online:
            arrays |= {f"target.{name}": view for name, view in self._views(self._target).items()}
        return arrays | (self._optimizer_arrays() if self._steps > 0 else {})

    def load_arrays(self, arrays: dict[str, Tensor]) -> None:
        has_learned = any(name.startswith("optimizer.") for name in arrays)
        self._steps = int(arrays.get("optimizer.0.step", has_learned))
        saved = self.arrays() | self._optimizer_arrays()
        self._networks.slots[:] = 0
        for name, value in arrays.items():
            saved[name].copy_(value)

    def _optimizer_arrays(self) -> dict[str, Tensor]:
        arrays = {}
        for slot, moments in zip(self._slot_names, self._networks.slots, strict=False):
            for index, view in enumerate(self._views(moments).values()):
                arrays[f"optimizer.{index}.{slot}"] = view
        if self._counts_steps:
            step = torch.tensor(float(self._steps))
            arrays |= {
                f"optimizer.{index}.step": step.clone() for index in range(len(self._views(self._online)))
            }
        return arrays

    def _views(self, flat: np.ndarray) -> dict[str, Tensor]:
        """Views of a flat array, with the names and shapes of the network's parameters."""
        return {
            name: view(flat, self._places[parameter], parameter.shape)
            for name, parameter in self.network.named_parameters()
        }


def find_sizes(network: nn.Module) -> list[int]:
    """Units of each dense layer, inputs first; for a dueling network, those of the equivalent plain one."""
    dueling = find_dueling(network)
    linear = linear_layers(network)
    if dueling is None:
        return [linear[0].in_features, *(layer.out_features for layer in linear)]
    value, advantage = linear_layers(dueling.value), linear_layers(dueling.advantage)
    shared = linear[: -len(value) - len(advantage)]
    side_by_side = value[0].out_features + advantage[0].out_features
    return [
        linear[0].in_features,
        *(layer.out_features for layer in shared),
        side_by_side,
        advantage[-1].out_features,
    ]


def find_convolution(network: nn.Module, images: ImageBox | None) -> np.ndarray:
    """The description of the network's convolution for the compiled functions; int64[0] if it has none."""
    if images is None:
        return np.zeros(0, np.int64)
    (layer,) = (module for module in network.modules() if isinstance(module, nn.Conv2d))
    channels, height, width = images.shape
    return describe(channels, height, width, layer.kernel_size[0], layer.stride[0], layer.out_channels)


def share_parameters(network: nn.Module) -> tuple[np.ndarray, dict[nn.Parameter, int]]:
    """Move the parameters of `network` to one flat array; returns it and where each parameter begins."""
    ordered, more = in_order(network), merged_parameters(network)
    flat = np.concatenate([parameter.detach().numpy().ravel() for parameter in ordered])
    flat = np.append(flat, np.zeros(more, flat.dtype))
    places, at = {}, 0
    for parameter in ordered:
        parameter.data = view(flat, at, parameter.shape)
        places[parameter] = at
        at += parameter.numel()
    return flat, places


def view(flat: np.ndarray, at: int, shape: torch.Size) -> Tensor:
    """A tensor of `shape` in the memory of `flat` that begins at `at`."""
    return torch.from_numpy(flat[at : at + shape.numel()]).view(shape)


def describe_optimizer(config: OptimizerConfig) -> tuple[int, list[float], list[str]]:
    """Its number in the compiled code, [lr, two decays, eps], and torch's names of the moments."""
    match config:
        case AdamConfig():
            rates = [config.lr, config.beta1, config.beta2, config.eps]
            return ADAM, rates, ["exp_avg", "exp_avg_sq"]
        case RMSpropConfig():
            names = ["square_avg", "momentum_buffer"] if config.momentum > 0 else ["square_avg"]
            return RMSPROP, [config.lr, config.alpha, config.momentum, config.eps], names
        case SGDConfig():
            names = ["momentum_buffer"] if config.momentum > 0 else []
            return SGD, [config.lr, config.momentum, 0.0, 0.0], names
    raise ValueError(f"the fused learner has no {config.name}")


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that begin at a cache line, so that no vector spans two."""
    memory = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * dtype.itemsize].view(dtype)
