"""Compile functions with numba, cache the results on disk, and call them from Python quickly."""

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

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def compile_cached(function: Function, variant: str, beside: str = "", **options: Any) -> Function:
    """Compile `function` and cache the result on disk, one file for each `variant`.

    `options` are passed to numba. `beside` names what the result depends on in addition to the source files
    in the function's folder.

    Numba names its cache files after the function and renews them only when the source of this one function
    changes. This has two dangers: processes that write two variants under one name at the same time could
    mix them up, and a change in a function that this one calls would go unnoticed. Therefore the name given
    to numba contains the variant and a fingerprint of all source files in the folder and of the machine.
    """
    folder = Path(function.__code__.co_filename).parent
    own = FunctionType(function.__code__, function.__globals__, closure=function.__closure__)
    own.__name__ = own.__qualname__ = f"{function.__name__}_{variant}_{fingerprint(folder, beside)}"
    try:
        cached: Function = numba.njit(**options, cache=True)(own)
    except RuntimeError:  # numba finds no directory that it may write to
        cached = numba.njit(**options)(own)
    return cached


def prepare(function: Any, *examples: Any) -> Callable[..., Any]:
    """Load or compile `function` for the argument types of `examples`; returns the compiled function.

    The compiled function does not check the types of its arguments, because for structures that check takes
    longer than the rest of the call. The caller must pass exactly these types. An array of another type or
    layout is read as if it had the right one, without an error; an array with more axes overwrites memory.
    """
    signature = tuple(map(numba.typeof, examples))
    if signature not in function.overloads:
        stored = Path(function.stats.cache_path or "/nowhere").glob(f"*{function.__name__}*.nbi")
        if not any(stored):
            log.info("compiling %s: takes some seconds, once on this machine", function.__name__)
        function.compile(signature)
    direct: Callable[..., Any] = function.overloads[signature].entry_point
    return direct


@cache
def fingerprint(folder: Path, beside: str) -> str:
    """8 hex digits that depend on the sources in `folder`, on `beside`, numba's version and the processor."""
    sources = [path.read_bytes() for path in sorted(folder.glob("*.py"))]
    machine = f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()}"
    return hashlib.sha256(b"".join([*sources, beside.encode(), machine.encode()])).hexdigest()[:8]
