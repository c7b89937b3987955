"""Environments: made from their configuration, as the training loop wants them.

`make_environment` builds one; `resolve_environment` says what its time limit and threshold are.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.envs.environment import Environment, make_environment, resolve_environment

__getattr__ = lazy(__name__, __file__)
