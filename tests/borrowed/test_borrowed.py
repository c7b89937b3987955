"""Private parts of other packages that we use are unchanged; if not, a message says where to look."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from importlib.metadata import version
from multiprocessing import forkserver
from pathlib import Path

import optuna
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import MISSING, OmegaConf
from omegaconf.errors import InterpolationKeyError
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

import dqn_exp.borrowed
from dqn_exp.borrowed import (
    BrokenProcessPool,
    FolderSource,
    JournalFileLock,
    ProcessPoolExecutor,
    arguments_parser,
    compose_like_hydra_main,
    dumps,
    error_of,
    exit_code,
    kill_forkserver,
    kill_workers,
    may_have_children,
    override_dirname,
    plain,
    represent_string,
    storage_of,
    terminate_workers,
    trial_id,
    why_silent,
)
from dqn_exp.config import CONF
from tests.program import deaf_service
from tests.workers.conftest import RayHead

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.stem for path in Path(str(dqn_exp.borrowed.__file__)).parent.glob("*.py") if path.stem != "__init__"
)


def tried_versions(module: str) -> tuple[str, list[str]]:
    """The package that `module` borrows from, and the versions with which it was run."""
    ((package, versions),) = import_module(f"dqn_exp.borrowed.{module}").TESTED.items()
    return package, versions


def installed(package: str) -> str:
    return ".".join(platform.python_version_tuple()[:2]) if package == "python" else version(package)


@contextmanager
def borrowed(module: str, what: str) -> Iterator[None]:
    """Whatever goes wrong inside is said to be a change of the package."""
    package, versions = tried_versions(module)
    try:
        yield
    except Exception as error:
        pytest.fail(
            f"{package} {installed(package)} changed {what} ({type(error).__name__}: {error}): see "
            f"dqn_exp/borrowed/{module}.py, tested with {', '.join(versions)}"
        )


def test_the_message_names_package_version_part_and_module() -> None:
    with pytest.raises(pytest.fail.Exception) as failure, borrowed("hydra", "the parser"):
        raise AttributeError("no get_args_parser")
    assert re.fullmatch(
        r"hydra-core \S+ changed the parser \(AttributeError: no get_args_parser\): "
        r"see dqn_exp/borrowed/hydra\.py, tested with .+",
        str(failure.value),
    )


@pytest.mark.parametrize("module", MODULES)
def test_the_versions_that_we_pin_are_among_the_tested(module: str) -> None:
    package, versions = tried_versions(module)
    if package == "python":
        assert versions
        return
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    assert pins[package] in versions


def test_hydras_command_line_is_parsed_and_composed(tmp_path: Path) -> None:
    own = tmp_path / "own" / "experiment"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("# @package _global_\ngamma: 0.5\n")
    with borrowed("hydra", "how its command line is parsed"):
        parsed = arguments_parser().parse_args(["--config-dir", str(own.parent), "experiment=mine", "seed=4"])
        flags = parsed.multirun, parsed.cfg, parsed.info, parsed.help, parsed.hydra_help
        assert (any(flags), parsed.shell_completion) == (False, False)
        assert parsed.overrides == ["experiment=mine", "seed=4"]
    with borrowed("hydra", "how it composes"):
        composed = compose_like_hydra_main(parsed, CONF)
        assert (composed.gamma, composed.seed, composed.hydra.job.name) == (0.5, 4, "trial")
        assert composed.hydra.runtime.choices.experiment == "mine"


def test_hydras_names_of_overrides() -> None:
    with borrowed("hydra", "override_dirname"):
        overrides = OverridesParser.create().parse_overrides(["lr=1", "batch=2", "seed=3"])
        assert override_dirname(overrides, ["seed"], ";", ":") == "batch:2;lr:1"


def test_hydras_source_of_files(tmp_path: Path) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "option.yaml").write_text("a: 1\n")
    with borrowed("hydra", "its source of configuration files"):
        source = FolderSource("test", f"file://{tmp_path}")
        assert source.is_group("group")
        assert source.is_config("group/option")
        assert not source.is_config("group/other")


def test_what_a_job_of_hydras_raised(capsys: pytest.CaptureFixture[str]) -> None:
    with borrowed("hydra", "JobReturn"):
        result = JobReturn(status=JobStatus.FAILED)
        result.return_value = error = ValueError("no")
        assert error_of(result) is error
        assert capsys.readouterr().err == ""


def test_strings_in_omegaconfs_yaml() -> None:
    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(str, represent_string)
    values = {"a": "1e-3", "b": "true", "c": "plain", "d": "12", "e": "text: with a colon"}
    with borrowed("omegaconf", "how it writes strings"):
        assert yaml.dump(values, Dumper=Dumper, default_flow_style=False) == OmegaConf.to_yaml(
            OmegaConf.create(values)
        )


class Colour(Enum):
    RED = 1


@dataclass
class Typed:
    colour: Colour = Colour.RED
    nothing: int | None = None
    folder: Path = Path("a/b")
    missing: str = MISSING
    inner: dict[str, int] = field(default_factory=lambda: {"a": 1})


@pytest.mark.parametrize("resolve", [False, True])
def test_plain_values_are_omegaconfs(resolve: bool) -> None:
    values = {
        "lr": 1e-3,
        "text": "${lr} of ${inner.name}",
        "inner": {"name": "x", "again": "${list}", "up": "${..lr}", "twice": "${.again.1}"},
        "list": [1, "${lr}", {"of": "${inner.name}"}, None],
        "whole": "${inner}",
        "escaped": r"\${lr} and $HOME",
        "none": None,
        "empty": {},
        "typed": Typed,
    }
    config = OmegaConf.create(values)
    with borrowed("omegaconf", "how it keeps values"):
        assert plain(config, resolve) == OmegaConf.to_container(config, resolve=resolve, enum_to_str=True)
        typed = OmegaConf.structured(Typed)
        assert plain(typed, resolve) == OmegaConf.to_container(typed, resolve=resolve, enum_to_str=True)


def test_of_an_interpolation_that_leads_nowhere_the_key_is_named() -> None:
    config = OmegaConf.create({"inner": {"a": "${nowhere}"}})
    with (
        borrowed("omegaconf", "how it keeps values"),
        pytest.raises(InterpolationKeyError, match=r"(?s)nowhere.*full_key: inner\.a"),
    ):
        plain(config, resolve=True)


def test_the_fork_server_is_ended() -> None:
    with borrowed("forkserver", "the fork server"):
        forkserver.set_forkserver_preload([])
        forkserver.ensure_running()
        process = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(120,))
        process.start()
        assert process.pid is not None
        server = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1])
        process.kill()
        process.join()
        kill_forkserver()
        kill_forkserver()  # there is none any more
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)
        forkserver.ensure_running()  # another one
        kill_forkserver()


@pytest.mark.parametrize("by", ["request", "kill", "signal"])
def test_lokys_processes_and_their_end(by: str) -> None:
    with borrowed("loky", "the processes of an executor"):
        executor = ProcessPoolExecutor(max_workers=1)
        pid = executor.submit(os.getpid).result()
        future = executor.submit(time.sleep, 120)
        if by == "request":
            terminate_workers(executor)
        elif by == "kill":
            kill_workers(executor)
        else:
            os.kill(pid, signal.SIGKILL)
        error = future.exception(timeout=60)
        assert isinstance(error, BrokenProcessPool)
        assert exit_code(error) == ("SIGTERM(-15)" if by == "request" else "SIGKILL(-9)")
        assert exit_code(ValueError("no worker died")) is None
        executor.shutdown(wait=False, kill_workers=True)


def test_loky_pickles_what_has_no_name() -> None:
    with borrowed("loky", "how it pickles"):
        assert pickle.loads(dumps(lambda: 3))() == 3


PREPARED = """
from numba.core.registry import cpu_target
from dqn_exp.borrowed import prepare_target

