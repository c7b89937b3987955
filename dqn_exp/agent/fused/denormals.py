"""Numbers too small for the usual precision, which processors compute with up to a hundred times as slowly.

Units that stay silent leave them: their Adam moments shrink at every update until they are denormal
(below 1.2e-38 in float32) and stay there. Then they slow down every update, by half with wide layers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils

from dqn_exp.agent.fused.compilation import tile

FLUSH = 0x8040
"""Bits of the x86 control register MXCSR: results that are denormal become 0, and so do arguments."""
IS_X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


@tile
def flush_denormals(typing_context):  # type: ignore[no-untyped-def]
    """Let denormal numbers count as 0 from here on; returns the mode before, for `restore_denormals`.

    On processors other than x86 nothing changes.
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
    """Undo `flush_denormals`, which returned `mode`."""

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
