"""Forward and backward pass of a multilayer perceptron, built from the tiles of `simd`.

One flat array holds the parameters in torch's order: for each layer its weights [n_out, n_in] and its
biases [n_out]. Another holds the activations: a row of ones, then the rows of each layer's units, beginning
with the observation. In the backward pass, the gradient with respect to each unit overwrites the unit's
activations, which are no longer needed. All functions work in float32 and in float64.
"""

from __future__ import annotations

import numpy as np

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.simd import (
    VECTOR_BYTES,
    backward_tile,
    copy_tile,
    forward_tile,
    gradient_tile,
    outer_tile,
    transpose_tile,
)
from dqn_exp.agent.fused.structures import Array, Layer, Rows

BLOCK = 32  # samples are padded to a multiple of this, the width of the widest tile
CHUNK = 256  # samples computed together, few enough for their activations to stay in the cache
LINE = 16  # elements of a cache line (float32)
WIDE = 128  # from so many inputs on, `dense_backward` copies a layer's weights first

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= TANH_LIMIT: our minimax fit, with relative error 2.6e-8
TANH_LIMIT = 9.2
P = (  # coefficients of x^0, x^2, x^4, ..., as in Q
    0.9999999747691858,
    0.13367878315333565,
    0.0034799916074634827,
    2.0353262189591696e-05,
    1.3001998980064756e-08,
)
Q = (1.0, 0.46701190144020266, 0.02581759915455901, 0.0003260162850864309, 7.631821165111057e-07)


