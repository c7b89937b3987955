"""Replay: what the agent remembers, and which of it an update learns from.

`build_replay` makes the one that a configuration names; `Transitions` are its columns.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.replay.build import Replay, build_replay, bytes_per_transition
    from dqn_exp.replay.ring import Transitions
    from dqn_exp.replay.rows import bytes_reserved

__getattr__ = lazy(__name__, __file__)
