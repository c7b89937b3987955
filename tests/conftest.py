"""Fixtures for all tests; the probe environments are registered by importing them."""

from __future__ import annotations

import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import tests.probes  # noqa: F401
from dqn_exp.envs import tryout
from dqn_exp.training.run import build_run
from tests.helpers import dqn, make_config

torch.set_num_threads(1)  # as in every trial of the program; more only wait for each other
# a background job of a shell ignores Ctrl-C, and so would all that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


SLOW = set((Path(__file__).parent / "slow.txt").read_text().splitlines())
"""Tests that take seconds each, most of them of whole commands: those of `make slow`, not of `make test`."""

OF_PACKAGES = {
    "test_notebook.py": "nbclient",
    "test_site.py": "mkdocs",
    "trackers/test_mlflow.py": "mlflow",
    "trackers/test_wandb.py": "wandb",
}
"""Modules, all slow, that need packages which `make slow` installs."""
collect_ignore = [module for module, package in OF_PACKAGES.items() if find_spec(package) is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {item.nodeid, item.nodeid.partition("::")[0], item.nodeid.partition("[")[0]} & SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", params=["torch", "fused"])
def learner(request: pytest.FixtureRequest) -> str:
    """Each learner that this machine has: what holds for one must hold for all."""
    name: str = request.param
    built = dqn(build_run(make_config(learner=name))).learner.name
    if built != name:
        pytest.skip(f"there is no {name} learner here")
    return name


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle threads that earlier tests have left do not keep environments from being tried out apart."""
    before = threading.active_count() - 1
    counting = SimpleNamespace(active_count=lambda: threading.active_count() - before)
    monkeypatch.setattr(tryout, "threading", counting)
