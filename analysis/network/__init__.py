"""Inside one trial: the values and actions of its network, and why it did not learn.

- The commands `policy`, `video` and `diagnose` are modules with `add_arguments` and `run`.
- `trained` loads a network, `rollouts` plays episodes with it, `command_line` adds the arguments for that.
- `explore`, `actions` and `film` are for notebooks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.network.notebook import Film, actions, explore, film
    from analysis.network.policy.explorer import Explorer

__getattr__ = lazy(__name__, __file__)
