"""The help lists exactly the options and parts that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from analysis.__main__ import COMMANDS
from dqn_exp.cli.help import BEGINNING, END, REMARKS, config_groups, help_text
from dqn_exp.config import CONF

ROOT = Path(__file__).parents[2]
FIXED_TEXT = BEGINNING + END + " ".join(REMARKS.values())
KEYS = sorted(set(re.findall(r"(?<![\w/])([a-z_]+(?:\.[a-z_]+)*)=", FIXED_TEXT)) - {"group", "key"})


@pytest.fixture(scope="module")
def composed() -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["target=soft", "network/head=c51"], return_hydra_config=True)


def test_every_group_and_option_is_a_file_and_every_file_is_named() -> None:
    groups = config_groups()
    folders = {path: path.parent.relative_to(ROOT / "conf") for path in (ROOT / "conf").glob("*/**/*.yaml")}
    folders |= {path: Path("sweeps") for path in (ROOT / "sweeps").glob("*.yaml")}
    files = {(".".join(f.parts), path.stem) for path, f in folders.items() if f.parts[0] != "hydra"}
    assert {(group, option) for group, options in groups.items() for option in options} == files
    words = set(help_text().split())
    assert all({group, *options} <= words for group, options in groups.items())


def test_options_of_the_working_directory_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, name in (("conf/env", "mine"), ("conf/novel", "other"), ("sweeps", "question")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / f"{name}.yaml").touch()
    monkeypatch.chdir(tmp_path)
    groups = config_groups()
    assert "mine" in groups["env"]
    assert "cartpole" in groups["env"]
    assert groups["novel"] == ["other"]
    assert "question" in groups["sweeps"]


def test_every_remark_is_about_a_group() -> None:
    assert set(REMARKS) <= set(config_groups())


@pytest.mark.parametrize("key", KEYS)
def test_every_key_exists(key: str, composed: DictConfig) -> None:
    absent = object()
    assert key in config_groups() or OmegaConf.select(composed, key, default=absent) is not absent


@pytest.mark.parametrize(
    "name", re.findall(r"^  (\w+)  +(?!.*python)", BEGINNING.split("Short axis")[1], re.M)
)
def test_every_short_name_exists(name: str, composed: DictConfig) -> None:
    assert name in composed


def test_every_command_of_analysis_is_named_and_exists() -> None:
    named = re.findall(r"python -m analysis (\w+)", END)
    assert sorted(named) == sorted(COMMANDS)
