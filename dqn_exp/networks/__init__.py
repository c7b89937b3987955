"""Networks: built by name and initialised from their own random stream.

`build_network` builds the module that a configuration names: `MLP` for vectors, `CNN` for images, or a user's
own. The module `dense` makes the layers that the section `network` describes; users' networks may use it too.
A network returns Q-values. `predict` returns the predictions from which its head (`head_of`) computes them;
`choice_values` returns the Q-values with -inf for actions that a mask does not allow.
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
