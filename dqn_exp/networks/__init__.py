"""Networks: built by name, initialised from their own random stream.

`build_network` makes the module that a configuration names; `MLP` is the plain one, `CNN` that of images. The
module `dense` makes the layers that the section `network` describes, for networks of one's own too. A network
gives Q-values; `predict` gives what its head (`head_of`) makes them of, and `choice_values` what actions are
chosen by.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.networks.build import build_network
    from dqn_exp.networks.cnn import CNN
    from dqn_exp.networks.convolutions import convolved
    from dqn_exp.networks.dense import Dueling
    from dqn_exp.networks.headed import HeadedNetwork, head_of, predict
    from dqn_exp.networks.masked import MaskedNetwork, choice_values, rule_out
    from dqn_exp.networks.mlp import MLP
    from dqn_exp.networks.noisy import NoisyLinear, noise, noisy_layers
    from dqn_exp.networks.pixels import Pixels

__getattr__ = lazy(__name__, __file__)