def is_known():
    try:
        return bool(cpu_target.typing_context.resolve_value_type(len))
    except ValueError:
        return False

before = is_known()
prepare_target()
print(before, is_known())
"""


def test_numbas_functions_are_known_once_it_is_prepared() -> None:
    ended = subprocess.run([sys.executable, "-c", PREPARED], capture_output=True, text=True)
    with borrowed("numba", "how it prepares a process"):
        assert ended.stdout.strip() == "False True", ended.stderr


def test_optunas_storage_and_trials() -> None:
    with borrowed("optuna", "where it keeps a trial"):
        storage = InMemoryStorage()
        optuna.create_study(storage=storage).ask()
        study = optuna.create_study(storage=storage)
        trial = study.ask()
        assert (trial.number, trial_id(trial)) == (0, 1)
        assert trial_id(study.get_trials()[0]) == trial_id(trial)
        storage_of(study).set_trial_user_attr(trial_id(trial), "mine", 7)
        assert study.get_trials()[0].user_attrs == {"mine": 7}


def test_optunas_journal_takes_a_lock_of_ours(tmp_path: Path) -> None:
    taken: list[str] = []

    class Lock(JournalFileLock):
        def acquire(self) -> bool:
            taken.append("acquired")
            return True

        def release(self) -> None:
            taken.append("released")

    with borrowed("optuna", "the lock of a journal"):
        backend = JournalFileBackend(str(tmp_path / "journal.log"), lock_obj=Lock())
        optuna.create_study(storage=JournalStorage(backend))
        assert taken[:2] == ["acquired", "released"]
        assert len(taken) % 2 == 0


def _start_another(allowed: bool) -> None:
    if allowed:
        may_have_children()
    multiprocessing.get_context("fork").Process(target=os.getpid).start()


@pytest.mark.parametrize("allowed", [False, True])
def test_a_daemon_may_have_children_where_it_is_allowed(allowed: bool) -> None:
    """Such as a worker of dask's, which is one of its nanny's."""
    process = multiprocessing.get_context("fork").Process(target=_start_another, args=(allowed,), daemon=True)
    process.start()
    process.join()
    assert (process.exitcode == 0) is allowed


@pytest.mark.slow
def test_a_head_of_ray_answers_and_nobody_else(tmp_path: Path) -> None:
    with borrowed("ray", "how one asks whether a cluster is well"):
        with closing(RayHead(tmp_path / "head")) as head:
            assert why_silent(head.address, 60) is None
        with deaf_service() as address:
            assert why_silent(address, 2) == "no answer within 2 seconds"
