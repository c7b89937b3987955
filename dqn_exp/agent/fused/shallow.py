"""Networks with one hidden layer of ReLUs and few inputs and outputs: both layers in one loop.

In such networks a sum has few terms, and the tiles of `simd` would spend their time on loading them. The
forward pass loops over the hidden units; the observations and Q-values of a vector of samples stay in
registers. The backward pass loops over the samples; the gradients of one hidden unit's weights stay in
registers. The numbers of inputs and outputs are constants of the compiled code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from dqn_exp.agent.fused.compilation import tile
from dqn_exp.agent.fused.simd import INDEX, Emitter

MAX_INPUTS_AND_OUTPUTS = 6  # 64 bytes of each take 12 registers of AVX2's 16


def is_shallow(sizes: Sequence[int], is_tanh: bool) -> bool:
    """Whether this module can compute a network with layers of these sizes, from inputs to outputs."""
    return len(sizes) == 3 and not is_tanh and sizes[0] + sizes[2] <= MAX_INPUTS_AND_OUTPUTS


@tile
def shallow_forward(typing_context, n_in, n_out, keeps_hidden, n_hidden, parameters, rows, stride, samples):  # type: ignore[no-untyped-def]
    """Fill the rows of the Q-values from the inputs; with `keeps_hidden` also those of the hidden units."""
    inputs, outputs, index = range(n_in.literal_value), range(n_out.literal_value), types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        n_hidden, _, _, stride, samples = args[3:]
        emit = Emitter(context, builder, parameters.dtype, width=2)
        weights, data = emit.data(parameters, args[4]), emit.data(rows, args[5])
        place = Places(emit, n_hidden, len(inputs), len(outputs), stride)
        lanes = ir.Constant(INDEX, emit.lanes)
        biases = [emit.broadcast_at(weights, place.output_bias(a)) for a in outputs]
        with cgutils.for_range(builder, builder.udiv(samples, lanes)) as loop:
            at = builder.mul(loop.index, lanes)
            x = [emit.load(data, builder.add(place.input_row(i), at)) for i in inputs]

            def add(unit: Any, q: list[Any]) -> list[Any]:
                z = emit.broadcast_at(weights, place.bias(unit))
                for i in inputs:
                    z = emit.multiply_add(emit.broadcast_at(weights, place.weight(unit, i)), x[i], z)
                z = emit.maximum(emit.zero, z)
                if keeps_hidden.literal_value:
                    emit.store(z, data, builder.add(place.hidden_row(unit), at))
                out = [emit.broadcast_at(weights, place.output_weight(a, unit)) for a in outputs]
                return [emit.multiply_add(out[a], z, q[a]) for a in outputs]

            for a, q in enumerate(emit.accumulate(biases, n_hidden, add)):
                emit.store(q, data, builder.add(place.output_row(a), at))
        return context.get_dummy_value()

    return types.void(n_in, n_out, keeps_hidden, index, parameters, rows, index, index), codegen


@tile
def shallow_backward(typing_context, n_in, n_out, n_hidden, parameters, rows, stride, samples, gradient):  # type: ignore[no-untyped-def]
    """Add the gradient of all parameters to `gradient`; the rows of the Q-values hold the loss's gradient."""
    inputs, outputs, index = range(n_in.literal_value), range(n_out.literal_value), types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        n_hidden, _, _, stride, samples, _ = args[2:]
        emit = Emitter(context, builder, parameters.dtype)
        weights, data, target = (
            emit.data(parameters, args[3]),
            emit.data(rows, args[4]),
            emit.data(gradient, args[7]),
        )
        place = Places(emit, n_hidden, len(inputs), len(outputs), stride)
        width = ir.Constant(INDEX, emit.lanes)
        steps = builder.udiv(samples, width)

        def add_up(step: Any, sums: list[Any]) -> list[Any]:
            at = builder.mul(step, width)
            dq = [emit.load(data, builder.add(place.output_row(a), at)) for a in outputs]
            return [emit.total(list(pair)) for pair in zip(sums, dq, strict=True)]

        for a, total in enumerate(emit.accumulate([emit.zero for _ in outputs], steps, add_up)):
            emit.add_to(target, place.output_bias(a), emit.lane_sums([total]))
        with cgutils.for_range(builder, n_hidden) as loop:
            unit = loop.index
            out = [emit.broadcast_at(weights, place.output_weight(a, unit)) for a in outputs]

            def add(step: Any, sums: list[Any]) -> list[Any]:
                at = builder.mul(step, width)
                dq = [emit.load(data, builder.add(place.output_row(a), at)) for a in outputs]
                z = emit.load(data, builder.add(place.hidden_row(unit), at))
                slope = emit.zero
                for a in outputs:
                    slope = emit.multiply_add(out[a], dq[a], slope)
                slope = emit.relu_slope(z, slope)
                x = [emit.load(data, builder.add(place.input_row(i), at)) for i in inputs]
                of_inputs = [emit.multiply_add(slope, x[i], sums[i]) for i in inputs]
                of_outputs = [emit.multiply_add(dq[a], z, sums[len(inputs) + 1 + a]) for a in outputs]
                return [*of_inputs, emit.total([sums[len(inputs)], slope]), *of_outputs]

            n_sums = len(inputs) + 1 + len(outputs)
            sums = emit.accumulate([emit.zero] * n_sums, steps, add)
            places = [
                *(place.weight(unit, i) for i in inputs),
                place.bias(unit),
                *(place.output_weight(a, unit) for a in outputs),
            ]
            for first, count in groups(len(inputs), n_sums):
                emit.add_to(target, places[first], emit.lane_sums(sums[first : first + count]))
        return context.get_dummy_value()

    return types.void(n_in, n_out, index, parameters, rows, index, index, gradient), codegen


