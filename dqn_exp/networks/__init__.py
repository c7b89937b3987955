"""Networks: built by name, initialised from their own random stream.

`build_network` makes the module that a configuration names; `MLP` is the plain one. The module `dense` makes
the layers that the section `network` describes, for networks of one's own too. `choice_values` are what
actions are chosen by.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.networks.build import build_network
    from dqn_exp.networks.dense import Dueling
    from dqn_exp.networks.masked import MaskedNetwork, choice_values
    from dqn_exp.networks.mlp import MLP
    from dqn_exp.networks.noisy import NoisyLinear, noise, noisy_layers

__getattr__ = lazy(__name__, __file__)
