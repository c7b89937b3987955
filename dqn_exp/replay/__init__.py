"""Replay buffers: they store transitions and sample the batches that updates learn from.

`build_replay` builds the replay buffer that a configuration names; `Transitions` are its columns.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.replay.build import Replay, build_replay, bytes_per_transition
    from dqn_exp.replay.ring import Sample, Transitions
    from dqn_exp.replay.rows import bytes_reserved

__getattr__ = lazy(__name__, __file__)