def groups(n_neighbours: int, n_sums: int) -> list[tuple[int, int]]:
    """Group sums that are stored together, as (first, count).

    The first `n_neighbours` sums go to adjacent places and are stored in groups of four, then of two. All
    other sums are stored one by one.
    """
    result, first = [], 0
    for count in (4, 2, 1):
        while first + count <= (n_neighbours if count > 1 else n_sums):
            result.append((first, count))
            first += count
    return result


class Places:
    """Positions of the parameters and of the rows of activations in a network with one hidden layer."""

    def __init__(self, emit: Emitter, n_hidden: Any, n_in: int, n_out: int, stride: Any) -> None:
        self._emit, self._n_hidden, self._n_in, self._n_out, self._stride = (
            emit,
            n_hidden,
            n_in,
            n_out,
            stride,
        )

    def weight(self, unit: Any, i: int) -> Any:
        return self._emit.at(ir.Constant(INDEX, i), unit, self._n_in)

    def bias(self, unit: Any) -> Any:
        return self._emit.at(unit, self._n_in, self._n_hidden)

    def output_weight(self, a: int, unit: Any) -> Any:
        return self._emit.at(unit, self._n_in + 1 + a, self._n_hidden)

    def output_bias(self, a: int) -> Any:
        return self._emit.at(ir.Constant(INDEX, a), self._n_in + 1 + self._n_out, self._n_hidden)

    def input_row(self, i: int) -> Any:
        return self._emit.builder.mul(ir.Constant(INDEX, 1 + i), self._stride)

    def hidden_row(self, unit: Any) -> Any:
        row = self._emit.builder.add(unit, ir.Constant(INDEX, 1 + self._n_in))
        return self._emit.builder.mul(row, self._stride)

    def output_row(self, a: int) -> Any:
        row = self._emit.builder.add(self._n_hidden, ir.Constant(INDEX, 1 + self._n_in + a))
        return self._emit.builder.mul(row, self._stride)
