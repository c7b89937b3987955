"""Read and write counts with suffixes: 500, 17k, 1.5k, 1M, 2e4, 16Ki."""

from __future__ import annotations

import re
from fractions import Fraction

SUFFIXES = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
}
_SIZE = re.compile(r"([+-]?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)\s*(k|M|G|Ki|Mi|Gi|K|m)?", re.ASCII)


def parse_size(value: object) -> int:
    """The whole number that `value` means: "17k" is 17000, "16Ki" is 16384, 2e4 is 20000.

    Raises ValueError if it is not a whole number or not a size at all.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, str | float) else None
    if match is None:
        raise ValueError("not a size; write a whole number such as 500, 17k, 1M, 16Ki or 2e4")
    number, suffix = match.groups(default="")
    if suffix in ("K", "m"):
        raise ValueError("unknown suffix; allowed: k, M, G (thousands) or Ki, Mi, Gi (1024s)")
    size = Fraction(number.replace("_", "")) * SUFFIXES[suffix]
    if size.denominator != 1:
        raise ValueError("not a whole number")
    return int(size)


def format_size(count: int) -> str:
    """`count` with a suffix, if one divides it: 17000 is "17k", 16384 is "16Ki"."""
    for suffix in ("G", "M", "Gi", "Mi", "k", "Ki"):
        if count and count % SUFFIXES[suffix] == 0:
            return f"{count // SUFFIXES[suffix]}{suffix}"
    return str(count)


_CALL = re.compile(r"\b(interval|range)\(([^()]*)\)")


def plain_calls(override: str) -> str:
    """`override` with plain numbers for the sizes in Hydra's interval(...) and range(...).

    Hydra's grammar accepts only numbers there: interval(1k,100k) becomes interval(1000,100000).
    """
    return _CALL.sub(lambda call: f"{call[1]}({','.join(map(_plain, call[2].split(',')))})", override)


def _plain(argument: str) -> str:
    name, equals, value = argument.rpartition("=")
    try:
        suffixed = value.strip()[-1:].isalpha()
        return f"{name}{equals}{parse_size(value)}" if suffixed else argument
    except ValueError:
        return argument
