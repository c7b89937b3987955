"""Inside one trial: what its network thinks and does, and why it did not learn.

Three commands, `policy`, `video` and `diagnose`, each a module with `add_arguments` and `run`. The modules
`trained`, which brings a network back, `rollouts` and `command_line` serve whoever else plays one; `explore`,
`actions` and `film` are for notebooks.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.network.notebook import Film, actions, explore, film
    from analysis.network.policy.explorer import Explorer

__getattr__ = lazy(__name__, __file__)
