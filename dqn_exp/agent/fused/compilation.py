"""How the functions of this package are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.extending import intrinsic

from dqn_exp.compilation import kept
from dqn_exp.replay import Transitions

Function = TypeVar("Function", bound=Callable[..., Any])

FAST = ("contract", "nsz", "arcp", "reassoc")  # never nnan or ninf: divergence has to show
OPTIONS: dict[str, Any] = {"fastmath": set(FAST), "error_model": "numpy"}
UNWRAPPED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """Compile a function that only other compiled functions call, and put it into each of them.

    A call would reach one of two copies, optimised differently: in the process that compiles, that of this
    function alone, and later, from the disk, the caller's own. Sums would differ in their last digits.
    """
    inner: Function = numba.njit(**OPTIONS, **UNWRAPPED, forceinline=True)(function)
    return inner


def tile(emitter: Callable[..., Any]) -> Any:
    """Make an intrinsic: while numba compiles a caller, it lets `emitter` write instructions there.

    Arguments that are literal numbers in the caller reach `emitter` as constants.
    """
    return intrinsic(prefer_literal=True)(emitter)


def entry(function: Function, variant: str) -> Function:
    """Compile a function that Python calls, and keep the result on disk: one file for each variant.

    A file of numba's refers to the class `Transitions` by its module, and says nothing about its fields.
    If the class moved, the file could not be loaded; if fields changed places, they would be mixed up.
    """
    return kept(function, variant, f"{Transitions.__module__} {Transitions._fields}", **OPTIONS)
