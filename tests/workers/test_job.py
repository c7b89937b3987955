"""Hydra's records of a trial."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from dqn_exp.workers.job import sections, to_yaml

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


def test_sections_are_written_as_the_whole() -> None:
    """Within another key too, where long lines are folded earlier; and again, when their text is known."""
    values = {"x": 1, "texts": LOOKALIKES, "empty": {}, "deep": {"long": "word " * 60, "two": "a\nb"}}
    for _ in range(2):
        assert sections(values) == OmegaConf.to_yaml(OmegaConf.create(values))
        assert sections(values, "hydra") == OmegaConf.to_yaml(OmegaConf.create({"hydra": values}))
    assert sections({"x": 1.0}) == "x: 1.0\n"


@pytest.mark.parametrize("text", [*LOOKALIKES, "\U0001f600", "two\nlines"])
def test_what_is_written_reads_back_as_it_was(text: str) -> None:
    values = {"x": 1, "text": text}
    assert OmegaConf.create(to_yaml(values)) == OmegaConf.create(values)
