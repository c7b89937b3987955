"""Translates names of hyperparameters into ours, and reads values from the names of runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from analysis.records import Value

OURS = {
    "learning_rate": "lr",
    "buffer_size": "buffer",
    "batch_size": "batch",
    "train_freq": "train_every",
    "train_frequency": "train_every",
    "target_update_interval": "update_every",
    "target_network_frequency": "update_every",
    "learning_starts": "agent.learning_starts",
    "tau": "target.tau",
    "env": "env.id",
    "env_id": "env.id",
    "n_timesteps": "budget.env_steps",
    "total_timesteps": "budget.env_steps",
}
"""For other programs' names of hyperparameters, our name with the same meaning."""
PREFIXES = ("hp_config.", "config.", "config/")
"""Prefixes of the names of hyperparameters in tables."""
SEED = re.compile(r"(?:^|[^a-z])seed[=_-]?(\d+)(?![\d.])", re.IGNORECASE)
CLEANRL = re.compile(r"(?:^|/)(?P<env>[^/]+?)__(?P<exp_name>[^/]+?)__(?P<seed>\d+)__\d{9,}$")
"""CleanRL's name of a run: environment, experiment, seed, and the start time in seconds."""
PAIR = re.compile(r"([A-Za-z][\w.]*)=([^=,;/]+?)(?=[,;/]|[_ -]+[A-Za-z][\w.]*=|[_ -]+seed[_-]?\d|$)")
"""A hyperparameter and its value in the name of a run; pairs are also divided by _, - or a space."""


def renamed(values: Mapping[str, Any]) -> dict[str, Value]:
    """`values` by our names. Lists become text; null, nested values and NaN are left out."""
    by_our_name: dict[str, Value] = {}
    for name, value in values.items():
        bare = next((name.removeprefix(p) for p in PREFIXES if name.startswith(p)), name)
        plain = "-".join(map(str, value)) if isinstance(value, list | tuple) else value
        if isinstance(plain, str | int | float | bool) and plain == plain:
            by_our_name[OURS.get(bare, bare)] = plain
    return by_our_name


def read_value(text: str) -> Value:
    """The number, truth value or null that `text` stands for; otherwise the text."""
    words: dict[str, Value] = {
        "true": True,
        "false": False,
        "none": None,
        "null": None,
        "nan": None,
        "": None,
    }
    if text.strip().lower() in words:
        return words[text.strip().lower()]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def parse_run_name(name: str) -> tuple[dict[str, Value], int | None]:
    """Values and seed from the name of a run, such as "lr=0.001,seed=3", "dqn_seed3" or CleanRL's names."""
    values = renamed({key: read_value(text) for key, text in PAIR.findall(name)})
    values.pop("seed", None)
    cleanrl = CLEANRL.search(name)
    if cleanrl:
        values |= renamed({key: cleanrl[key] for key in ("env", "exp_name")})
        return values, int(cleanrl["seed"])
    seeds = SEED.findall(name)
    return values, int(seeds[-1]) if seeds else None


def folder_name(name: str, between: str = "/") -> str:
    """`name` as a folder in a sweep. It is not hidden, and never outside of the sweep.

    `between`: what stands between its parts: "/" for nested folders, "_" for a single one.
    """
    parts = (re.sub(r"[^\w.,=+-]", "_", part)[:100] for part in name.split("/"))
    return between.join(re.sub(r"^\.", "_", part) for part in parts if part) or "run"


def as_seed(value: object) -> int | None:
    """`value` as a seed; None if it is not a seed."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
