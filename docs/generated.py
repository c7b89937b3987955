"""Pages of the site that are made of the program itself: mkdocs calls `on_files` when it builds."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from omegaconf import OmegaConf

from analysis.__main__ import COMMANDS
from dqn_exp.cli.help import help_text
from dqn_exp.config.paths import CONF
from dqn_exp.config.reference import Key, keys

INTRODUCTION = """\
# Every key

A key is set by its dotted name, or by its short name where it has one: `replay.capacity=50k` and
`buffer=50k` say the same. Whole numbers may be written `17k`, `1M`, `16Ki` or `2e4`. Defaults are those
of the default trial, or of the option that has the key; a default that names another key takes its value.
"""
GROUPS = ("network.head", "replay", "optimizer", "exploration", "target")
"""Groups whose options have keys of their own."""
SWEEPS_AND_STUDIES = ("zip:", "objective:", "seeds:", "confirm:")
LAUNCHERS = ("parallel", "dask", "ray", "slurm")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those that are written by hand."""
    pages = {"reference/configuration.md": configuration(), "reference/commands.md": commands()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def configuration() -> str:
    """Every key of the configuration."""
    return "\n".join(_configuration())


def _configuration() -> Iterator[str]:
    yield INTRODUCTION
    sections: dict[str, list[Key]] = {}
    for key in keys(_defaults(), _options()):
        section, dot, _ = key.name.partition(".")
        sections.setdefault(section if dot else "The trial", []).append(key)
    for section, rows in sections.items():
        yield f"\n## {section}\n\n| key | meaning | allowed | default |\n|---|---|---|---|"
        yield from map(_row, rows)
    yield from _machinery()


def _row(key: Key) -> str:
    name = f"`{key.name}`" + (f", `{key.short}`" if key.short else "")
    where = f" (`{key.option}`)" if key.option else ""
    meaning = re.sub(r"\|([^|]+)\|", r"abs(\1)", key.meaning)  # a bar would end the table's cell
    value = re.sub(r"[$]{(.*)}", r"\1", key.default or "")
    default = f"`{value}`" if value else ""
    return f"| {name}{where} | {meaning} | {key.allowed} | {default} |"


def _machinery() -> Iterator[str]:
    yield "\n## Sweeps, studies and seeds\n"
    yield "What a sweep or a study does beside its trials, as `conf/config.yaml` has it:\n"
    blocks = (CONF / "config.yaml").read_text().split("\n\n")
    yield "```yaml"
    yield from (line for line in "\n".join(blocks).splitlines() if line.startswith(("dry_run:", "reuse:")))
    yield from (block for block in blocks if block.startswith(SWEEPS_AND_STUDIES))
    yield "```\n"
    yield "## Where trials run\n"
    for name in LAUNCHERS:
        yield f"`hydra/launcher={name}`: the keys of `hydra.launcher`.\n"
        yield f"```yaml\n{_without_target(f'hydra/launcher/{name}')}```\n"
    yield "## How a study searches\n"
    yield "`hydra/sweeper=optuna`: the keys of `hydra.sweeper`.\n"
    yield f"```yaml\n{_without_target('hydra/sweeper/optuna')}```\n"


def _without_target(name: str) -> str:
    text = (CONF / f"{name}.yaml").read_text()
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("_target_"))


def _defaults() -> dict[str, Any]:
    """The default trial, with the names of the keys that a value is taken from."""
    with initialize_config_dir(str(CONF), version_base=None):
        composed = OmegaConf.to_container(compose("config"), resolve=False)
    assert isinstance(composed, dict)
    return {str(key): value for key, value in composed.items()}


def _options() -> dict[str, dict[str, Any]]:
    found = {}
    for group in GROUPS:
        for path in CONF.joinpath(*group.split(".")).glob("*.yaml"):
            found[f"{group}={path.stem}"] = yaml.safe_load(path.read_text())
    return found


def commands() -> str:
    """What the two programs say of themselves."""
    return "\n".join(_commands())


def _commands() -> Iterator[str]:
    yield "# Every command\n"
    yield f"## python -m dqn_exp\n\n```text\n{help_text()}```\n"
    for name, command in COMMANDS.items():
        parser = argparse.ArgumentParser(
            f"python -m analysis {name}", description=command.description, formatter_class=_Wide
        )
        importlib.import_module(command.module).add_arguments(parser)
        yield f"## python -m analysis {name}\n\n```text\n{parser.format_help()}```\n"


class _Wide(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=100)
