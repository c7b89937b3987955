"""How functions are compiled, and how what is compiled finds its way to the disk and back."""

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
    """For functions that are called by other compiled ones only."""
    inner: Function = numba.njit(**OPTIONS, **UNWRAPPED)(function)
    return inner


def tile(emitter: Callable[..., Any]) -> Any:
    """For functions that emit their instructions themselves; arguments of theirs may be constants."""
    return intrinsic(prefer_literal=True)(emitter)


def entry(function: Function, variant: str) -> Function:
    """For functions that Python calls; kept on disk, in a file of its own for each variant.

    Numba names its files after the function and looks at this function's source alone. Several
    processes that write variants of one name at once could mix them up, and changes in the
    functions called would go unnoticed: so variant, machine and all sources are in the name.
    """
    own = FunctionType(function.__code__, function.__globals__, closure=function.__closure__)
    own.__name__ = own.__qualname__ = f"{function.__name__}_{variant}_{fingerprint()}"
    try:
        cached: Function = numba.njit(**OPTIONS, cache=True)(own)
    except RuntimeError:  # there is no directory that numba may write to
        cached = numba.njit(**OPTIONS)(own)
    return cached


def prepare(function: Any, *examples: Any) -> Callable[..., Any]:
    """`function` for arguments of exactly the types of `examples`, loaded or compiled if that is still to do.

    What is returned does not look at its arguments' types, which spares a third of a call's cost. The
    caller vouches for them: an array of another type or layout would be read as if it had the right one.
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

    Numba's files name the class of transitions by its module, and forget the order of its fields.
    """
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    transitions = f"{Transitions.__module__} {Transitions._fields}"
    machine = f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()}"
    return hashlib.sha256(b"".join([*sources, transitions.encode(), machine.encode()])).hexdigest()[:8]
