"""The fully connected part of a network, as the section `network` of the configuration describes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from dqn_exp.config import NetworkConfig
from dqn_exp.heads import build_head
from dqn_exp.networks.noisy import NoisyLinear

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Dueling(nn.Module):
    """Q(s, a) = V(s) + A(s, a) - mean over actions of A(s, .): features [B, F] to [B, A * K].

    Wang et al. 2016, https://arxiv.org/abs/1511.06581, equation 9. If K numbers are predicted for each
    action, each of the K has its own V and A (Hessel et al. 2018, https://arxiv.org/abs/1710.02298).
    """

    def __init__(self, value: nn.Module, advantage: nn.Module, n_actions: int) -> None:
        """`value` returns [B, K], `advantage` [B, A * K], the K numbers of one action after another."""
        super().__init__()
        self.value, self.advantage, self.n_actions = value, advantage, n_actions

    def forward(self, features: Tensor) -> Tensor:
        value = self.value(features).unsqueeze(1)
        advantage = self.advantage(features).reshape(len(features), self.n_actions, -1)
        predictions: Tensor = value + advantage - advantage.mean(dim=1, keepdim=True)
        return predictions.flatten(start_dim=1)


def dense(n_in: int, n_out: int, config: NetworkConfig, batch_norm: bool = False) -> nn.Sequential:
    """Layers from float32[B, n_in] to [B, n_out]: the `hidden` layers with activations, and the output layer.

    With `dueling`, each of the two streams has its own last hidden layer and output layer. With `noisy`, all
    linear layers are `NoisyLinear`. With `batch_norm`, batch normalisation follows each hidden linear
    layer (Ioffe & Szegedy 2015); with `layer_norm`, layer normalisation follows (Ba et al. 2016).
    """

    def linear(n_in: int, n_out: int) -> nn.Linear:
        return NoisyLinear(n_in, n_out, config.noisy_sigma) if config.noisy else nn.Linear(n_in, n_out)

    def hidden(n_in: int, sizes: Sequence[int]) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for size in sizes:
            layers.append(linear(n_in, size))
            layers += [nn.BatchNorm1d(size)] * batch_norm + [nn.LayerNorm(size)] * config.layer_norm
            layers.append(ACTIVATIONS[config.activation]())
            n_in = size
        return layers

    if not config.dueling:
        return nn.Sequential(*hidden(n_in, config.hidden), linear([n_in, *config.hidden][-1], n_out))

    shared, last = config.hidden[:-1], config.hidden[-1:]
    n_shared = [n_in, *shared][-1]

    def stream(n_out: int) -> nn.Sequential:
        return nn.Sequential(*hidden(n_shared, last), linear([n_shared, *last][-1], n_out))

    n_predicted = build_head(config.head).outputs
    dueling = Dueling(stream(n_predicted), stream(n_out), n_out // n_predicted)
    return nn.Sequential(*hidden(n_in, shared), dueling)
