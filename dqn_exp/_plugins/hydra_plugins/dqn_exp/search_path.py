"""Adds `sweeps/` and the user's own `conf/` and `sweeps/` to the search path of config groups."""

from __future__ import annotations

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin

from dqn_exp.borrowed import FolderSource
from dqn_exp.config import CONF, ROOT


class DqnExpSearchPath(SearchPathPlugin):
    """Adds, after `conf/`: the working directory's `conf/` and `sweeps/`, then our own `sweeps/`."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if not any(entry.path.removeprefix("file://") == str(CONF) for entry in search_path.get_path()):
            return  # another Hydra program in the same Python environment
        forget_official_sweeper()
        here = Path.cwd()
        if here / "conf" != CONF and (here / "conf").is_dir():
            search_path.append("working-directory", f"file://{here / 'conf'}")
        for folder in dict.fromkeys((here, ROOT)):
            if (folder / "sweeps").is_dir():
                search_path.append("sweeps", f"{SweepsSource.scheme()}://{folder}")


def forget_official_sweeper() -> None:
    """Remove the schemas of the official Optuna plugin, if it is installed, because ours have the same names.

    Otherwise Hydra would check our files against them and end with a message about migration.
    """
    sweepers = ConfigStore.instance().repo.get("hydra", {}).get("sweeper", {})
    for name in ("optuna.yaml", "sampler"):
        sweepers.pop(name, None)


class SweepsSource(FolderSource):
    """A folder in which only `sweeps` is a config group; everything else in it is ignored."""

    @staticmethod
    def scheme() -> str:
        return "sweeps-of"

    def is_group(self, config_path: str) -> bool:
        return self._is_ours(config_path) and super().is_group(config_path)

    def is_config(self, config_path: str) -> bool:
        return self._is_ours(config_path) and super().is_config(config_path)

    @staticmethod
    def _is_ours(config_path: str) -> bool:
        return config_path.split("/")[0] in ("", "sweeps")
