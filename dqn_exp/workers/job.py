"""Run one trial as a Hydra job: its directory, `.hydra/`, logging, environment and callbacks.

`hydra.core.utils.run_job` does the same, but makes five deep copies of the whole configuration. These cost
more time than everything else around a trial's training.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from contextlib import chdir, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, env_override
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict, read_write

from dqn_exp.borrowed import plain, represent_string
from dqn_exp.runs import remove_leftovers, write_atomic


def run_job(context: HydraContext, task: Callable[[DictConfig], Any], config: DictConfig) -> JobReturn:
    """Call `task` with the composed `config`; the returned object holds its value or its error."""
    HydraConfig.instance().cfg = config  # type: ignore[assignment] # what ${hydra:...} refers to
    hydra = config.hydra
    directory = Path(os.path.abspath(hydra.sweep.dir), str(hydra.sweep.subdir))
    with read_write(hydra.runtime), open_dict(hydra.runtime):
        hydra.runtime.output_dir = str(directory)
    directory.mkdir(parents=True, exist_ok=True)
    configure_log(hydra.job_logging, hydra.verbose)
    if hydra.output_subdir is not None:
        write_hydra_directory(config, directory / hydra.output_subdir)
    result = JobReturn(overrides=list(hydra.overrides.task), task_name=hydra.job.name)
    with chdir(directory) if hydra.job.chdir else nullcontext(), env_override(hydra.job.env_set):
        result.working_dir = os.getcwd()
        context.callbacks.on_job_start(config=config, task_function=task)
        try:
            result.return_value = task(config)
            result.status = JobStatus.COMPLETED
        except Exception as error:
            result.return_value = error
            result.status = JobStatus.FAILED
        context.callbacks.on_job_end(config=config, job_return=result)
    return result


def write_hydra_directory(config: DictConfig, folder: Path) -> None:
    """Write the files that Hydra writes to `.hydra/` for a job."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    values = plain(config, resolve=False)
    hydra = values.pop("hydra")
    contents = {
        "config": sections(values),
        "hydra": sections(hydra, "hydra"),
        "overrides": to_yaml(hydra["overrides"]["task"]),
    }
    for name, content in contents.items():
        write_atomic(folder / f"{name}.yaml", content.encode())


class Dumper(getattr(yaml, "CDumper", yaml.Dumper)):  # type: ignore[misc]
    """OmegaConf's dumper, based on libyaml if it is available."""


Dumper.add_representer(str, represent_string)


def to_yaml(values: Any) -> str:
    """The same text as `OmegaConf.to_yaml` (some rare characters escaped), in less than half of the time."""
    text: str = yaml.dump(
        values, Dumper=Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False
    )
    return text


def sections(values: Mapping[str, Any], within: str = "") -> str:
    """The YAML of `values`, or of the mapping from the key `within` to `values`.

    Most sections are the same for many trials of a process. Their text is made once.
    """
    heading = f"{within}:\n" if within else ""
    texts = (_section(within, pickle.dumps({key: value})) for key, value in values.items())
    return heading + "".join(text.removeprefix(heading) for text in texts)


@lru_cache(1024)
def _section(within: str, pickled: bytes) -> str:
    section = pickle.loads(pickled)
    return to_yaml({within: section} if within else section)
