"""Makes `sweeps/` and the user's own `conf/` and `sweeps/` config groups of this program."""

from __future__ import annotations

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from dqn_exp.paths import CONF, ROOT


class DqnExpSearchPath(SearchPathPlugin):
    """Adds, behind `conf/`: the working directory's `conf/`, the working directory, our own root."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        if not any(entry.path == f"file://{CONF}" for entry in search_path.get_path()):
            return  # another Hydra program in the same Python environment
        here = Path.cwd()
        for folder in (here / "conf", here):
            if folder != CONF and folder != ROOT and folder.is_dir():
                search_path.append("working-directory", f"file://{folder}")
        search_path.append("dqn_exp", f"file://{ROOT}")