def chunk_size(batch_size: int) -> int:
    """The number of samples in one chunk of a batch, with padding."""
    return min(CHUNK, -(-batch_size // BLOCK) * BLOCK)


def row_stride(batch_size: int) -> int:
    """Elements from one row of activations to the next: an odd number of cache lines.

    The activations of one sample then do not compete for the same few places in the cache.
    """
    return chunk_size(batch_size) + LINE


def columns_size(batch_size: int, widest: int) -> int:
    """The number of elements for one chunk of activations of a layer of `widest` units, as columns."""
    return chunk_size(batch_size) * (widest + 2 * LINE)


@compiled
def forward(sizes: Array, is_tanh: bool, parameters: Array, at: int, rows: Rows, below: int) -> None:
    """Fill the rows of all dense layers from the rows of their inputs, which begin at `below`.

    The layers' parameters begin at `at`.
    """
    number = rows.data.dtype.type
    for index in range(sizes.size - 1):
        n_in, n_out = sizes[index], sizes[index + 1]
        layer = Layer(n_in, n_out, at, below, below + n_in * rows.stride)
        is_hidden = index < sizes.size - 2
        dense(layer, parameters, rows, number(0) if is_hidden and not is_tanh else number(-np.inf))
        if is_hidden and is_tanh:
            apply_tanh(rows.data[layer.above : layer.above + n_out * rows.stride])
        at += n_out * (n_in + 1)
        below = layer.above


@compiled
def backward(
    sizes: Array,
    is_tanh: bool,
    parameters: Array,
    rows: Rows,
    gradient: Array,
    columns: Array,
    goes_on: bool,
) -> None:
    """Add the gradient of all dense layers to `gradient`; the rows of the Q-values hold the loss's gradient.

    `columns` is scratch memory for the activations of one chunk of samples of any layer. If `goes_on`, the
    rows of the first layer's inputs get their gradient, too.
    """
    at, above = parameters.size, rows.data.size - sizes[-1] * rows.stride
    for index in range(sizes.size - 2, -1, -1):
        n_in, n_out = sizes[index], sizes[index + 1]
        at -= n_out * (n_in + 1)
        layer = Layer(n_in, n_out, at, above - n_in * rows.stride, above)
        dense_gradient(layer, gradient, rows, columns)
        if index > 0 or goes_on:
            dense_backward(layer, parameters, rows, is_tanh, columns)
        above = layer.below


@compiled
def dense(layer: Layer, parameters: Array, rows: Rows, floor: float) -> None:
    """Rows above = max(floor, weights @ rows below + biases)."""
    n_in, n_out, at, below, above = layer
    data, stride, samples = rows
    lanes = VECTOR_BYTES // data.itemsize
    whole = n_out - n_out % 4
    for sample in range(0, samples, 2 * lanes):
        source, out = below + sample, above + sample
        for row in range(0, whole, 4):
            forward_tile(4, 2, parameters, at, row, n_in, n_out, data, source, out, stride, floor)
    for sample in range(0, samples, 4 * lanes):
        source, out = below + sample, above + sample
        if n_out - whole >= 2:
            forward_tile(2, 4, parameters, at, whole, n_in, n_out, data, source, out, stride, floor)
        if n_out % 2 == 1:
            forward_tile(1, 4, parameters, at, n_out - 1, n_in, n_out, data, source, out, stride, floor)


@compiled
def dense_backward(layer: Layer, parameters: Array, rows: Rows, is_tanh: bool, packed: Array) -> None:
    """Rows below = slopes of the rows below * (weights transposed @ rows above).

    In a wide layer, the rows of weights may be a power of two apart. They then compete for the same few
    places in the cache, so the weights are first copied to `packed`, those of LINE units at a time.
    """
    n_in, n_out, at, below, above = layer
    data, stride, samples = rows
    lanes = VECTOR_BYTES // data.itemsize
    for first in range(0, n_in, LINE):
        count = min(LINE, n_in - first)
        weights, origin, step = parameters, at, n_in
        if n_in >= WIDE and count == LINE:
            for row in range(n_out):
                copy_tile(LINE, parameters, at + row * n_in + first, packed, row * LINE)
            weights, origin, step = packed, -first, LINE
        whole = first + count - count % 4
        for sample in range(0, samples, 2 * lanes):
            source, out = above + sample, below + sample
            for row in range(first, whole, 4):
                if is_tanh:
                    backward_tile(4, 2, True, weights, origin, row, step, data, out, source, stride, n_out)
                else:
                    backward_tile(4, 2, False, weights, origin, row, step, data, out, source, stride, n_out)
        for row in range(whole, first + count):
            for sample in range(0, samples, 4 * lanes):
                source, out = above + sample, below + sample
                if is_tanh:
                    backward_tile(1, 4, True, weights, origin, row, step, data, out, source, stride, n_out)
                else:
                    backward_tile(1, 4, False, weights, origin, row, step, data, out, source, stride, n_out)


@compiled
def dense_gradient(layer: Layer, gradient: Array, rows: Rows, columns: Array) -> None:
    """Weights += rows above @ rows below transposed; biases += rows above @ ones.

    In layers with at least four outputs, the input units that fill pairs of vectors are first transposed to
    columns; the remaining units are summed in place.
    """
    n_in, n_out, at, below, above = layer
    data, stride, samples = rows
    lanes = VECTOR_BYTES // data.itemsize
    biases = at + n_out * n_in
    turned = n_in - n_in % (2 * lanes) if n_out >= 4 else 0
    step = turned + LINE if turned // LINE % 2 == 0 else turned  # an odd number of cache lines, too
    for unit in range(0, turned, lanes):
        for sample in range(0, samples, lanes):
            transpose_tile(data, below + unit * stride + sample, stride, columns, sample * step + unit, step)
    for unit in range(0, turned, 2 * lanes):
        for row in range(0, n_out - 3, 4):
            weights, delta = at + row * n_in + unit, above + row * stride
            outer_tile(4, 2, gradient, weights, n_in, data, delta, stride, columns, unit, step, samples)
        for row in range(n_out - n_out % 4, n_out):
            weights, delta = at + row * n_in + unit, above + row * stride
            outer_tile(1, 2, gradient, weights, n_in, data, delta, stride, columns, unit, step, samples)
    whole = n_in - n_in % 4
    for row in range(0, n_out - 1, 2):
        weights, delta = at + row * n_in, above + row * stride
        for unit in range(turned, whole, 4):
            source = below + unit * stride
            gradient_tile(2, 4, 1, gradient, weights + unit, n_in, data, delta, source, stride, samples)
        for unit in range(whole, n_in):
            source = below + unit * stride
            gradient_tile(2, 1, 4, gradient, weights + unit, n_in, data, delta, source, stride, samples)
        gradient_tile(2, 1, 4, gradient, biases + row, 1, data, delta, 0, stride, samples)
    if n_out % 2 == 1:
        weights, delta = biases - n_in, above + (n_out - 1) * stride
        for unit in range(turned, whole, 4):
            source = below + unit * stride
            gradient_tile(1, 4, 2, gradient, weights + unit, n_in, data, delta, source, stride, samples)
        for unit in range(whole, n_in):
            source = below + unit * stride
            gradient_tile(1, 1, 4, gradient, weights + unit, n_in, data, delta, source, stride, samples)
        gradient_tile(1, 1, 4, gradient, biases + n_out - 1, 1, data, delta, 0, stride, samples)


@compiled
def apply_tanh(values: Array) -> None:
    """Replace each value by its tanh."""
    number = values.dtype.type
    limit = number(TANH_LIMIT)
    for i in range(values.size):
        x = values[i]
        x = limit if x > limit else -limit if x < -limit else x
        s = x * x
        p = number(P[0]) + s * (number(P[1]) + s * (number(P[2]) + s * (number(P[3]) + s * number(P[4]))))
        q = number(Q[0]) + s * (number(Q[1]) + s * (number(Q[2]) + s * (number(Q[3]) + s * number(Q[4]))))
        values[i] = x * p / q
