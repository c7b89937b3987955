"""Linear layers with noise of learned size, for exploration by the network itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional


class NoisyLinear(nn.Linear):
    """y = (W + sigma_W * f(e_out) f(e_in)^T) x + b + sigma_b * f(e_out), with f(e) = sign(e) sqrt(|e|).

    Factorised Gaussian noise (Fortunato et al. 2018, https://arxiv.org/abs/1706.10295, section 3). e_in and
    e_out are standard normal, drawn at each forward pass and shared by the whole batch. Outside the context
    `noise` the layer is a plain linear layer. W and b are initialised by torch, as in the paper; sigma_W and
    sigma_b start at `sigma` / sqrt(n_in).
    """

    def __init__(self, n_in: int, n_out: int, sigma: float) -> None:
        super().__init__(n_in, n_out)
        self.weight_sigma = nn.Parameter(torch.full((n_out, n_in), sigma / math.sqrt(n_in)))
        self.bias_sigma = nn.Parameter(torch.full((n_out,), sigma / math.sqrt(n_in)))
        self.is_on = False
        """Whether the layer applies noise."""

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.is_on:
            return super().forward(inputs)
        noise_in, noise_out = self._draw(self.in_features), self._draw(self.out_features)
        weight = self.weight + self.weight_sigma * torch.outer(noise_out, noise_in)
        return functional.linear(inputs, weight, self.bias + self.bias_sigma * noise_out)

    def _draw(self, count: int) -> Tensor:
        """f(e) [count], drawn from torch's CPU generator, so the noise is the same on every device."""
        drawn = torch.randn(count).to(self.weight)
        return drawn.sign() * drawn.abs().sqrt()


def noisy_layers(*networks: nn.Module) -> list[NoisyLinear]:
    return [m for network in networks for m in network.modules() if isinstance(m, NoisyLinear)]


@contextmanager
def noise(layers: Sequence[NoisyLinear]) -> Iterator[None]:
    """Inside the context, each forward pass of `layers` draws new noise from torch's global generator."""
    for layer in layers:
        layer.is_on = True
    try:
        yield
    finally:
        for layer in layers:
            layer.is_on = False
