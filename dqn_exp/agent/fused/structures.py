"""The structures that the compiled functions pass to each other: arrays and numbers by name.

Numba takes a named tuple apart at compile time, so a structure costs nothing inside compiled code. But when
Python passes one to compiled code, each field costs time. Therefore everything that stays the same between
updates is passed once, to make a `Bundle`; each update gets only the `Bundle`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import types
from numba.experimental import structref

from dqn_exp.replay import Transitions

Array = np.ndarray


class HeadNumbers(NamedTuple):
    """The meaning of the K numbers that are predicted for each action."""

    kind: int  # VALUES, DISTRIBUTION or QUANTILES of `heads`
    support: Array  # [K]: the atoms of a distribution, or the levels tau of quantiles
    kappa: float  # for quantiles: delta of the Huber loss; 0: the absolute error


class Settings(NamedTuple):
    """The settings of a learner, which never change."""

    sizes: Array  # int64[layers + 1]: units of each dense layer, from its inputs to the predictions
    convolution: Array  # int64[6], see `convolution`: the one before the dense layers; int64[0]: none
    dueling: Array  # int64[3], see `dueling`; int64[0]: not dueling
    head: HeadNumbers
    is_tanh: bool  # the hidden layers' activation: tanh, otherwise ReLU
    is_double: bool  # double DQN: the online network selects the next action
    is_huber: bool  # the loss: Huber, otherwise squared
    optimizer: int  # ADAM, RMSPROP or SGD of `optimizers`
    learning_rate: float
    decay1: float  # Adam: beta1; RMSprop: alpha; SGD: momentum
    decay2: float  # Adam: beta2; RMSprop: momentum
    eps: float
    max_norm: float  # limit of the gradient's norm; infinity: none
    max_value: float  # limit of each element of the gradient; infinity: none


class Networks(NamedTuple):
    """The parameters, their gradient and the optimiser's moments. All are flat, in the same order."""

    online: Array  # [P]
    target: Array  # [P]; the same memory as `online` if there is no target network
    gradient: Array  # [P]: of the loss with respect to `online`
    slots: Array  # [2, P]: the optimiser's moments


class Workspace(NamedTuple):
    """The working memory of an update, allocated once for each batch size."""

    stride: int  # elements from one row of activations to the next
    states: Array  # rows of activations for the batch's states; the first row holds ones
    next_states: Array  # the same for the next states
    selected: Array  # rows of predictions by which double DQN selects the next action
    columns: Array  # scratch memory for the activations of one layer, [samples, units]
    td_errors: Array  # [B], a result: TD errors, as the head defines them
    statistics: Array  # [3], a result: loss, sum of Q, largest |Q|


class Bundle(structref.StructRefProxy):
    """All arrays and settings of an update, as one object of compiled code."""

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
    """Where the parameters and activations of one dense layer are."""

    n_in: int
    n_out: int
    weights: int  # position of its weights [n_out, n_in] in the parameters; its biases [n_out] follow
    below: int  # position of the first row of its inputs in the activations
    above: int  # position of the first row of its outputs


class Predictions(NamedTuple):
    """Rows of predictions: number k for action a of sample b is data[(a K + k) stride + b].

    For the head `values`, K is 1 and the predictions are Q-values.
    """

    data: Array
    stride: int
    n_actions: int
    n_samples: int  # without padding
