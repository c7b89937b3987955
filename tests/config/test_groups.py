"""Dotted keys that name config groups, and those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqn_exp.config.groups import dotted, group_key, grouped


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("network.head=c51,qr", "network/head=c51,qr"),
        ("+network.head=c51", "+network/head=c51"),
        ("hydra.sweeper=optuna", "hydra/sweeper=optuna"),
        ("network.head={name:qr}", "network.head={name:qr}"),
        ("network.head.atoms=7", "network.head.atoms=7"),
        ("network.hidden=[64,64]", "network.hidden=[64,64]"),
        ("network/head=c51", "network/head=c51"),
        ("network=mlp", "network=mlp"),
        ("lr=1e-3", "lr=1e-3"),
        ("-m", "-m"),
    ],
)
def test_a_dotted_key_that_names_a_group_is_that_group(typed: str, read: str) -> None:
    assert grouped(typed) == read


def test_groups_of_the_working_directory_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf" / "agent" / "memory").mkdir(parents=True)
    assert group_key("agent.memory") == "agent.memory"
    monkeypatch.chdir(tmp_path)
    assert group_key("agent.memory") == "agent/memory"


def test_groups_are_shown_as_they_are_typed() -> None:
    assert dotted("network/head=a/b") == "network.head=a/b"
    assert dotted("hydra/sweeper=optuna") == "hydra/sweeper=optuna"
