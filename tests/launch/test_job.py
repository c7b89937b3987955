"""Hydra's records of a trial."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from dqn_exp.launch.job import to_yaml

LOOKALIKES = [
    "1e-3",
    "yes",
    "null",
    "~",
    "0x1f",
    "1_000",
    "2001-01-01",
    "",
    " lead",
    "a: b",
    "tab\t",
    "${x}",
    "ünï",
]


def test_configurations_are_written_as_omegaconf_writes_them() -> None:
    values = {
        "x": 1,
        "texts": LOOKALIKES,
        "empty": {},
        "none": None,
        "inf": float("inf"),
        "long": "word " * 60,
    }
    assert to_yaml(values) == OmegaConf.to_yaml(OmegaConf.create(values))


@pytest.mark.parametrize("text", [*LOOKALIKES, "\U0001f600", "two\nlines"])
def test_what_is_written_reads_back_as_it_was(text: str) -> None:
    values = {"x": 1, "text": text}
    assert OmegaConf.create(to_yaml(values)) == OmegaConf.create(values)
