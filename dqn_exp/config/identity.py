"""What makes two trials the same: the values that training depends on, and their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

NOT_OF_THE_TRIAL = {"report", "checkpoint", "metrics", "video", "observers", "returns", "track", "tracking"}
"""Keys that do not influence training: they say what is recorded, reported or known."""

LATER = {
    "budget": ("seconds",),
    "env": ("game", "images", "normalise", "parallel", "truncation"),
    "agent": ("max_abs_reward", "munchausen"),
    "network": ("convolutions", "head", "layer_norm", "dueling", "noisy", "noisy_sigma"),
}
"""Keys that earlier versions did not have. With their default values they do not change the hash."""


def content(config: BaseModel) -> dict[str, Any]:
    """Plain nested values of all keys of a `Config` that influence the trial."""
    left_out: dict[str, Any] = dict.fromkeys(NOT_OF_THE_TRIAL, True)
    for section, keys in LATER.items():
        part = getattr(config, section)
        fields = type(part).model_fields
        left_out[section] = {key for key in keys if getattr(part, key) == fields[key].default}
    return config.model_dump(exclude=left_out)


def digest(values: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits for plain nested values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
