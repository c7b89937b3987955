"""Heads: what a network predicts for each action, and how that is learned.

`build_head` makes the one that a configuration names; `Head` is what it must offer, `Values` the plain one.
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
