"""What the compiled functions hand to each other: arrays and numbers by name.

Numba takes a named tuple apart when it compiles, so that inside compiled code a structure costs
nothing. But when Python hands one over, each of its fields costs time. So what stays the same from one update
to the next is handed over once, to make a `Bundle`, and each update is handed that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types
from numba.experimental import structref

from dqn_exp.replay import Transitions

Array = np.ndarray


class HeadNumbers(NamedTuple):
    """What the K numbers are that are predicted for each action."""

    kind: int  # VALUES, DISTRIBUTION or QUANTILES of `heads`
    support: Array  # [K]: the atoms of a distribution, the places tau of quantiles
    kappa: float  # of quantiles: delta of Huber's loss; 0: the absolute error


class Settings(NamedTuple):
    """What does not change while a learner learns."""

    sizes: Array  # int64[layers + 1]: units of each dense layer, from what it begins with to the predictions
    convolution: Array  # int64[6], see `convolution`, of what the dense layers begin with; int64[0]: none
    dueling: Array  # int64[3], see `dueling`; int64[0]: it is none
    head: HeadNumbers
    is_tanh: bool  # the hidden layers' activation: tanh, otherwise ReLU
    is_double: bool  # double DQN: the online network selects the next action
    is_huber: bool  # the loss: Huber's, otherwise the square
    optimizer: int  # ADAM, RMSPROP or SGD of `optimizers`
    learning_rate: float
    decay1: float  # Adam: beta1; RMSprop: alpha; SGD: momentum
    decay2: float  # Adam: beta2; RMSprop: momentum
    eps: float
    max_norm: float  # limit of the gradient's norm; infinity: none
    max_value: float  # limit of each element of the gradient; infinity: none


class Networks(NamedTuple):
    """Parameters, and what an optimiser keeps for each of them. All are flat, in the same order."""

    online: Array  # [P]
    target: Array  # [P]; without a target network the same memory as `online`
    gradient: Array  # [P]: of the loss with respect to `online`
    slots: Array  # [2, P]: the optimiser's moments


class Workspace(NamedTuple):
    """Memory that an update works in, made once for each batch size."""

    stride: int  # elements from one row of activations to the next
    states: Array  # rows of activations for the batch's states; the first row holds ones
    next_states: Array  # the same for the next states
    selected: Array  # rows of predictions by which double DQN selects the next action
    columns: Array  # room for the activations of one layer, samples by units
    td_errors: Array  # [B], a result: predicted minus target
    statistics: Array  # [3], a result: loss, sum of Q, largest |Q|


class Bundle(structref.StructRefProxy):
    """All arrays and settings of an update, as one object that lives in compiled code."""

    settings: Settings
    networks: Networks
    workspace: Workspace
    transitions: Transitions


@structref.register
class BundleType(types.StructRef):
    """Numba's type of a `Bundle`."""


structref.define_proxy(Bundle, BundleType, ["settings", "networks", "workspace", "transitions"])


class Rows(NamedTuple):
    """Activations of one chunk of samples: unit u of sample s is data[u * stride + s]."""

    data: Array
    stride: int
    samples: int  # with padding: a multiple of BLOCK


class Layer(NamedTuple):
    """Where one dense layer lies."""

    n_in: int
    n_out: int
    weights: int  # place of its weights [n_out, n_in] in the parameters; its biases [n_out] follow
    below: int  # place of the first row of its inputs in the activations
    above: int  # place of the first row of its outputs


class Predictions(NamedTuple):
    """Rows of predictions: number k for action a of sample b is data[(a K + k) stride + b].

    Of values K is 1, and they are Q-values.
    """

    data: Array
    stride: int
    n_actions: int
    n_samples: int  # without padding
