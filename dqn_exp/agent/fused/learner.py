"""The learner that updates plain MLPs by compiled code, in place on the torch parameters."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from dqn_exp.agent.fused.compilation import prepare
from dqn_exp.agent.fused.layers import columns_size, row_stride
from dqn_exp.agent.fused.optimizers import ADAM, RMSPROP, SGD
from dqn_exp.agent.fused.shallow import is_shallow
from dqn_exp.agent.fused.update import LOSS, get_kernels
from dqn_exp.config import AdamConfig, AgentConfig, RMSpropConfig, SGDConfig
from dqn_exp.replay import Transitions

OptimizerConfig = AdamConfig | RMSpropConfig | SGDConfig


class FusedLearner:
    """Owns the online and target networks and the optimiser, as flat arrays.

    The parameters of `network` become views of one array that the compiled update changes in
    place; to everybody else it stays an ordinary module.
    """

    name = "fused"

    def __init__(
        self, network: nn.Module, agent: AgentConfig, optimizer: OptimizerConfig, has_target: bool
    ) -> None:
        self.network = network.eval()
        linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
        self._sizes = np.array([linear[0].in_features, *(layer.out_features for layer in linear)])
        self._online = share_parameters(network)
        self._target = self._online.copy() if has_target else self._online
        self._steps = 0
        self._counts_steps = not isinstance(optimizer, SGDConfig)
        kind, rates, self._slot_names = describe_optimizer(optimizer)
        self._rates = np.array(
            [*rates, agent.max_grad_norm or np.inf, agent.max_grad_value or np.inf], np.float64
        )
        is_tanh = any(isinstance(module, nn.Tanh) for module in network.modules())
        self._flags = np.array([agent.double, agent.loss == "huber", is_tanh, kind], np.int64)
        dtype = self._online.dtype
        self._gradient = aligned_zeros(self._online.size, dtype)
        self._slots = np.zeros((2, self._online.size), dtype)
        self._values = np.zeros((len(linear), self._sizes[1:].max()), dtype)
        self._statistics = np.zeros(3, dtype)
        self._no_weights = np.zeros(0, dtype)
        shallow = is_shallow(self._sizes.tolist(), is_tanh)
        n_in, n_out = (int(self._sizes[0]), int(self._sizes[-1])) if shallow else (0, 0)
        self._kernels = get_kernels(dtype.name, n_in, n_out)
        self._make_room(1)
        self._prepare()

    def _prepare(self) -> None:
        """Compile now what would be compiled at first use."""
        dtype, n_in = self._online.dtype, int(self._sizes[0])
        numbers, integers, rows = np.zeros(0, dtype), np.zeros(0, np.int64), np.zeros((0, n_in), dtype)
        transitions = Transitions(rows, integers, numbers, rows, numbers)
        prepare(self._kernels.predict, self._sizes, self._flags, self._online, numbers, self._values)
        prepare(self._kernels.update, *self._workspace, 1, 1, *transitions, integers, numbers)
        prepare(self._kernels.blend, self._target, self._online, 1.0)

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Q-values float32[..., A] of observations float32[..., D]."""
        rows = observation.reshape(-1, observation.shape[-1])
        values = np.empty((len(rows), self._sizes[-1]), self._online.dtype)
        for row, out in zip(rows, values, strict=True):
            self.greedy(row)
            out[:] = self._values[-1, : len(out)]
        return values.reshape(*observation.shape[:-1], -1)

    def greedy(self, observation: np.ndarray) -> int:
        """The action of the largest Q-value for one observation float32[D]."""
        return self._kernels.predict(self._sizes, self._flags, self._online, observation, self._values)

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        """One gradient step on the rows `indices` of `transitions`; returns the loss before it."""
        if indices.size != self._td_errors.size:
            self._make_room(indices.size)
        self._steps += 1
        weights = self._no_weights if weights is None else weights
        self._kernels.update(*self._workspace, self._stride, self._steps, *transitions, indices, weights)
        return self._statistics.item(LOSS)

    def _make_room(self, batch_size: int) -> None:
        """Rows of activations for batches of this size, and all else that the compiled update works on."""
        dtype = self._online.dtype
        self._stride = row_stride(batch_size)
        n_rows = 1 + int(self._sizes.sum())
        states, next_states = (aligned_zeros(n_rows * self._stride, dtype) for _ in range(2))
        states[: self._stride] = next_states[: self._stride] = 1
        selected = aligned_zeros(int(self._sizes[-1]) * self._stride, dtype)
        columns = aligned_zeros(columns_size(batch_size, int(self._sizes.max())), dtype)
        self._td_errors = np.zeros(batch_size, dtype)
        self._workspace = (
            *(self._sizes, self._flags, self._rates),
            *(self._online, self._target, self._gradient, self._slots),
            *(states, next_states, selected, columns, self._td_errors, self._statistics),
        )

    @property
    def td_errors(self) -> np.ndarray:
        """float32[B] of the latest update: predicted minus target. The next update overwrites it."""
        return self._td_errors

    def statistics(self) -> tuple[float, float, float]:
        """Of the latest update: norm of the gradient as applied, mean and largest |.| of Q(s, a) [B, A]."""
        _, q_sum, q_max = map(float, self._statistics)
        norm = float(np.linalg.norm(self._gradient))
        return norm, q_sum / (self._td_errors.size * int(self._sizes[-1])), q_max

    def sync_target(self, tau: float) -> None:
        """target <- target + tau * (online - target)."""
        if self._target is self._online:
            return
        if tau == 1.0:
            self._target[:] = self._online
        else:
            self._kernels.blend(self._target, self._online, tau)

    def arrays(self) -> dict[str, Tensor]:
        """Online and target networks and the optimiser's moments, named as the torch learner names them."""
        arrays = {f"online.{name}": view for name, view in self._views(self._online).items()}
        if self._target is not self._online:
            arrays |= {f"target.{name}": view for name, view in self._views(self._target).items()}
        return arrays | (self._optimizer_arrays() if self._steps > 0 else {})

    def load_arrays(self, arrays: dict[str, Tensor]) -> None:
        has_learned = any(name.startswith("optimizer.") for name in arrays)
        self._steps = int(arrays.get("optimizer.0.step", has_learned))
        saved = self.arrays() | self._optimizer_arrays()
        self._slots[:] = 0
        for name, value in arrays.items():
            saved[name].copy_(value)

    def _optimizer_arrays(self) -> dict[str, Tensor]:
        arrays = {}
        for slot, moments in zip(self._slot_names, self._slots, strict=False):
            for index, view in enumerate(self._views(moments).values()):
                arrays[f"optimizer.{index}.{slot}"] = view
        if self._counts_steps:
            step = torch.tensor(float(self._steps))
            arrays |= {
                f"optimizer.{index}.step": step.clone() for index in range(len(self._views(self._online)))
            }
        return arrays

    def _views(self, flat: np.ndarray) -> dict[str, Tensor]:
        """A flat array in the shapes and by the names of the network's parameters."""
        views, at = {}, 0
        for name, parameter in self.network.named_parameters():
            views[name] = torch.from_numpy(flat[at : at + parameter.numel()]).view(parameter.shape)
            at += parameter.numel()
        return views


def share_parameters(network: nn.Module) -> np.ndarray:
    """One flat array that holds the parameters of `network`, which become views of it."""
    parameters = list(network.parameters())
    flat = np.concatenate([parameter.detach().numpy().ravel() for parameter in parameters])
    at = 0
    for parameter in parameters:
        parameter.data = torch.from_numpy(flat[at : at + parameter.numel()]).view(parameter.shape)
        at += parameter.numel()
    return flat


def describe_optimizer(config: OptimizerConfig) -> tuple[int, list[float], list[str]]:
    """What the compiled code calls it, [lr, two decays, eps], and torch's names of its moments."""
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


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that begin at a cache line, so that no vector straddles two."""
    memory = np.zeros(size * dtype.itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * dtype.itemsize].view(dtype)
