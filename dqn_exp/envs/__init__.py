"""Environments: made from their configuration, as the training loop wants them.

`make_environments` builds N copies that all that meets them sees side by side, `play` is the loop over
their steps, and `resolve_environment` tries one out and says what limit, masks and threshold it has.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.envs.environment import make_environment
    from dqn_exp.envs.faults import EnvironmentFault
    from dqn_exp.envs.resolution import check_evaluation_environment, observed_shape, resolve_environment
    from dqn_exp.envs.vector import Episode, Step, VectorEnvironment, make_environments, play

__getattr__ = lazy(__name__, __file__)
