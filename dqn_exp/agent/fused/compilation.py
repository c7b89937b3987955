"""Compile the functions of this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.extending import intrinsic

from dqn_exp.compilation import compile_cached
from dqn_exp.replay import Transitions

Function = TypeVar("Function", bound=Callable[..., Any])

FAST = ("contract", "nsz", "arcp", "reassoc")  # not nnan or ninf, which would hide a divergence
OPTIONS: dict[str, Any] = {"fastmath": set(FAST), "error_model": "numpy"}
UNWRAPPED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """Compile a function that only other compiled functions call; it is inlined into each of them.

    Without inlining, a call would use one of two differently optimised copies: in the process that compiles,
    the copy of this function alone; in later processes, the copy that the caller's file on disk contains.
    Sums would differ in their last digits.
    """
    inner: Function = numba.njit(**OPTIONS, **UNWRAPPED, forceinline=True)(function)
    return inner


def tile(emitter: Callable[..., Any]) -> Any:
    """Make a numba intrinsic: while numba compiles a caller, `emitter` writes instructions into it.

    Arguments that are literal numbers in the caller are passed to `emitter` as constants.
    """
    return intrinsic(prefer_literal=True)(emitter)


def entry(function: Function, variant: str) -> Function:
    """Compile a function that Python calls, and cache the result on disk: one file for each variant.

    A cache file refers to the class `Transitions` by its module and says nothing about its fields. If the
    class moved, the file could not be loaded; if fields changed places, they would be mixed up. The
    fingerprint in the file's name therefore depends on the module and the fields.
    """
    return compile_cached(function, variant, f"{Transitions.__module__} {Transitions._fields}", **OPTIONS)
