"""Fixtures for all tests; the probe environments are registered by importing them."""

from __future__ import annotations

import signal

import pytest
import torch

import tests.probes  # noqa: F401
from dqn_exp.training.run import build_run
from tests.helpers import dqn, make_config

torch.set_num_threads(1)  # as in every trial of the program; more only wait for each other
# a background job of a shell ignores Ctrl-C, and so would all that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", params=["torch", "fused"])
def learner(request: pytest.FixtureRequest) -> str:
    """Each learner that this machine has: what holds for one must hold for all."""
    name: str = request.param
    built = dqn(build_run(make_config(learner=name))).learner.name
    if built != name:
        pytest.skip(f"there is no {name} learner here")
    return name
