"""Networks: built by name, initialised from their own random stream.

`build_network` makes the module that a configuration names; `MLP` is the plain one, `CNN` that of images.
`choice_values` are what actions are chosen by.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.networks.build import build_network
    from dqn_exp.networks.cnn import CNN
    from dqn_exp.networks.convolutions import convolved
    from dqn_exp.networks.masked import MaskedNetwork, choice_values
    from dqn_exp.networks.mlp import MLP
    from dqn_exp.networks.pixels import Pixels

__getattr__ = lazy(__name__, __file__)
