"""How the functions of this package are compiled, kept on disk and called."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import llvmlite.binding
import numba
from numba.extending import intrinsic

from dqn_exp.replay import Transitions

log = logging.getLogger(__name__)

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

    Numba names its files after the function, and renews them when the source of this one function
    changes. Two dangers follow. Processes that write variants under one name at the same time could
    mix them up, and a change in a function that this one calls would go unnoticed. So the name that
    numba sees holds the variant and a fingerprint of all sources and of the machine.
    """
    own = FunctionType(function.__code__, function.__globals__, closure=function.__closure__)
    own.__name__ = own.__qualname__ = f"{function.__name__}_{variant}_{fingerprint()}"
    try:
        cached: Function = numba.njit(**OPTIONS, cache=True)(own)
    except RuntimeError:  # there is no directory that numba may write to
        cached = numba.njit(**OPTIONS)(own)
    return cached


def prepare(function: Any, *examples: Any) -> Callable[..., Any]:
    """Load or compile `function` for arguments of the types of `examples`; returns the compiled function.

    The compiled function does not check the types of its arguments. That check takes longer than all
    the rest of a call with structures. Whoever calls must therefore pass exactly these types: an array
    of another type or layout is read as if it had the right one, without an error, and one with more
    axes overwrites memory.
    """
    signature = tuple(map(numba.typeof, examples))
    if signature not in function.overloads:
        stored = Path(function.stats.cache_path or "/nowhere").glob(f"*{function.__name__}*.nbi")
        if not any(stored):
            log.info("compiling %s: some seconds, once on this machine", function.__name__)
        function.compile(signature)
    direct: Callable[..., Any] = function.overloads[signature].entry_point
    return direct


@cache
def fingerprint() -> str:
    """Changes with the sources of this package, the fields of transitions, numba and the processor.

    A file of numba's refers to the class `Transitions` by its module, and says nothing about its fields.
    If the class moved, the file could not be loaded; if fields changed places, they would be mixed up.
    """
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    transitions = f"{Transitions.__module__} {Transitions._fields}"
    machine = f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()}"
    return hashlib.sha256(b"".join([*sources, transitions.encode(), machine.encode()])).hexdigest()[:8]
