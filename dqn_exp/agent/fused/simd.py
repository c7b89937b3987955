"""Tiles: the inner loops of a dense layer, as numba intrinsics that write vector instructions.

A flat array holds a matrix of activations as one row of samples per unit: element (unit, sample) is at
`start + unit * stride + sample`. A vector holds neighbouring samples of one unit, as many as fit in 32
bytes or in a multiple of that. A tile computes the sums of a few units for a vector of samples. The sums
stay in registers while the tile runs over all terms, so nearly every instruction multiplies and adds. LLVM
translates the vectors to the machine's instructions (AVX-512, AVX, SSE, NEON). If lanes are never added to
each other, the length of a vector does not change the results.

docs/simd.md explains this with an example and shows how to test and measure a tile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from dqn_exp.agent.fused.compilation import FAST, tile

VECTOR_BYTES = 32
INDEX = ir.IntType(64)


class Emitter:
    """Writes vector instructions for elements of one floating-point type."""

    def __init__(self, context: Any, builder: Any, dtype: types.Float, width: int = 1) -> None:
        """A vector has `width` times 32 bytes."""
        self._context, self.builder = context, builder
        self._item_bytes = dtype.bitwidth // 8
        self.lanes = width * VECTOR_BYTES // self._item_bytes
        self.vector = ir.VectorType(context.get_value_type(dtype), self.lanes)
        self.zero = ir.Constant(self.vector, None)
        self._fmuladd = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(self.vector, [self.vector] * 3),
            f"llvm.fmuladd.v{self.lanes}f{dtype.bitwidth}",
        )

    def at(self, start: Any, index: int | Any, step: int | Any = 1) -> Any:
        """The position start + index * step."""
        index, step = (ir.Constant(INDEX, v) if isinstance(v, int) else v for v in (index, step))
        return self.builder.add(start, self.builder.mul(index, step))

    def data(self, array_type: types.Array, array: Any) -> Any:
        return self._context.make_array(array_type)(self._context, self.builder, array).data

    def load(self, data: Any, at: Any, kind: Any = None) -> Any:
        """The vector that begins at position `at`. `kind` is its type if its length is not the usual one."""
        pointer = self.builder.gep(data, [at])
        value = self.builder.load(self.builder.bitcast(pointer, (kind or self.vector).as_pointer()))
        value.align = self._item_bytes
        return value

    def store(self, value: Any, data: Any, at: Any) -> None:
        pointer = self.builder.bitcast(self.builder.gep(data, [at]), value.type.as_pointer())
        self.builder.store(value, pointer).align = self._item_bytes

    def add_to(self, data: Any, at: Any, value: Any) -> None:
        self.store(self.total([self.load(data, at, value.type), value]), data, at)

    def broadcast(self, scalar: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        return self._shuffle(first, undefined, [0] * self.lanes)

    def broadcast_at(self, data: Any, at: Any) -> Any:
        return self.broadcast(self.builder.load(self.builder.gep(data, [at])))

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c"""
        return self.builder.call(self._fmuladd, [a, b, c])

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of a and b; b if either is NaN."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, b), a, b)

    def relu_slope(self, z: Any, value: Any) -> Any:
        return self.builder.select(self.builder.fcmp_ordered(">", z, self.zero), value, self.zero)

    def tanh_slope(self, z: Any, value: Any) -> Any:
        """value * (1 - z^2)"""
        return self.multiply_add(self.builder.fneg(self.builder.fmul(value, z)), z, value)

    def transpose(self, vectors: list[Any]) -> list[Any]:
        """Transpose a square of as many vectors as lanes: result i holds lane i of each vector."""
        lanes = range(self.lanes)
        size = self.lanes // 2
        while size > 0:  # swap the blocks of this size that face each other across the diagonal
            upper = [j if not j & size else j - size + self.lanes for j in lanes]
            lower = [j + size if not j & size else j + self.lanes for j in lanes]
            for i in (i for i in lanes if not i & size):
                a, b = vectors[i], vectors[i + size]
                vectors[i], vectors[i + size] = self._shuffle(a, b, upper), self._shuffle(a, b, lower)
            size //= 2
        return vectors

    def total(self, vectors: list[Any]) -> Any:
        """The sum of the vectors."""
        total, *others = vectors
        for vector in others:
            total = self.builder.fadd(total, vector, flags=FAST)
        return total

    def lane_sums(self, vectors: list[Any]) -> Any:
        """Sum each vector over its lanes. Takes 1, 2 or 4 vectors; returns one vector of as many sums."""
        group = self.lanes
        while group > 1:
            if len(vectors) > 1:
                vectors = [self._fold(a, b, group) for a, b in zip(vectors[::2], vectors[1::2], strict=True)]
            else:
                vectors = [self._fold(vectors[0], None, group)]
            group //= 2
        return vectors[0]

    def _fold(self, a: Any, b: Any, group: int) -> Any:
        """Halve the lanes of a and of b: in each group of lanes add the second half to the first.

        Returns the result of a, followed by that of b.
        """
        count = a.type.count * (1 if b is None else 2)
        b = a if b is None else b
        first = [lane for lane in range(count) if lane % group < group // 2]
        second = [lane + group // 2 for lane in first]
        return self.total([self._shuffle(a, b, first), self._shuffle(a, b, second)])

    def _shuffle(self, a: Any, b: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return self.builder.shuffle_vector(a, b, mask)

    def accumulate(
        self, initial: list[Any], count: Any, add: Callable[[Any, list[Any]], list[Any]]
    ) -> list[Any]:
        """Write a loop of `count` rounds, each of which replaces the sums by `add(index, sums)`."""
        slots = [cgutils.alloca_once_value(self.builder, value) for value in initial]
        with cgutils.for_range(self.builder, count) as loop:
            sums = add(loop.index, [self.builder.load(slot) for slot in slots])
            for slot, value in zip(slots, sums, strict=True):
                self.builder.store(value, slot)
        return [self.builder.load(slot) for slot in slots]

    def weighted_rows(
        self,
        initial: list[Any],
        count: Any,
        weight: Callable[[int, Any], Any],
        source: Callable[[Any], Any],
    ) -> list[Any]:
        """initial[row] + sum over terms of weight(row, term) * source(term), for each row."""

        def add(term: Any, sums: list[Any]) -> list[Any]:
            column = source(term)
            return [self.multiply_add(weight(row, term), column, total) for row, total in enumerate(sums)]

        return self.accumulate(initial, count, add)


@tile
def forward_tile(
    typing_context, n_rows, width, parameters, at, row, n_in, n_out, rows, below, above, stride, floor
):  # type: ignore[no-untyped-def]
    """above[row + i] = max(floor, b[row + i] + sum over j of W[row + i, j] * below[j]) for i < n_rows.

    The layer's W [n_out, n_in] begins at `at` in `parameters`, and b follows it. Here and in the tiles below,
    a vector of samples has `width` times 32 bytes.
    """
    heights, index = range(n_rows.literal_value), types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, row, n_in, n_out, _, below, above, stride, floor = args[3:]
        emit = Emitter(context, builder, parameters.dtype, width.literal_value)
        weights, data = emit.data(parameters, args[2]), emit.data(rows, args[7])
        first, target = emit.at(at, row, n_in), emit.at(above, row, stride)
        bias = emit.at(builder.add(at, row), n_out, n_in)
        sums = emit.weighted_rows(
            [emit.broadcast_at(weights, emit.at(bias, i)) for i in heights],
            n_in,
            lambda i, term: emit.broadcast_at(weights, emit.at(emit.at(first, i, n_in), term)),
            lambda term: emit.load(data, emit.at(below, term, stride)),
        )
        lower = emit.broadcast(floor)
        for i in heights:
            emit.store(emit.maximum(lower, sums[i]), data, emit.at(target, i, stride))
        return context.get_dummy_value()

    layer = (index, index, index, index, rows, index, index, index, parameters.dtype)
    return types.void(n_rows, width, parameters, *layer), codegen


@tile
def backward_tile(
    typing_context, n_rows, width, is_tanh, parameters, at, row, n_in, rows, below, above, stride, n_out
):  # type: ignore[no-untyped-def]
    """below[row + i] = slope(below[row + i]) * sum over j of W[j, row + i] * above[j] for i < n_rows.

    The slope is computed from the activation z: 1 - z^2 for tanh; for ReLU 1 if z > 0, otherwise 0.
    """
    heights, index = range(n_rows.literal_value), types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, row, n_in, _, below, above, stride, n_out = args[4:]
        emit = Emitter(context, builder, parameters.dtype, width.literal_value)
        weights, data = emit.data(parameters, args[3]), emit.data(rows, args[7])
        slope = emit.tanh_slope if is_tanh.literal_value else emit.relu_slope
        first, target = builder.add(at, row), emit.at(below, row, stride)
        sums = emit.weighted_rows(
            [emit.zero] * len(heights),
            n_out,
            lambda i, term: emit.broadcast_at(weights, emit.at(emit.at(first, i), term, n_in)),
            lambda term: emit.load(data, emit.at(above, term, stride)),
        )
        for i in heights:
            position = emit.at(target, i, stride)
            emit.store(slope(emit.load(data, position), sums[i]), data, position)
        return context.get_dummy_value()

    layer = (index, index, index, rows, index, index, index, index)
    return types.void(n_rows, width, is_tanh, parameters, *layer), codegen


@tile
def gradient_tile(
    typing_context, n_rows, n_columns, unroll, gradient, at, row_step, rows, left, right, stride, samples
):  # type: ignore[no-untyped-def]
    """gradient[at + i * row_step + j] += sum over samples of left[i] * right[j], i < n_rows, j < n_columns.

    `unroll` vectors of samples are summed separately, so that no addition waits for the previous one.
    """
    heights, columns, parts = (range(n.literal_value) for n in (n_rows, n_columns, unroll))
    index = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, row_step, _, left, right, stride, samples = args[4:]
        emit = Emitter(context, builder, gradient.dtype)
        out, data = emit.data(gradient, args[3]), emit.data(rows, args[6])
        width = ir.Constant(INDEX, len(parts) * emit.lanes)

        def add(step: Any, sums: list[Any]) -> list[Any]:
            result = []
            for part in parts:
                sample = emit.at(builder.mul(step, width), part, emit.lanes)
                lefts = [emit.load(data, emit.at(builder.add(left, sample), i, stride)) for i in heights]
                rights = [emit.load(data, emit.at(builder.add(right, sample), j, stride)) for j in columns]
                products = [(a, b) for a in lefts for b in rights]
                totals = sums[part * len(products) : (part + 1) * len(products)]
                result += [emit.multiply_add(*p, total) for p, total in zip(products, totals, strict=True)]
            return result

        n_sums = len(heights) * len(columns)
        initial = [emit.zero] * (n_sums * len(parts))
        sums = emit.accumulate(initial, builder.udiv(samples, width), add)
        sums = [emit.total(sums[k::n_sums]) for k in range(n_sums)]
        for i in heights:
            totals = emit.lane_sums(sums[i * len(columns) : (i + 1) * len(columns)])
            emit.add_to(out, emit.at(at, i, row_step), totals)
        return context.get_dummy_value()

    places = (gradient, index, index, rows, index, index, index, index)
    return types.void(n_rows, n_columns, unroll, *places), codegen


@tile
def copy_tile(typing_context, n_elements, source, at, target, position):  # type: ignore[no-untyped-def]
    """target[position + i] = source[at + i] for i < n_elements, a multiple of the lanes."""
    count, index = n_elements.literal_value, types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, source.dtype)
        data, out = emit.data(source, args[1]), emit.data(target, args[3])
        for v in range(count // emit.lanes):
            emit.store(emit.load(data, emit.at(args[2], v, emit.lanes)), out, emit.at(args[4], v, emit.lanes))
        return context.get_dummy_value()

    return types.void(n_elements, source, index, target, index), codegen


@tile
def transpose_tile(typing_context, source, at, stride, target, position, step):  # type: ignore[no-untyped-def]
    """target[position + i * step + j] = source[at + j * stride + i] for a square of one vector each way."""
    index = types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(context, builder, source.dtype)
        data, out = emit.data(source, args[0]), emit.data(target, args[3])
        _, at, stride, _, position, step = args
        vectors = emit.transpose([emit.load(data, emit.at(at, i, stride)) for i in range(emit.lanes)])
        for i, vector in enumerate(vectors):
            emit.store(vector, out, emit.at(position, i, step))
        return context.get_dummy_value()

    return types.void(source, index, index, target, index, index), codegen


@tile
def outer_tile(
    typing_context,
    n_rows,
    width,
    gradient,
    at,
    row_step,
    rows,
    left,
    stride,
    columns,
    right,
    step,
    samples,
):  # type: ignore[no-untyped-def]
    """gradient[at + i * row_step + j] += sum over samples s of left[i, s] * right[s, j].

    left[i, s] is rows[left + i * stride + s], right[s, j] is columns[right + s * step + j]. Because the units
    of `right` are adjacent, no sums over lanes are needed at the end.
    """
    heights, index = range(n_rows.literal_value), types.intp

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, row_step, _, left, stride, _, right, step, samples = args[2:]
        emit = Emitter(context, builder, gradient.dtype, width.literal_value)
        out, data, turned = (
            emit.data(gradient, args[2]),
            emit.data(rows, args[5]),
            emit.data(columns, args[8]),
        )
        sums = emit.weighted_rows(
            [emit.zero] * len(heights),
            samples,
            lambda i, sample: emit.broadcast_at(data, builder.add(emit.at(left, i, stride), sample)),
            lambda sample: emit.load(turned, emit.at(right, sample, step)),
        )
        for i in heights:
            emit.add_to(out, emit.at(at, i, row_step), sums[i])
        return context.get_dummy_value()

    places = (gradient, index, index, rows, index, index, columns, index, index, index)
    return types.void(n_rows, width, *places), codegen
