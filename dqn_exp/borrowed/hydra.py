"""From Hydra: what `hydra.main` does before it composes, and what it does not hand out afterwards."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.config_loader_impl import get_overrides_dirname
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource as FolderSource
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn
from hydra.types import RunMode
from omegaconf import DictConfig

TESTED = {"hydra-core": ["1.3.8"]}

__all__ = [
    "TESTED", "FolderSource", "arguments_parser", "compose_as_hydra_will", "error_of", "override_dirname",
]  # fmt: skip


def arguments_parser() -> ArgumentParser:
    """The parser of Hydra's command line."""
    return get_args_parser()


def compose_as_hydra_will(arguments: Namespace, folder: Path) -> DictConfig:
    """The configuration that `hydra.main` composes for these arguments, `folder` being its config_path.

    `hydra.compose` knows neither --config-path nor --config-dir. Raises Hydra's errors.
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


def override_dirname(
    overrides: Sequence[Override], exclude_keys: Sequence[str], item_sep: str, kv_sep: str
) -> str:
    """The value of `hydra.job.override_dirname`: all overrides but the excluded ones, in one name."""
    return get_overrides_dirname(list(overrides), list(exclude_keys), item_sep, kv_sep)


def error_of(result: JobReturn) -> BaseException:
    """What a failed job raised; the public `return_value` raises it anew and writes to stderr."""
    error: BaseException = result._return_value
    return error
