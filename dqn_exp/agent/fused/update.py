"""The compiled entry points of the fused learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from dqn_exp.agent.fused.compilation import compiled, entry
from dqn_exp.agent.fused.layers import BLOCK, CHUNK, Array, apply_tanh, backward, forward
from dqn_exp.agent.fused.optimizers import apply_optimizer, clip_norm, clip_values
from dqn_exp.agent.fused.shallow import shallow_backward, shallow_forward

LOSS, Q_SUM, Q_MAX = range(3)  # places in `statistics`


@dataclass(frozen=True)
class Kernels:
    """What Python calls."""

    update: Callable[..., None]
    predict: Callable[..., int]
    blend: Callable[..., None]


@cache
def get_kernels(dtype: str, n_in: int, n_out: int) -> Kernels:
    """For shallow networks with so many inputs and outputs; 0, 0: for all others."""
    return Kernels(
        entry(make_update(n_in, n_out), f"{dtype}_{n_in}_{n_out}"), entry(predict, dtype), entry(blend, dtype)
    )


def make_update(n_in: int, n_out: int) -> Callable[..., None]:
    """The function to be compiled, with its two constants."""
    is_shallow = n_in > 0

    def update(
        sizes: Array,
        flags: Array,
        rates: Array,
        online: Array,
        target: Array,
        gradient: Array,
        slots: Array,
        states: Array,
        next_states: Array,
        selected: Array,
        columns: Array,
        td_errors: Array,
        statistics: Array,
        stride: int,
        step: int,
        observations: Array,
        actions: Array,
        rewards: Array,
        next_observations: Array,
        discounts: Array,
        indices: Array,
        weights: Array,
    ) -> None:
        """One gradient step on the rows `indices` of the stored transitions.

        Args:
            sizes: units of each layer, from the observation to the actions.
            flags: is it double DQN, is the loss Huber's, is the activation tanh, which optimiser.
            rates: learning rate, the optimiser's two decays, eps, limits of the gradient's norm and values.
            online, target, gradient: parameters, and the gradient with respect to the online ones.
            slots: the optimiser's moments, [2, parameters].
            states, next_states: rows of activations, `stride` apart; the first row of each holds ones.
            selected: rows for the values that double DQN selects by.
            columns: room for the activations of one layer, samples by units.
            td_errors, statistics: results. Predicted minus target [B]; loss, sum of Q and largest |Q|.
            step: number of this update, from 1.
            weights: importance weights [B], or none at all.
        """
        is_double, is_huber, is_tanh, optimizer = flags[0] != 0, flags[1] != 0, flags[2] != 0, flags[3]
        n_actions = sizes[-1]
        q_rows = states.size - n_actions * stride
        q, next_q = states[q_rows:], next_states[q_rows:]
        fill(gradient, 0)
        fill(statistics, 0)
        for first in range(0, indices.size, CHUNK):
            last = first + CHUNK
            chunk, errors = indices[first:last], td_errors[first:last]
            samples = -(-chunk.size // BLOCK) * BLOCK
            gather(next_observations, chunk, next_states, stride)
            gather(observations, chunk, states, stride)
            if is_shallow:
                if is_double:
                    shallow_forward(n_in, n_out, False, sizes[1], online, next_states, stride, samples)
                    copy(next_q, selected)
                shallow_forward(n_in, n_out, False, sizes[1], target, next_states, stride, samples)
                shallow_forward(n_in, n_out, True, sizes[1], online, states, stride, samples)
            else:
                if is_double:
                    forward(sizes, online, next_states, stride, samples, is_tanh)
                    copy(next_q, selected)
                forward(sizes, target, next_states, stride, samples, is_tanh)
                forward(sizes, online, states, stride, samples, is_tanh)
            if is_double:
                take_selected(next_q, selected, stride, n_actions, chunk.size)
            else:
                take_largest(next_q, stride, n_actions, chunk.size)
            find_td_errors(q, next_q, stride, actions, rewards, discounts, chunk, errors)
            summarise(q, stride, n_actions, chunk.size, statistics)
            differentiate(
                q,
                stride,
                n_actions,
                samples,
                actions,
                chunk,
                errors,
                weights[first:last],
                is_huber,
                1 / indices.size,
                statistics,
            )
            if is_shallow:
                shallow_backward(n_in, n_out, sizes[1], online, states, stride, samples, gradient)
            else:
                backward(sizes, online, states, stride, samples, is_tanh, gradient, columns)
        clip_values(gradient, rates[5])
        clip_norm(gradient, rates[4])
        apply_optimizer(optimizer, online, gradient, slots, rates, step)

    return update


@compiled
def fill(values: Array, value: float) -> None:
    for i in range(values.size):
        values[i] = value


@compiled
def copy(source: Array, target: Array) -> None:
    for i in range(target.size):
        target[i] = source[i]


@compiled
def gather(observations: Array, indices: Array, rows: Array, stride: int) -> None:
    """Write the indexed observations as columns of the rows after the first."""
    for unit in range(np.uint64(observations.shape[1])):
        row = (unit + np.uint64(1)) * np.uint64(stride)
        for b in range(np.uint64(indices.size)):
            rows[row + b] = observations[np.uint64(indices[b]), unit]


@compiled
def take_largest(values: Array, stride: int, n_actions: int, count: int) -> None:
    """values[0, b] = max over a of values[a, b]"""
    for a in range(1, n_actions):
        row = values[a * stride :]
        for b in range(count):
            values[b] = row[b] if row[b] > values[b] else values[b]


@compiled
def take_selected(values: Array, selectors: Array, stride: int, n_actions: int, count: int) -> None:
    """values[0, b] = values[argmax over a of selectors[a, b], b]; the first row of selectors is used up."""
    for a in range(1, n_actions):
        row, candidates = selectors[a * stride :], values[a * stride :]
        for b in range(count):
            is_better = row[b] > selectors[b]
            selectors[b] = row[b] if is_better else selectors[b]
            values[b] = candidates[b] if is_better else values[b]


@compiled
def find_td_errors(
    q: Array,
    next_values: Array,
    stride: int,
    actions: Array,
    rewards: Array,
    discounts: Array,
    indices: Array,
    td_errors: Array,
) -> None:
    """Q(s, a) - (r + discount * value of s'), Q-values in rows `stride` apart."""
    for b in range(np.uint64(indices.size)):
        i = np.uint64(indices[b])
        target = rewards[i] + discounts[i] * next_values[b]
        td_errors[b] = q[np.uint64(actions[i]) * np.uint64(stride) + b] - target


@compiled
def summarise(q: Array, stride: int, n_actions: int, count: int, statistics: Array) -> None:
    """Add up Q and find the largest |Q|."""
    for a in range(n_actions):
        row = q[a * stride :]
        total, largest = q.dtype.type(0), q.dtype.type(0)
        for b in range(count):
            total += row[b]
            largest = max(largest, abs(row[b]))
        statistics[Q_SUM] += total
        statistics[Q_MAX] = max(statistics[Q_MAX], largest)


@compiled
def differentiate(
    q: Array,
    stride: int,
    n_actions: int,
    samples: int,
    actions: Array,
    indices: Array,
    td_errors: Array,
    weights: Array,
    is_huber: bool,
    scale: float,
    statistics: Array,
) -> None:
    """Replace the Q-values by the loss's gradient with respect to them, and add up the loss.

    With c the TD error e, for Huber's loss clamped to [-1, 1], both losses are multiples of
    c * (e - c / 2): Huber's is one of it, the square two.
    """
    number = q.dtype.type
    factor = number(scale if is_huber else 2 * scale)
    limit = number(1 if is_huber else np.inf)
    for a in range(n_actions):
        fill(q[a * stride : a * stride + samples], 0)
    loss = number(0)
    for b in range(np.uint64(indices.size)):
        error = td_errors[b]
        clamped = limit if error > limit else -limit if error < -limit else error
        weight = factor * weights[b] if weights.size > 0 else factor
        loss += weight * clamped * (error - number(0.5) * clamped)
        action = np.uint64(actions[np.uint64(indices[b])])
        q[action * np.uint64(stride) + b] = weight * clamped
    statistics[LOSS] += loss


def predict(sizes: Array, flags: Array, parameters: Array, observation: Array, values: Array) -> int:
    """The greedy action for one observation; its Q-values fill the last row of `values` [layers, widest]."""
    n_layers, is_tanh = sizes.size - 1, flags[2] != 0
    source, at = observation, 0
    for layer in range(n_layers):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        target = values[layer]
        for row in range(n_out):
            weights = parameters[at + row * n_in : at + (row + 1) * n_in]
            total = parameters[at + n_out * n_in + row]
            for unit in range(n_in):
                total += weights[unit] * source[unit]
            is_off = total < 0 and layer < n_layers - 1 and not is_tanh
            target[row] = parameters.dtype.type(0) if is_off else total
        if is_tanh and layer < n_layers - 1:
            apply_tanh(target[:n_out])
        at += n_out * (n_in + 1)
        source = target
    best = 0
    for action in range(1, sizes[-1]):
        if source[action] > source[best]:
            best = action
    return best


def blend(target: Array, online: Array, tau: float) -> None:
    """target += tau * (online - target)"""
    fraction = target.dtype.type(tau)
    for i in range(target.size):
        target[i] += fraction * (online[i] - target[i])
