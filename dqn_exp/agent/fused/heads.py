"""Heads that predict a distribution of returns: the mathematics of `dqn_exp.heads`, sample by sample.

The K predictions for action a of sample b are in the rows a K to a K + K - 1 of the output layer, at b.
"""

from __future__ import annotations

import numpy as np

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.structures import Array, HeadNumbers, Predictions
from dqn_exp.heads import C51, QR, Head
from dqn_exp.replay import Transitions

VALUES, DISTRIBUTION, QUANTILES = range(3)
"""Kinds of heads: values, c51, qr."""


def describe_head(head: Head, dtype: np.dtype) -> HeadNumbers:
    """The description of a head for the compiled functions."""
    match head:
        case C51():
            return HeadNumbers(DISTRIBUTION, head.atoms.numpy().astype(dtype), 0.0)
        case QR():
            return HeadNumbers(QUANTILES, head.tau.numpy().astype(dtype), head.kappa)
    return HeadNumbers(VALUES, np.zeros(1, dtype), 0.0)


@compiled
def value_of(head: HeadNumbers, data: Array, at: int, step: int) -> float:
    """The Q-value of the predictions at data[at], data[at + step], ..."""
    if head.kind == VALUES:
        return data[at]
    n, number = head.support.size, data.dtype.type
    total, weighted = number(0), number(0)
    if head.kind == QUANTILES:
        for k in range(n):
            total += data[at + k * step]
        return total / number(n)
    largest = largest_of(data, at, step, n)
    for k in range(n):
        likely = np.exp(data[at + k * step] - largest)
        total += likely
        weighted += likely * head.support[k]
    return weighted / total


@compiled
def largest_of(data: Array, at: int, step: int, n: int) -> float:
    largest = data[at]
    for k in range(1, n):
        largest = max(largest, data[at + k * step])
    return largest


@compiled
def best_action(head: HeadNumbers, of: Predictions, sample: int) -> int:
    """The action with the largest Q-value."""
    step = head.support.size * of.stride
    best, largest = 0, of.data.dtype.type(0)
    for action in range(of.n_actions):
        value = value_of(head, of.data, action * step + sample, of.stride)
        if action == 0 or value > largest:
            best, largest = action, value
    return best


@compiled
def learn_distributions(
    head: HeadNumbers,
    predicted: Predictions,
    following: Predictions,
    chooser: Predictions,
    transitions: Transitions,
    indices: Array,
    weights: Array,
    scale: float,
    room: Array,
    td_errors: Array,
) -> float:
    """Replace `predicted` by the loss's gradient, fill `td_errors` [B], and return the sum of the losses.

    `following` holds the predictions for the next states; the next actions are chosen by the Q-values of
    `chooser`. Each loss is multiplied by `scale` and its importance weight. `room` is scratch memory for 2 K
    numbers.
    """
    n, stride, number = head.support.size, predicted.stride, predicted.data.dtype.type
    target, slopes = room[:n], room[n : 2 * n]
    total, n_rows = number(0), predicted.n_actions * n
    for b in range(indices.size):
        i = indices[b]
        after = best_action(head, chooser, b) * n * stride + b
        place = transitions.action[i] * n * stride + b
        reward, discount = transitions.reward[i], transitions.discount[i]
        if head.kind == DISTRIBUTION:
            project(head.support, reward, discount, following.data, after, stride, target)
            loss, td_errors[b] = cross_entropy(target, predicted.data, place, stride, slopes)
        else:
            for k in range(n):
                target[k] = reward + discount * following.data[after + k * stride]
            loss = quantile_loss(head, target, predicted.data, place, stride, slopes)
            td_errors[b] = loss
        weight = number(scale) * weights[b] if weights.size > 0 else number(scale)
        total += weight * loss
        for row in range(n_rows):
            predicted.data[row * stride + b] = 0
        for k in range(n):
            predicted.data[place + k * stride] = weight * slopes[k]
    for row in range(n_rows):  # the padding of the last block
        predicted.data[row * stride + indices.size : row * stride + stride] = 0
    return total


@compiled
def project(
    atoms: Array, reward: float, discount: float, logits: Array, at: int, step: int, target: Array
) -> None:
    """Fill target [K]: each moved atom's probability is shared between its two nearest atoms."""
    n = atoms.size
    largest, total = largest_of(logits, at, step, n), atoms.dtype.type(0)
    for k in range(n):
        total += np.exp(logits[at + k * step] - largest)
        target[k] = 0
    for k in range(n):
        moved = reward + discount * atoms[k]
        moved = atoms[n - 1] if moved > atoms[n - 1] else atoms[0] if moved < atoms[0] else moved
        place = (moved - atoms[0]) / (atoms[1] - atoms[0])
        lower = min(max(int(place), 0), n - 2)  # in this range for NaN, too
        share = np.exp(logits[at + k * step] - largest) / total
        upwards = place - atoms.dtype.type(lower)
        target[lower] += share * (1 - upwards)
        target[lower + 1] += share * upwards


@compiled
def cross_entropy(target: Array, logits: Array, at: int, step: int, slopes: Array) -> tuple[float, float]:
    """Returns the cross-entropy of target [K] and softmax(logits), and it minus the target's entropy.

    Fills slopes [K] with the gradient with respect to the logits.
    """
    n, number = target.size, target.dtype.type
    largest, total = largest_of(logits, at, step, n), number(0)
    for k in range(n):
        slopes[k] = np.exp(logits[at + k * step] - largest)
        total += slopes[k]
    log_total, crossed, own = np.log(total), number(0), number(0)
    for k in range(n):
        crossed -= target[k] * (logits[at + k * step] - largest - log_total)
        own -= target[k] * np.log(target[k]) if target[k] > 0 else number(0)
        slopes[k] = slopes[k] / total - target[k]
    return crossed, crossed - own


@compiled
def quantile_loss(
    head: HeadNumbers, target: Array, quantiles: Array, at: int, step: int, slopes: Array
) -> float:
    """The quantile Huber loss of all pairs, or the absolute loss if kappa is 0. Fills slopes [K]."""
    n, number = target.size, target.dtype.type
    limit, total = number(head.kappa), number(0)
    for i in range(n):
        x, tau = quantiles[at + i * step], head.support[i]
        losses, slope = number(0), number(0)
        for j in range(n):
            error = target[j] - x
            weight = number(1) - tau if error < 0 else tau
            clamped = limit if error > limit else -limit if error < -limit else error
            if limit == 0:
                clamped = number(1) if error > 0 else number(-1) if error < 0 else error
                losses += weight * clamped * error
            else:
                losses += weight * clamped * (error - number(0.5) * clamped)
            slope -= weight * clamped
        total += losses / number(n)
        slopes[i] = slope / number(n)
    return total
