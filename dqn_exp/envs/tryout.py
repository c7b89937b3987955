"""One reset and one step of an environment before anything is trained: what it is, and whether it works."""

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
"""Seconds that making an environment and its first reset and step may take in all."""


class Facts(NamedTuple):
    """What an environment is, as far as it tells."""

    observed: tuple[int, ...]
    n_actions: int
    has_masks: bool


def try_out(config: EnvConfig) -> Facts:
    """One reset and one step; raises ConfigError where they cannot be had."""
    name = f"env.id={config.id}"
    try:
        return _try_out(config)
    except EnvironmentFault as fault:
        raise ConfigError(str(fault)) from fault
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{name} cannot be reset with a seed and stepped: {cause}") from error


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


def try_out_apart(config: EnvConfig) -> Facts:
    """As `try_out`, in a process of its own: the environment may hang or end it. Asked once for each.

    A fork of this process, which costs milliseconds; where several threads run, which a fork could
    leave hanging, it is done here.
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
"""By configuration: what a try-out found, or what was wrong."""


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
    """Executed in the child; what is sent is what a `ConfigError` says, or the facts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business, which ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE + 5)  # should the driver be killed meanwhile
    try:
        answer: Facts | str = try_out(config)
    except ConfigError as error:
        answer = str(error)
    connection.send(answer)


def _end(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
