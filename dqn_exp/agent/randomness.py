"""A random stream for networks that draw (dropout, noisy layers): torch's own is global and nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class TorchStream:
    """Takes the place of torch's global generator of the CPU for a while."""

    def __init__(self, seed: int) -> None:
        self.state: Tensor = torch.Generator().manual_seed(seed).get_state()

    @contextmanager
    def drawn_from(self, advance: bool) -> Iterator[None]:
        """Draws come from this stream, which stands behind them afterwards if it is to `advance`."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.state)
            yield
            if advance:
                self.state = torch.get_rng_state()
