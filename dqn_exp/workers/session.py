"""Hydra's state and the provenance of a command, which all its trials share, as bytes for workers."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cache
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.types import HydraContext

from dqn_exp.borrowed import dumps
from dqn_exp.runs import provenance


@dataclass(frozen=True)
class Session:
    """The state that all trials of one command share."""

    context: HydraContext
    singletons: dict[Any, Any]
    provenance: dict[str, Any]


def pack_session(context: HydraContext) -> bytes:
    HydraConfig.instance().cfg = None  # every trial sets its own
    return dumps(Session(context, Singleton.get_state(), provenance.environment()))


@cache
def restore_session(packed: bytes) -> Session:
    """Runs in a worker process, once for all its trials: restore the driver's state of Hydra."""
    session: Session = pickle.loads(packed)
    Singleton.set_state(session.singletons)
    return session
