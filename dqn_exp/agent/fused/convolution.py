"""One convolution in front of the dense layers, computed by the functions for dense layers.

The pixels that one place of the output sees are gathered: for them the convolution is a dense layer
from n_in * kernel * kernel units to n_out. Units of an image are ordered as torch flattens it: channel, row,
column.
"""

from __future__ import annotations

import numpy as np

from dqn_exp.agent.fused.compilation import compiled
from dqn_exp.agent.fused.layers import apply_tanh, dense, dense_gradient
from dqn_exp.agent.fused.structures import Array, Layer, Rows

CHANNELS, HEIGHT, WIDTH, KERNEL, STRIDE, OUT = range(6)
"""Indices in the description of a convolution, int64[6]. A network without a convolution has int64[0]."""


def describe(channels: int, height: int, width: int, kernel: int, stride: int, out: int) -> Array:
    """The description of a convolution for the compiled functions."""
    return np.array([channels, height, width, kernel, stride, out])


@compiled
def observed_units(convolution: Array) -> int:
    """The number of values in an image."""
    return convolution[CHANNELS] * convolution[HEIGHT] * convolution[WIDTH]


@compiled
def patch_units(convolution: Array) -> int:
    """The number of values that one place of the output sees."""
    return convolution[CHANNELS] * convolution[KERNEL] * convolution[KERNEL]


@compiled
def places(convolution: Array) -> tuple[int, int]:
    """The number of rows and of columns of the output."""
    high = (convolution[HEIGHT] - convolution[KERNEL]) // convolution[STRIDE] + 1
    wide = (convolution[WIDTH] - convolution[KERNEL]) // convolution[STRIDE] + 1
    return high, wide


@compiled
def parameter_count(convolution: Array) -> int:
    if convolution.size == 0:
        return 0
    return convolution[OUT] * (patch_units(convolution) + 1)


@compiled
def scratch_units(convolution: Array) -> int:
    """The number of rows after the row of ones that hold the inputs and outputs of one place."""
    if convolution.size == 0:
        return 0
    return patch_units(convolution) + convolution[OUT]


@compiled
def first_dense_row(convolution: Array, stride: int) -> int:
    """Position of the first row of the dense layers' inputs."""
    if convolution.size == 0:
        return stride
    return (1 + scratch_units(convolution) + observed_units(convolution)) * stride


@compiled
def observation_row(convolution: Array, stride: int) -> int:
    """Position of the first row of the observation."""
    return (1 + scratch_units(convolution)) * stride


@compiled
def convolve(convolution: Array, is_tanh: bool, parameters: Array, rows: Rows) -> None:
    """Fill the rows of the output from those of the observation."""
    number = rows.data.dtype.type
    (high, wide), n_out, stride = places(convolution), convolution[OUT], rows.stride
    n_in = patch_units(convolution)
    layer = Layer(n_in, n_out, 0, stride, (1 + n_in) * stride)
    above = first_dense_row(convolution, stride)
    for y in range(high):
        for x in range(wide):
            gather_patch(convolution, y, x, rows)
            dense(layer, parameters, rows, number(-np.inf) if is_tanh else number(0))
            for channel in range(n_out):
                out = above + ((channel * high + y) * wide + x) * stride
                copy_row(rows, layer.above + channel * stride, out)
    if is_tanh:
        apply_tanh(rows.data[above : above + n_out * high * wide * stride])


@compiled
def convolution_gradient(convolution: Array, gradient: Array, rows: Rows, columns: Array) -> None:
    """Add the gradient of the weights and biases; the output's rows hold the gradient of its sums."""
    (high, wide), n_out, stride = places(convolution), convolution[OUT], rows.stride
    n_in = patch_units(convolution)
    layer = Layer(n_in, n_out, 0, stride, (1 + n_in) * stride)
    above = first_dense_row(convolution, stride)
    for y in range(high):
        for x in range(wide):
            gather_patch(convolution, y, x, rows)
            for channel in range(n_out):
                out = above + ((channel * high + y) * wide + x) * stride
                copy_row(rows, out, layer.above + channel * stride)
            dense_gradient(layer, gradient, rows, columns)


@compiled
def gather_patch(convolution: Array, y: int, x: int, rows: Rows) -> None:
    """Copy the values that the place (y, x) of the output sees to the rows after the row of ones."""
    kernel, stride = convolution[KERNEL], rows.stride
    below, to = observation_row(convolution, stride), stride
    for channel in range(convolution[CHANNELS]):
        for line in range(kernel):
            row = channel * convolution[HEIGHT] + y * convolution[STRIDE] + line
            start = below + (row * convolution[WIDTH] + x * convolution[STRIDE]) * stride
            for pixel in range(kernel):
                copy_row(rows, start + pixel * stride, to)
                to += stride


@compiled
def copy_row(rows: Rows, source: int, target: int) -> None:
    for sample in range(rows.samples):
        rows.data[target + sample] = rows.data[source + sample]


@compiled
def convolve_one(convolution: Array, is_tanh: bool, parameters: Array, image: Array, out: Array) -> None:
    """Fill `out` with the units of the output for one image; pixels of value 0 are skipped."""
    (high, wide), n_out = places(convolution), convolution[OUT]
    kernel, step, width = convolution[KERNEL], convolution[STRIDE], convolution[WIDTH]
    n_in, n_places = patch_units(convolution), high * wide
    for channel in range(n_out):
        out[channel * n_places : (channel + 1) * n_places] = parameters[n_out * n_in + channel]
    for unit in range(observed_units(convolution)):
        value = image[unit]
        if value != 0:  # true for NaN, too
            plane, pixel = unit // (convolution[HEIGHT] * width), unit % (convolution[HEIGHT] * width)
            row, column = pixel // width, pixel % width
            for line in range(row % step, kernel, step):
                y = (row - line) // step
                for dot in range(column % step, kernel, step):
                    x = (column - dot) // step
                    if 0 <= y < high and 0 <= x < wide and line <= row and dot <= column:
                        weight, target = (plane * kernel + line) * kernel + dot, y * wide + x
                        for channel in range(n_out):
                            out[channel * n_places + target] += parameters[channel * n_in + weight] * value
    if is_tanh:
        apply_tanh(out[: n_out * n_places])
    else:
        for unit in range(n_out * n_places):
            out[unit] = parameters.dtype.type(0) if out[unit] < 0 else out[unit]
