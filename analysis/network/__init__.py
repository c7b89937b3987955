"""Inside one trial: the values and actions of its network, and why it did not learn.

- The commands are the modules `video` and `diagnose`, and `policy.command`.
- For other rooms: the modules `rollouts` and `command_line` play episodes with a trained network and add the
  arguments for that.
- `explore`, `actions` and `film` are for notebooks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.network.notebook import Film, actions, explore, film
    from analysis.network.policy.explorer import Explorer

__getattr__ = lazy(__name__, __file__)
