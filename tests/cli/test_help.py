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
from dqn_exp.config.reference import keys
from dqn_exp.config.schema import Config
from dqn_exp.launch.dry_run import list_seeds

ROOT = Path(__file__).parents[2]
FIXED_TEXT = BEGINNING + END + " ".join(REMARKS.values())
KEYS = sorted(set(re.findall(r"(?<![\w/])([a-z_]+(?:\.[a-z_]+)*)=", FIXED_TEXT)) - {"group", "key"})

CHOICES = [
    (key, set(values.split("|"))) for key, values in re.findall(r"([\w./]+)=(\w+(?:\|\w+)+)", FIXED_TEXT)
]
"""Each key of which the help lists all values, with those."""


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


@pytest.mark.parametrize(("key", "values"), CHOICES)
def test_the_listed_values_of_a_key_are_all_that_are_allowed(key: str, values: set[str]) -> None:
    files = {path.stem for path in (CONF / key).glob("*.yaml")}
    allowed = {known.name: set(known.allowed.split(", ")) for known in keys({}, {})}
    assert values == (files or allowed[key])


def test_values_are_listed() -> None:
    listed = {"agent.loss", "learner", "device", "checkpoint.keep_best", "hydra/launcher"}
    assert {key for key, _ in CHOICES} == listed


def test_all_trackers_are_named(composed: DictConfig) -> None:
    (listed,) = re.findall(r"track=\[(.*?)\]", END)
    assert listed.split(",") == list(composed.tracking)
    assert str(Config.model_fields["track"].description).endswith(
        f": {', '.join(composed.tracking)}, or your own"
    )


def test_the_seeds_of_a_sweep_are_those_of_the_configuration(composed: DictConfig) -> None:
    seeds = range(int(re.findall(r"^range\((\d+)\)$", composed.hydra.sweeper.params.seed)[0]))
    assert f"3 values x {len(seeds)} seeds" in BEGINNING
    assert f"by default a sweep runs seeds {list_seeds(seeds)} of every configuration" in BEGINNING
    assert str(Config.model_fields["seed"].description).endswith(f"a sweep runs {seeds[0]} to {seeds[-1]}")
    assert f"3 buffer sizes x {len(seeds)} seeds" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    "name", re.findall(r"^  (\w+)  +(?!.*python)", BEGINNING.split("Short axis")[1], re.M)
)
def test_every_short_name_exists(name: str, composed: DictConfig) -> None:
    assert name in composed


def test_every_command_of_analysis_is_named_and_exists() -> None:
    named = re.findall(r"python -m analysis (\w+)", END)
    assert sorted(named) == sorted(COMMANDS)
