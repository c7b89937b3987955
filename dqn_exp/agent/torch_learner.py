"""The reference learner: updates any `nn.Module` by autograd, on CPU or CUDA."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dqn_exp.agent.bootstrap import Batch, build_bootstrap
from dqn_exp.agent.randomness import TorchStream, is_plain
from dqn_exp.agent.td import of_actions
from dqn_exp.config import AdamConfig, AdamWConfig, AgentConfig, OptimizerConfig, RMSpropConfig, SGDConfig
from dqn_exp.networks import (
    choice_values,
    head_of,
    noise,
    noisy_layers,
    predict,
)
from dqn_exp.replay import Transitions


class TorchLearner:
    """Owns the online network, the target network and the optimiser; independent of environments."""

    name = "torch"

    def __init__(
        self,
        network: nn.Module,
        agent: AgentConfig,
        optimizer: OptimizerConfig,
        has_target: bool,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.network = network.to(device)
        self.network.eval()
        self._target = copy.deepcopy(self.network) if has_target else self.network
        self._parameters = list(self.network.parameters())
        self._optimizer = build_optimizer(optimizer, self._parameters)
        self._agent = agent
        self._device = device
        self._head = head_of(self.network)
        self._bootstrap = build_bootstrap(agent)
        self._noisy_layers = noisy_layers(self.network, self._target)
        self._is_plain = is_plain(network)
        self._stream = TorchStream(seed)
        self._values = torch.zeros(1)
        self._td_error = torch.zeros(1)

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Q-values float32[..., A] of vectors [..., D] or images uint8[B, C, H, W], in evaluation mode.

        The random stream does not advance: a network that draws random numbers even in evaluation mode draws
        the same ones until the next update.
        """
        return self._evaluate(nn.Module.__call__, observation)

    def greedy(self, observations: np.ndarray) -> np.ndarray:
        """The action with the largest Q-value, int64[B], for each of the observations [B, ...]."""
        actions: np.ndarray = self._evaluate(choice_values, observations).argmax(axis=-1)
        return actions

    def act(self, observations: np.ndarray) -> np.ndarray:
        """As `greedy`, but noisy layers apply newly drawn noise."""
        if not self._noisy_layers:
            return self.greedy(observations)
        with noise(self._noisy_layers):
            actions: np.ndarray = self._evaluate(choice_values, observations, advance=True).argmax(axis=-1)
        return actions

    def _evaluate(
        self,
        evaluate: Callable[[nn.Module, Tensor], Tensor],
        observation: np.ndarray,
        advance: bool = False,
    ) -> np.ndarray:
        with torch.inference_mode(), self._own_draws(advance):
            batch = torch.from_numpy(np.atleast_2d(observation)).to(self._device)
            values: np.ndarray = evaluate(self.network, batch).cpu().numpy()
        return values[0] if observation.ndim == 1 else values

    def update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        """Make one gradient step on the rows `indices` of `transitions`; returns the loss before the step."""
        with self._own_draws(advance=True), noise(self._noisy_layers):
            return self._update(transitions, indices, weights)

    def _own_draws(self, advance: bool) -> AbstractContextManager[None]:
        return nullcontext() if self._is_plain else self._stream.drawn_from(advance)

    def _update(self, transitions: Transitions, indices: np.ndarray, weights: np.ndarray | None) -> float:
        columns = (torch.from_numpy(column.take(indices, axis=0)).to(self._device) for column in transitions)
        batch, head = Batch(*columns), self._head
        with torch.no_grad():
            reward, following = self._bootstrap(head, batch, self.network, self._target)
            target = head.target(reward, batch.discount, following)
        if not self._is_plain:
            self.network.train()
        predictions = predict(self.network, batch.observation)
        losses, td_error = head.loss(of_actions(predictions, batch.action), target, self._agent.loss)
        loss = _mean(losses, weights)
        self._values, self._td_error = head.values(predictions.detach()), td_error.detach()
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._clip_gradients()
        self._optimizer.step()
        if not self._is_plain:
            self.network.eval()
        return loss.item()

    def _clip_gradients(self) -> None:
        if self._agent.max_grad_value is not None:
            nn.utils.clip_grad_value_(self._parameters, self._agent.max_grad_value)
        if self._agent.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._agent.max_grad_norm)

    @property
    def td_errors(self) -> np.ndarray:
        """TD errors float32[B] of the latest update, as the head defines them."""
        return self._td_error.cpu().numpy()

    @property
    def largest_value(self) -> float:
        """The largest |Q(s, a)| in the batch of the latest update; NaN if one of them is NaN."""
        return float(self._values.abs().max())

    def statistics(self) -> tuple[float, float, float]:
        """Of the latest update: norm of the applied gradient, mean of Q(s, a) over [B, A], largest |Q|."""
        gradients = [p.grad.norm() for p in self._parameters if p.grad is not None]
        norm = float(torch.stack(gradients).norm())
        return norm, float(self._values.mean()), float(self._values.abs().max())

    def sync_target(self, tau: float) -> None:
        """target <- target + tau * (online - target); the statistics of batch normalisation are copied."""
        if self._target is self.network:
            return
        with torch.no_grad():
            for target, online in zip(self._target.parameters(), self._parameters, strict=True):
                target.copy_(online) if tau == 1.0 else target.lerp_(online, tau)
            for followed, statistic in zip(self._target.buffers(), self.network.buffers(), strict=True):
                followed.copy_(statistic)

    def arrays(self) -> dict[str, Tensor]:
        """The networks, the optimiser's moments and, if used, the state of the random stream, by name."""
        arrays = {f"online.{k}": v for k, v in self.network.state_dict().items()}
        if self._target is not self.network:
            arrays |= {f"target.{k}": v for k, v in self._target.state_dict().items()}
        for index, slots in self._optimizer.state_dict()["state"].items():
            for name, value in slots.items():
                if isinstance(value, Tensor):
                    arrays[f"optimizer.{index}.{name}"] = value
        if not self._is_plain:
            arrays["random.state"] = self._stream.state
        return {k: v.detach().contiguous() for k, v in arrays.items()}

    def load_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.network.load_state_dict(_below("online.", arrays))
        if self._target is not self.network:
            self._target.load_state_dict(_below("target.", arrays))
        if not self._is_plain:
            self._stream.state = arrays["random.state"].cpu()
        slots: dict[int, dict[str, Any]] = {}
        for key, value in _below("optimizer.", arrays).items():
            index, _, name = key.partition(".")
            slots.setdefault(int(index), {})[name] = value
        state = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**state, "state": slots})


def _mean(losses: Tensor, weights: np.ndarray | None) -> Tensor:
    """The mean of losses [B], each multiplied by its importance weight if `weights` float32[B] are given."""
    return losses.mean() if weights is None else (losses * torch.from_numpy(weights).to(losses.device)).mean()


def _below(prefix: str, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def build_optimizer(config: OptimizerConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    match config:
        case AdamConfig():
            betas = (config.beta1, config.beta2)
            return torch.optim.Adam(parameters, lr=config.lr, betas=betas, eps=config.eps, fused=True)
        case AdamWConfig():
            betas = (config.beta1, config.beta2)
            return torch.optim.AdamW(
                parameters,
                lr=config.lr,
                betas=betas,
                eps=config.eps,
                weight_decay=config.weight_decay,
                fused=True,
            )
        case RMSpropConfig():
            return torch.optim.RMSprop(
                parameters,
                lr=config.lr,
                alpha=config.alpha,
                eps=config.eps,
                momentum=config.momentum,
            )
        case SGDConfig():
            return torch.optim.SGD(parameters, lr=config.lr, momentum=config.momentum, fused=True)
