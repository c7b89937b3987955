"""Private parts of Hydra: what `hydra.main` does internally and does not make available."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra._internal.callbacks import Callbacks
from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource as FolderSource
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from hydra.version import VersionBase, setbase
from omegaconf import DictConfig

TESTED = {"hydra-core": ["1.3.8"]}
VERSION_BASE = "1.3"
"""The version of Hydra whose behaviour our configuration is written for."""

__all__ = [
    "TESTED",
    "FolderSource",
    "arguments_parser",
    "compose_like_hydra_main",
    "error_of",
    "isolated_hydra",
    "override_dirname",
    "sweeper_of",
]  # fmt: skip


def arguments_parser() -> ArgumentParser:
    """The parser of Hydra's command line."""
    return get_args_parser()


def compose_like_hydra_main(arguments: Namespace, folder: Path) -> DictConfig:
    """The configuration that `hydra.main` composes for these arguments, with `folder` as config_path.

    `hydra.compose` does not support --config-path and --config-dir. Raises Hydra's errors.
    """
    search_path = create_config_search_path(arguments.config_path or str(folder))
    if arguments.config_dir is not None and isinstance(search_path, ConfigSearchPathImpl):
        own = Path(arguments.config_dir).absolute()
        search_path.prepend("command-line", f"file://{own}", SearchPathQuery(provider="schema"))
    hydra = Hydra.create_main_hydra2("trial", search_path)
    try:
        name = arguments.config_name or "config"
        composed = hydra.compose_config(name, arguments.overrides, RunMode.RUN, with_log_configuration=False)
        HydraConfig.instance().set_config(composed)
        return composed
    finally:
        GlobalHydra.instance().clear()


@contextmanager
def sweeper_of(
    overrides: Sequence[str], folder: Path, task: TaskFunction
) -> Iterator[tuple[Sweeper, list[str]]]:
    """The sweeper for a multirun of `overrides`, and its arguments; `folder` contains config.yaml.

    `hydra.main` makes the same sweeper, but does not return its result. Raises Hydra's errors.
    """
    hydra = Hydra.create_main_hydra2("trial", create_config_search_path(str(folder)))
    try:
        multirun_overrides = [*overrides, "hydra.mode=MULTIRUN"]
        config = hydra.compose_config(
            "config", multirun_overrides, RunMode.MULTIRUN, with_log_configuration=True
        )
        callbacks = Callbacks(config)
        callbacks.on_multirun_start(config=config, config_name="config")
        context = HydraContext(config_loader=hydra.config_loader, callbacks=callbacks)
        sweeper = Plugins.instance().instantiate_sweeper(
            hydra_context=context, task_function=task, config=config
        )
        yield sweeper, list(config.hydra.overrides.task)
        callbacks.on_multirun_end(config=config, config_name="config")
    finally:
        GlobalHydra.instance().clear()


@contextmanager
def isolated_hydra() -> Iterator[None]:
    """Set Hydra's global state for our configuration; restore that of a calling Hydra program afterwards."""
    others, their_config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    base: Any = VersionBase.instance()
    their_version = base.version_base
    GlobalHydra.instance().clear()
    setbase(VERSION_BASE)
    try:
        yield
    finally:
        GlobalHydra.instance().hydra, HydraConfig.instance().cfg = others, their_config
        base.version_base = their_version


def override_dirname(
    overrides: Sequence[Override], exclude_keys: Sequence[str], item_sep: str, kv_sep: str
) -> str:
    """The value of `hydra.job.override_dirname`: one name of all overrides except the excluded ones."""
    return get_overrides_dirname(list(overrides), list(exclude_keys), item_sep, kv_sep)


def error_of(result: JobReturn) -> BaseException:
    """The exception of a failed job; the public `return_value` would raise it again and write to stderr."""
    error: BaseException = result._return_value
    return error
