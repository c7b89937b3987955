"""The error for bad input: it names the key, the value and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ConfigError(ValueError):
    """Bad input from the user, found before any training."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion such as " Did you mean 'buffer'?", or "" if no known word is similar."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a `name` that is not in `known`."""
    names = sorted(known)
    return ConfigError(f"{kind}: '{name}' is unknown.{did_you_mean(name, names)} Allowed: {', '.join(names)}")
