"""Environments: built from their configuration, in the form that the training loop needs.

- `make_environments` builds N copies that are stepped together; every array has a leading axis [N].
- `play` is the loop over their steps; `play_episodes` ends it after a number of episodes.
- `resolve_environment` tries an environment out and fills in its time limit, masks and threshold.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.envs.environment import make_environment
    from dqn_exp.envs.faults import EnvironmentFault
    from dqn_exp.envs.resolution import check_evaluation_environment, observed_shape, resolve_environment
    from dqn_exp.envs.vector import Episode, Step, VectorEnvironment, make_environments, play, play_episodes

__getattr__ = lazy(__name__, __file__)
