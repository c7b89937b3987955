"""Try an environment out before training: make it, reset it and step it once, and report what it is."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from contextlib import closing
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np

from dqn_exp.config import ConfigError, EnvConfig
from dqn_exp.envs.environment import make_environment
from dqn_exp.envs.faults import EnvironmentFault
from dqn_exp.masks import MASK, allowed_actions

PATIENCE = 120.0
"""The most seconds that making an environment, its first reset and its first step may take together."""


class Facts(NamedTuple):
    """What a try-out finds: shape of the observations, number of actions, and whether it gives masks."""

    observed: tuple[int, ...]
    n_actions: int
    has_masks: bool


def try_out(config: EnvConfig) -> Facts:
    """Make one reset and one step in this process; raises ConfigError if they fail."""
    name = f"env.id={config.id}"
    try:
        return _try_out(config)
    except EnvironmentFault as fault:
        raise ConfigError(str(fault)) from fault
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{name} failed in its first reset or step: {cause}") from error


def _try_out(config: EnvConfig) -> Facts:
    with closing(make_environment(config.model_copy(update={"action_masks": False}))) as environment:
        first = environment.reset(seed=0)
        _check_finite(config, "reset", first)
        shape, n_actions = environment.observation_space.shape, int(environment.action_space.n)
        facts = Facts(shape, n_actions, MASK in environment.reset_info)
        respected = facts.has_masks if config.action_masks is None else config.action_masks
        if not respected:
            _check_finite(config, "step", environment.step(np.int64(0))[0])
            return facts
    with closing(make_environment(config.model_copy(update={"action_masks": True}))) as environment:
        row = environment.reset(seed=0)
        _check_finite(config, "step", environment.step(allowed_actions(row, n_actions)[0])[0])
    return facts


def _check_finite(config: EnvConfig, call: str, observation: np.ndarray) -> None:
    wrong = observation[~np.isfinite(observation)]
    if wrong.size:
        raise ConfigError(f"env.id={config.id}: its first {call} returned {wrong[0]} in its observation")


def try_out_in_subprocess(config: EnvConfig) -> Facts:
    """As `try_out`, in a separate process, which the environment may hang or end. Results are remembered.

    The process is a fork of this one, which takes milliseconds. If several threads run here, a fork could
    hang, so the environment is tried out in this process.
    """
    if threading.active_count() > 1:
        return try_out(config)
    key = config.model_dump_json()
    if key not in _answers:
        _answers[key] = _ask(config)
    answer = _answers[key]
    if isinstance(answer, str):
        raise ConfigError(answer)
    return answer


_answers: dict[str, Facts | str] = {}
"""The facts that a try-out found, or the message of its error, by configuration."""


def _ask(config: EnvConfig) -> Facts | str:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(config, theirs))
    process.start()
    theirs.close()
    try:
        if not ours.poll(PATIENCE):
            return f"env.id={config.id} took longer than {PATIENCE:g} s for its first reset and step"
        answer: Facts | str = ours.recv()
        process.join(1)
        return answer
    except EOFError:
        process.join()
        return f"env.id={config.id} ended its process at its first reset and step ({_end(process.exitcode)})"
    finally:
        process.kill()
        process.join()
        ours.close()


def _answer(config: EnvConfig, connection: Connection) -> None:
    """Runs in the child process; sends the facts, or the message of the `ConfigError`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE + 5)  # ends this process if the parent was killed
    try:
        answer: Facts | str = try_out(config)
    except ConfigError as error:
        answer = str(error)
    connection.send(answer)


def _end(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
