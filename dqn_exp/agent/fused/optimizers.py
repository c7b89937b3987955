"""Gradient clipping and optimiser steps on flat arrays, as torch takes them with its defaults."""

from __future__ import annotations

import numpy as np

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.layers import Array

ADAM, RMSPROP, SGD = range(3)


@compiled
def apply_optimizer(
    kind: int, parameters: Array, gradient: Array, slots: Array, rates: Array, step: int
) -> None:
    """One step; `slots` [2, parameters] are its moments, `rates` begin with lr, two decays and eps."""
    rate, decay1, decay2, eps = rates[0], rates[1], rates[2], rates[3]
    if kind == ADAM:
        adam(parameters, gradient, slots[0], slots[1], rate, decay1, decay2, eps, step)
    elif kind == RMSPROP:
        rmsprop(parameters, gradient, slots[0], slots[1], rate, decay1, decay2, eps)
    else:
        sgd(parameters, gradient, slots[0], rate, decay1)


@compiled
def clip_values(gradient: Array, limit: float) -> None:
    """Clamp every element to [-limit, limit]."""
    for i in range(gradient.size):
        value = gradient[i]
        gradient[i] = limit if value > limit else -limit if value < -limit else value


@compiled
def clip_norm(gradient: Array, limit: float) -> None:
    """Scale to the norm `limit` where it is larger, as `torch.nn.utils.clip_grad_norm_` does."""
    number = gradient.dtype.type
    square = number(0)
    for i in range(gradient.size):
        square += gradient[i] * gradient[i]
    scale = limit / (np.sqrt(square) + number(1e-6))
    if scale < 1:
        for i in range(gradient.size):
            gradient[i] *= scale


@compiled
def adam(
    parameters: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
) -> None:
    """Kingma & Ba 2015, https://arxiv.org/abs/1412.6980; `step` counts from 1."""
    number = gradient.dtype.type
    step_size = number(rate / (1 - beta1**step))
    root_scale = number(1 / np.sqrt(1 - beta2**step))
    keep1, keep2, floor = number(beta1), number(beta2), number(eps)
    new1, new2 = number(1 - beta1), number(1 - beta2)
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = keep1 * mean[i] + new1 * g
        square[i] = keep2 * square[i] + new2 * g * g
        parameters[i] -= step_size * mean[i] / (np.sqrt(square[i]) * root_scale + floor)


@compiled
def rmsprop(
    parameters: Array,
    gradient: Array,
    square: Array,
    velocity: Array,
    rate: float,
    alpha: float,
    momentum: float,
    eps: float,
) -> None:
    """Tieleman & Hinton 2012, with torch's eps outside the root and its momentum."""
    number = gradient.dtype.type
    step_size, friction, floor = number(rate), number(momentum), number(eps)
    keep, new = number(alpha), number(1 - alpha)
    for i in range(parameters.size):
        g = gradient[i]
        square[i] = keep * square[i] + new * g * g
        velocity[i] = friction * velocity[i] + g / (np.sqrt(square[i]) + floor)
        parameters[i] -= step_size * velocity[i]


@compiled
def sgd(parameters: Array, gradient: Array, velocity: Array, rate: float, momentum: float) -> None:
    """Gradient descent with torch's momentum (Polyak 1964)."""
    number = gradient.dtype.type
    step_size, friction = number(rate), number(momentum)
    for i in range(parameters.size):
        velocity[i] = friction * velocity[i] + gradient[i]
        parameters[i] -= step_size * velocity[i]
