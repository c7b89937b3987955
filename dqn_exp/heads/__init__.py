"""Heads: what a network predicts for each action, and how the prediction is learned.

`build_head` builds the head that a configuration names; `Head` is the interface, `Values` the plain DQN head.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.heads.c51 import C51
    from dqn_exp.heads.head import Head, build_head
    from dqn_exp.heads.qr import QR
    from dqn_exp.heads.support import resolve_support
    from dqn_exp.heads.values import Values

__getattr__ = lazy(__name__, __file__)
