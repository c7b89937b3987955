"""Treat denormal numbers as 0: processors compute with them up to a hundred times as slowly.

Denormal numbers are below 1.2e-38 in float32. The Adam moments of units that stay inactive shrink at every
update until they are denormal, and stay so. They then slow down every update, by half with wide layers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils

from dqn_exp.agent.fused.compilation import tile

FLUSH = 0x8040
"""Bits of the x86 control register MXCSR that turn denormal results and arguments into 0."""
IS_X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


@tile
def flush_denormals(typing_context):  # type: ignore[no-untyped-def]
    """Treat denormal numbers as 0 from now on; returns the previous mode, for `restore_denormals`.

    Does nothing on processors other than x86.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = cgutils.alloca_once(builder, ir.IntType(32), name="mxcsr")
        if not IS_X86:
            return context.get_constant(types.uint32, 0)
        _call(builder, "stmxcsr", place)
        before = builder.load(place)
        builder.store(builder.or_(before, ir.Constant(ir.IntType(32), FLUSH)), place)
        _call(builder, "ldmxcsr", place)
        return before

    return types.uint32(), codegen


@tile
def restore_denormals(typing_context, mode):  # type: ignore[no-untyped-def]
    """Undo `flush_denormals`; `mode` is what it returned."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if IS_X86:
            place = cgutils.alloca_once_value(builder, args[0])
            _call(builder, "ldmxcsr", place)
        return context.get_dummy_value()

    return types.void(types.uint32), codegen


def _call(builder: Any, instruction: str, place: Any) -> None:
    bytes_at = ir.IntType(8).as_pointer()
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [bytes_at]), f"llvm.x86.sse.{instruction}"
    )
    builder.call(function, [builder.bitcast(place, bytes_at)])
