"""Gradient clipping and optimiser steps on flat arrays, equal to torch's with its default options."""

from __future__ import annotations

import numpy as np

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.structures import Array, Networks, Settings

ADAM, RMSPROP, SGD = range(3)


@compiled
def apply_optimizer(settings: Settings, networks: Networks, step: int) -> None:
    """Make one optimiser step of the online network; `step` counts from 1."""
    first, second = networks.slots[0], networks.slots[1]
    if settings.optimizer == ADAM:
        adam(settings, networks.online, networks.gradient, first, second, step)
    elif settings.optimizer == RMSPROP:
        rmsprop(settings, networks.online, networks.gradient, first, second)
    else:
        sgd(settings, networks.online, networks.gradient, first)


@compiled
def clip_values(gradient: Array, limit: float) -> None:
    """Clamp every element to [-limit, limit]."""
    for i in range(gradient.size):
        value = gradient[i]
        gradient[i] = limit if value > limit else -limit if value < -limit else value


@compiled
def clip_norm(gradient: Array, limit: float) -> None:
    """Scale the gradient to norm `limit` if its norm is larger, as `torch.nn.utils.clip_grad_norm_` does."""
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
    settings: Settings, parameters: Array, gradient: Array, mean: Array, square: Array, step: int
) -> None:
    """Kingma & Ba 2015, https://arxiv.org/abs/1412.6980."""
    number = gradient.dtype.type
    beta1, beta2 = settings.decay1, settings.decay2
    step_size = number(settings.learning_rate / (1 - beta1**step))
    root_scale = number(1 / np.sqrt(1 - beta2**step))
    keep1, keep2, floor = number(beta1), number(beta2), number(settings.eps)
    new1, new2 = number(1 - beta1), number(1 - beta2)
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = keep1 * mean[i] + new1 * g
        square[i] = keep2 * square[i] + new2 * g * g
        parameters[i] -= step_size * mean[i] / (np.sqrt(square[i]) * root_scale + floor)


@compiled
def rmsprop(settings: Settings, parameters: Array, gradient: Array, square: Array, velocity: Array) -> None:
    """Tieleman & Hinton 2012, with torch's eps outside the root and its momentum."""
    number = gradient.dtype.type
    step_size, friction, floor = (
        number(settings.learning_rate),
        number(settings.decay2),
        number(settings.eps),
    )
    keep, new = number(settings.decay1), number(1 - settings.decay1)
    for i in range(parameters.size):
        g = gradient[i]
        square[i] = keep * square[i] + new * g * g
        velocity[i] = friction * velocity[i] + g / (np.sqrt(square[i]) + floor)
        parameters[i] -= step_size * velocity[i]


@compiled
def sgd(settings: Settings, parameters: Array, gradient: Array, velocity: Array) -> None:
    """Gradient descent with torch's momentum (Polyak 1964)."""
    number = gradient.dtype.type
    step_size, friction = number(settings.learning_rate), number(settings.decay1)
    for i in range(parameters.size):
        velocity[i] = friction * velocity[i] + gradient[i]
        parameters[i] -= step_size * velocity[i]
