"""The compiled entry points of the fused learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from dqn_exp.agent.fused.compilation import compiled, entry
from dqn_exp.agent.fused.convolution import (
    convolution_gradient,
    convolve,
    convolve_one,
    first_dense_row,
    observation_row,
    parameter_count,
)
from dqn_exp.agent.fused.denormals import flush_denormals, restore_denormals
from dqn_exp.agent.fused.dueling import learned_outputs, merge, split
from dqn_exp.agent.fused.heads import learn_distributions, value_of
from dqn_exp.agent.fused.layers import BLOCK, CHUNK, apply_tanh, backward, forward
from dqn_exp.agent.fused.optimizers import apply_optimizer, clip_norm, clip_values
from dqn_exp.agent.fused.shallow import shallow_backward, shallow_forward
from dqn_exp.agent.fused.structures import (
    Array,
    Bundle,
    HeadNumbers,
    Networks,
    Predictions,
    Rows,
    Settings,
    Workspace,
)
from dqn_exp.replay import Transitions

LOSS, Q_SUM, Q_MAX = range(3)  # indices in `statistics`


@dataclass(frozen=True)
class Kernels:
    """The compiled functions that Python calls, through `dqn_exp.compilation.prepare`."""

    bundle: Callable[..., Bundle]
    update: Callable[..., None]
    predict: Callable[..., None]
    blend: Callable[..., None]


@cache
def get_kernels(dtype: str, n_in: int, n_out: int, is_distribution: bool) -> Kernels:
    """The kernels for shallow networks with n_in inputs and n_out outputs; 0 and 0 mean all other networks.

    `is_distribution`: the head is c51 or qr.
    """
    return Kernels(
        entry(bundle, dtype),
        entry(make_update(n_in, n_out, is_distribution), f"{dtype}_{n_in}_{n_out}_{is_distribution}"),
        entry(predict, dtype),
        entry(blend, dtype),
    )


def bundle(settings: Settings, networks: Networks, workspace: Workspace, transitions: Transitions) -> Bundle:
    """The `Bundle` that updates work on. It holds the arrays themselves, not copies."""
    return Bundle(settings, networks, workspace, transitions)


def make_update(n_in: int, n_out: int, is_distribution: bool) -> Callable[..., None]:
    """The function to compile; the arguments are constants in it. n_in and n_out are 0 for deep networks."""
    is_shallow = n_in > 0

    def update(bundle: Bundle, step: int, indices: Array, weights: Array) -> None:
        """Make one gradient step on the rows `indices` [B] of the bundle's transitions.

        `step` is the number of this update, from 1. `weights` are importance weights [B], or empty [0].
        """
        settings, networks, workspace = bundle.settings, bundle.networks, bundle.workspace
        transitions = bundle.transitions
        sizes, is_tanh, stride = settings.sizes, settings.is_tanh, workspace.stride
        convolution = settings.convolution
        observed = observation_row(convolution, stride)
        merge(settings.dueling, networks.online)
        merge(settings.dueling, networks.target)
        plain = learned_outputs(settings.dueling)
        online, target, gradient = networks.online[plain:], networks.target[plain:], networks.gradient[plain:]
        states, next_states, selected = workspace.states, workspace.next_states, workspace.selected
        statistics = workspace.statistics
        n_actions = sizes[-1] // settings.head.support.size
        q_rows = states.size - sizes[-1] * stride
        mode = flush_denormals()
        fill(networks.gradient, 0)
        fill(statistics, 0)
        for first in range(0, indices.size, CHUNK):
            last = first + CHUNK
            chunk, errors = indices[first:last], workspace.td_errors[first:last]
            samples = -(-chunk.size // BLOCK) * BLOCK
            here, there = Rows(states, stride, samples), Rows(next_states, stride, samples)
            q = Predictions(states[q_rows:], stride, n_actions, chunk.size)
            next_q = Predictions(next_states[q_rows:], stride, n_actions, chunk.size)
            gather(transitions.next_observation, chunk, there, observed)
            gather(transitions.observation, chunk, here, observed)
            if is_shallow:
                if settings.is_double:
                    shallow_forward(n_in, n_out, False, sizes[1], online, next_states, stride, samples)
                    copy(next_q.data, selected)
                shallow_forward(n_in, n_out, False, sizes[1], target, next_states, stride, samples)
                shallow_forward(n_in, n_out, True, sizes[1], online, states, stride, samples)
            else:
                if settings.is_double:
                    forward_all(sizes, convolution, is_tanh, online, there)
                    copy(next_q.data, selected)
                forward_all(sizes, convolution, is_tanh, target, there)
                forward_all(sizes, convolution, is_tanh, online, here)
            chooser = Predictions(
                selected if settings.is_double else next_q.data, stride, n_actions, chunk.size
            )
            of_batch = transitions, chunk, weights[first:last], 1 / indices.size
            if is_distribution:
                summarise_distributions(settings.head, q, statistics)
                statistics[LOSS] += learn_distributions(
                    settings.head, q, next_q, chooser, *of_batch, workspace.columns, errors
                )
            else:
                summarise(q, statistics)
                statistics[LOSS] += learn_values(settings, q, next_q, chooser, *of_batch, errors)
            if is_shallow:
                shallow_backward(n_in, n_out, sizes[1], online, states, stride, samples, gradient)
            else:
                has_convolution = convolution.size > 0
                backward(sizes, is_tanh, online, here, gradient, workspace.columns, has_convolution)
                if has_convolution:
                    convolution_gradient(convolution, gradient, here, workspace.columns)
        show_nan(statistics)
        split(settings.dueling, networks.gradient)
        clip_values(networks.gradient, settings.max_value)
        clip_norm(networks.gradient, settings.max_norm)
        apply_optimizer(settings, networks, step)
        restore_denormals(mode)

    return update


@compiled
def forward_all(sizes: Array, convolution: Array, is_tanh: bool, parameters: Array, rows: Rows) -> None:
    """Fill the rows of all layers from those of the observation."""
    if convolution.size > 0:
        convolve(convolution, is_tanh, parameters, rows)
    below = first_dense_row(convolution, rows.stride)
    forward(sizes, is_tanh, parameters, parameter_count(convolution), rows, below)


@compiled
def fill(values: Array, value: float) -> None:
    for i in range(values.size):
        values[i] = value


@compiled
def copy(source: Array, target: Array) -> None:
    for i in range(target.size):
        target[i] = source[i]


@compiled
def gather(observations: Array, indices: Array, rows: Rows, first: int) -> None:
    """Write the indexed observations as columns of the rows that begin at `first`.

    Indices are unsigned here and below, so that no code for negative indices is generated.
    """
    for unit in range(np.uint64(observations.shape[1])):
        row = np.uint64(first) + unit * np.uint64(rows.stride)
        for b in range(np.uint64(indices.size)):
            rows.data[row + b] = observations[np.uint64(indices[b]), unit]


@compiled
def take_largest(q: Predictions) -> None:
    """q[0, b] = max over a of q[a, b]"""
    values = q.data
    for a in range(1, q.n_actions):
        row = values[a * q.stride :]
        for b in range(q.n_samples):
            values[b] = row[b] if row[b] > values[b] else values[b]


@compiled
def take_selected(q: Predictions, selectors: Array) -> None:
    """q[0, b] = q[argmax over a of selectors[a, b], b]; the first row of selectors is overwritten."""
    values = q.data
    for a in range(1, q.n_actions):
        row, candidates = selectors[a * q.stride :], values[a * q.stride :]
        for b in range(q.n_samples):
            is_better = row[b] > selectors[b]
            selectors[b] = row[b] if is_better else selectors[b]
            values[b] = candidates[b] if is_better else values[b]


@compiled
def learn_values(
    settings: Settings,
    q: Predictions,
    next_q: Predictions,
    chooser: Predictions,
    transitions: Transitions,
    indices: Array,
    weights: Array,
    scale: float,
    td_errors: Array,
) -> float:
    """Replace `q` by the loss's gradient, fill `td_errors` [B], and return the sum of the losses.

    `next_q` holds the Q-values of the next states; the next actions are chosen by `chooser`. Both are
    overwritten.
    """
    if settings.is_double:
        take_selected(next_q, chooser.data)
    else:
        take_largest(next_q)
    find_td_errors(q, next_q, transitions, indices, td_errors)
    return differentiate(q, transitions.action, indices, td_errors, weights, settings.is_huber, scale)


@compiled
def find_td_errors(
    q: Predictions, next_q: Predictions, transitions: Transitions, indices: Array, td_errors: Array
) -> None:
    """Q(s, a) - (r + discount * value of s'); the first row of `next_q` holds these values."""
    for b in range(np.uint64(indices.size)):
        i = np.uint64(indices[b])
        target = transitions.reward[i] + transitions.discount[i] * next_q.data[b]
        td_errors[b] = q.data[np.uint64(transitions.action[i]) * np.uint64(q.stride) + b] - target


@compiled
def summarise(q: Predictions, statistics: Array) -> None:
    """Add Q to the sum and update the largest |Q|, which ignores NaN."""
    for a in range(q.n_actions):
        row = q.data[a * q.stride :]
        total, largest = row.dtype.type(0), row.dtype.type(0)
        for b in range(q.n_samples):
            total += row[b]
            largest = max(largest, abs(row[b]))
        statistics[Q_SUM] += total
        statistics[Q_MAX] = max(statistics[Q_MAX], largest)


@compiled
def summarise_distributions(head: HeadNumbers, predicted: Predictions, statistics: Array) -> None:
    """As `summarise`, for the Q-values of distributions."""
    total, largest = predicted.data.dtype.type(0), predicted.data.dtype.type(0)
    for a in range(predicted.n_actions):
        for b in range(predicted.n_samples):
            at = a * head.support.size * predicted.stride + b
            value = value_of(head, predicted.data, at, predicted.stride)
            total += value
            largest = max(largest, abs(value))
    statistics[Q_SUM] += total
    statistics[Q_MAX] = max(statistics[Q_MAX], largest)


@compiled
def show_nan(statistics: Array) -> None:
    """Set the largest |Q| to NaN if one of the Q-values is NaN.

    The maximum ignores NaN, because every comparison with NaN is false; the sum does not. The sum of
    infinities of both signs is NaN as well; in that case the largest |Q| is infinite and stays.
    """
    if np.isnan(statistics[Q_SUM]) and not np.isinf(statistics[Q_MAX]):
        statistics[Q_MAX] = np.nan


@compiled
def differentiate(
    q: Predictions,
    actions: Array,
    indices: Array,
    td_errors: Array,
    weights: Array,
    is_huber: bool,
    scale: float,
) -> float:
    """Replace the Q-values, padding included, by the loss's gradient with respect to them; returns the loss.

    Let e be the TD error. Let c be e, for the Huber loss clamped to [-1, 1]. Both losses are multiples of
    c * (e - c / 2): the Huber loss is once that, the squared loss twice. Both gradients are multiples of c.
    """
    values = q.data
    number = values.dtype.type
    factor = number(scale if is_huber else 2 * scale)
    limit = number(1 if is_huber else np.inf)
    samples = -(-q.n_samples // BLOCK) * BLOCK
    for a in range(q.n_actions):
        fill(values[a * q.stride : a * q.stride + samples], 0)
    loss = number(0)
    for b in range(np.uint64(indices.size)):
        error = td_errors[b]
        clamped = limit if error > limit else -limit if error < -limit else error
        weight = factor * weights[b] if weights.size > 0 else factor
        loss += weight * clamped * (error - number(0.5) * clamped)
        action = np.uint64(actions[np.uint64(indices[b])])
        values[action * np.uint64(q.stride) + b] = weight * clamped
    return loss


def predict(bundle: Bundle, observations: Array, units: Array, values: Array, actions: Array) -> None:
    """Fill values[b] with the Q-values of observations[b], and actions[b] with the greedy action.

    `values` is [B, A], or [0, A] if only the actions are needed. `units` [layers, widest] is scratch memory
    for the activations of one observation; its last row is for those of the convolution.
    """
    settings, learned = bundle.settings, bundle.networks.online
    sizes, convolution, is_tanh, head = settings.sizes, settings.convolution, settings.is_tanh, settings.head
    merge(settings.dueling, learned)
    parameters = learned[learned_outputs(settings.dueling) :]
    n_layers, n_predicted = sizes.size - 1, head.support.size
    for b in range(len(observations)):
        source, at = observations[b], parameter_count(convolution)
        if convolution.size > 0:
            convolve_one(convolution, is_tanh, parameters, source, units[-1])
            source = units[-1][: sizes[0]]
        for layer in range(n_layers):
            n_in, n_out, is_last = sizes[layer], sizes[layer + 1], layer == n_layers - 1
            target = units[layer]
            for row in range(n_out):
                weights = parameters[at + row * n_in : at + (row + 1) * n_in]
                total = parameters[at + n_out * n_in + row]
                for unit in range(n_in):
                    total += weights[unit] * source[unit]
                is_off = total < 0 and not is_last and not is_tanh
                target[row] = parameters.dtype.type(0) if is_off else total
            if is_tanh and not is_last:
                apply_tanh(target[:n_out])
            at += n_out * (n_in + 1)
            source = target
        best, largest = 0, parameters.dtype.type(0)
        for action in range(sizes[-1] // n_predicted):
            value = value_of(head, source, action * n_predicted, 1)
            if len(values) > 0:
                values[b, action] = value
            if action == 0 or value > largest:
                best, largest = action, value
        actions[b] = best


def blend(target: Array, online: Array, tau: float) -> None:
    """target += tau * (online - target)"""
    fraction = target.dtype.type(tau)
    for i in range(target.size):
        target[i] += fraction * (online[i] - target[i])
