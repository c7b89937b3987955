"""An environment is tried out in a separate process, because it may hang or end the process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import EnvConfig
from dqn_exp.envs import tryout
from dqn_exp.envs.tryout import Facts, try_out, try_out_in_subprocess
from tests.envs.faulty import FAULTS, faulty
from tests.envs.masks import ID

pytestmark = pytest.mark.usefixtures("alone")


def register(name: str, **methods: Any) -> EnvConfig:
    gymnasium.register(f"tried/{name}-v0", faulty(**methods))  # type: ignore[arg-type]
    return EnvConfig(id=f"tried/{name}-v0")


@pytest.mark.parametrize(
    ("environment", "facts"),
    [("CartPole-v1", Facts((4,), 2, False)), (ID, Facts((6,), 3, True))],
)
def test_it_tells_what_the_environment_is(environment: str, facts: Facts) -> None:
    config = EnvConfig(id=environment)
    assert try_out(config) == try_out_in_subprocess(config) == facts


def test_what_hangs_is_given_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "PATIENCE", 0.3)
    config = register("Hangs", step=lambda self, action: time.sleep(60))
    before = time.monotonic()
    for _ in range(5):
        with pytest.raises(
            ConfigError, match=r"^env.id=tried/Hangs-v0 took longer than 0.3 s for its first reset and step$"
        ):
            try_out_in_subprocess(config)
    assert time.monotonic() - before < 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("name", "end", "told"),
    [
        ("Killed", lambda self, action: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        ("Left", lambda self, action: os._exit(3), "exit code 3"),
    ],
)
def test_what_ends_its_process_does_not_end_ours(name: str, end: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"^env.id=tried/{name}-v0 ended its process .* \({told}\)$"):
        try_out_in_subprocess(register(name, step=end))


def test_a_fault_is_told_as_it_is_here() -> None:
    kind, message = FAULTS["OldStep"]
    gymnasium.register("tried/OldStep-v0", kind)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        try_out_in_subprocess(EnvConfig(id="tried/OldStep-v0"))


@pytest.mark.parametrize(
    ("name", "methods", "call"),
    [
        ("NanFirst", {"draw": lambda self: np.array([0, np.nan, 0, 0], np.float32)}, "reset"),
        (
            "NanNext",
            {"step": lambda self, action: (np.array([0, np.nan, 0, 0]), 1.0, False, False, {})},
            "step",
        ),
    ],
)
def test_an_observation_that_is_no_number_is_found_at_once(name: str, methods: Any, call: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"env.id=tried/{name}-v0: its first {call} returned nan in its ob"
    ):
        try_out(register(name, **methods))


def test_what_it_leaves_behind_is_not_ours(tmp_path: Path) -> None:
    """A child has done it; beside other threads it is done here, where a fork might hang."""

    def step(self: Any, action: Any) -> Any:
        os.environ["TRIED_IN"] = str(os.getpid())
        return self.draw(), 0.0, False, False, {}

    config = register("Leaves", step=step)
    try_out_in_subprocess(config)
    assert "TRIED_IN" not in os.environ
    tryout._answers.clear()
    waits = threading.Event()
    thread = threading.Thread(target=waits.wait)
    thread.start()
    try_out_in_subprocess(config)
    waits.set()
    thread.join()
    assert os.environ.pop("TRIED_IN") == str(os.getpid())
