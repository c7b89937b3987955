"""Real sweeps and studies on clusters of real processes give the same results, even if processes die."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.runs import is_locked
from tests.program import TINY, alive, descendants, finish, records, run, run_here, start, tree, wait_until
from tests.workers.conftest import RAY, DaskProcesses, RayHead, can_hide

KINDS = ("dask", "ray", "slurm")
POLE = """
import gymnasium
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

gymnasium.register("own/Pole-v0", entry_point=CartPoleEnv, max_episode_steps=500, reward_threshold=475)
"""
OWN = ("imports=[own_pole]", "env=gymnasium", "env.id=own/Pole-v0")
"""An environment in a module of the driver's folder."""
SWEEP = ("-m", *TINY, *OWN, "budget.env_steps=4k", "checkpoint.every_seconds=0", "seed=1,2", "reuse=none")
HERE = "hydra.sweep.dir=sweep"


@pytest.fixture(scope="module")
def at(request: pytest.FixtureRequest) -> Callable[[str], list[str]]:
    """The options by which a command finds the cluster of a kind."""

    def options(kind: str) -> list[str]:
        if kind == "slurm":
            return [
                "hydra/launcher=slurm",
                "hydra.launcher.executor=local",
                "hydra.launcher.array_parallelism=2",
            ]
        return [
            f"hydra/launcher={kind}",
            f"hydra.launcher.address={request.getfixturevalue(f'{kind}_address')}",
        ]

    return options


def on(processes: DaskProcesses) -> list[str]:
    return ["hydra/launcher=dask", f"hydra.launcher.address={processes.address}"]


def make_driver(place: Path) -> Path:
    driver = place / "driver"
    driver.mkdir()
    (driver / "own_pole.py").write_text(POLE)
    return driver


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep on this machine."""
    driver = make_driver(tmp_path_factory.mktemp("undisturbed"))
    ended = run_here(*SWEEP, HERE, "hydra.launcher.n_jobs=2", cwd=driver)
    assert ended.code == 0, ended.said
    return driver / "sweep"


def assert_same(sweep: Path, undisturbed: Path) -> None:
    for trial in ("seed=1", "seed=2"):
        assert records(sweep / trial) == records(undisturbed / trial)
        assert not (sweep / trial / "checkpoint.safetensors").exists()
    assert not list(sweep.rglob("*.tmp"))


def attempts(trial: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((trial / "trial.json").read_text())["attempts"]
    return found


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DaskProcesses, Path]]:
    """A dask cluster whose workers see nothing of the driver's folder, and that folder."""
    if not can_hide():
        pytest.skip("no process may be given another view of the file system here")
    place = tmp_path_factory.mktemp("apart")
    driver = make_driver(place)
    processes = DaskProcesses(place, 2, hidden=driver)
    yield processes, driver
    processes.close()


@pytest.mark.usefixtures("apart")
class TestWorkersThatSeeAnotherFolder:
    def test_a_shared_directory_is_not_taken_for_granted(self, apart: tuple[DaskProcesses, Path]) -> None:
        processes, driver = apart
        ended = run(*SWEEP, *on(processes), "hydra.sweep.dir=unseen", cwd=driver)
        assert ended.code == 2
        (line,) = ended.err.splitlines()
        assert line.startswith(
            f"hydra.launcher.shared=true: a worker cannot read {driver / 'unseen'}; allowed:"
        )
        assert not list((driver / "unseen").rglob("trial.json"))

    def test_files_come_back_also_from_a_worker_that_dies(
        self, apart: tuple[DaskProcesses, Path], undisturbed: Path
    ) -> None:
        """The trial goes on where its last copy was, on another worker."""
        processes, driver = apart
        sweep, options = (
            driver / "sweep",
            ("hydra.launcher.shared=false", "hydra.launcher.checkpoint_seconds=0.1"),
        )
        command = start(*SWEEP, HERE, *on(processes), *options, cwd=driver)
        wait_until(lambda: all((sweep / f"seed={s}" / "checkpoint.safetensors").exists() for s in (1, 2)))
        processes.workers[0].kill()
        ended = finish(command, driver)
        assert ended.code == 0, ended.said
        assert ended.out.count("its process died (the dask worker tcp://") == 1
        assert_same(sweep, undisturbed)
        resumed = [attempts(sweep / f"seed={s}")[1:] for s in (1, 2)]
        (again,) = (found for found in resumed if found)
        assert again[0]["from_env_step"] > 0
        place = (sweep / "seed=1" / ".hydra" / "hydra.yaml").read_text()
        assert f"output_dir: {processes.temporary}/" in place
        assert len(list(processes.temporary.glob("dqn_exp-*"))) == 1  # of the one that died

    def test_a_resumed_sweep_finds_everything(self, apart: tuple[DaskProcesses, Path]) -> None:
        processes, driver = apart
        before = {name: content for name, content in tree(driver / "sweep").items() if name.endswith(".csv")}
        options = (*on(processes), "hydra.launcher.shared=false")
        ended = run(*SWEEP, HERE, *options, cwd=driver)
        assert ended.code == 0, ended.said
        after = tree(driver / "sweep")
        assert {name: after[name] for name in before} == before
        assert len(attempts(driver / "sweep" / "seed=1")) + len(attempts(driver / "sweep" / "seed=2")) == 3


@pytest.mark.slow
def test_a_killed_driver_and_a_killed_scheduler_cost_no_results(undisturbed: Path, tmp_path: Path) -> None:
    """What runs ends with its driver; without a scheduler the command ends with one message."""
    driver = make_driver(tmp_path)
    sweep = driver / "sweep"
    with closing(DaskProcesses(tmp_path, 2)) as processes:
        command = start(*SWEEP, HERE, *on(processes), cwd=driver)
        in_the_middle(command, sweep)
        trials = {pid for worker in processes.workers for pid in descendants(worker.pid) if is_training(pid)}
        assert len(trials) == 2
        command.kill()
        command.wait()
        wait_until(lambda: not alive(trials))

        command = start(*SWEEP, HERE, *on(processes), cwd=driver)
        in_the_middle(command, sweep)
        processes.scheduler.kill()
        ended = finish(command, driver)
        assert ended.code == 2, ended.said
        (line,) = ended.err.splitlines()
        assert line.startswith(f"the dask cluster at {processes.address} is gone.")
        assert "the same command continues" in line

    with closing(DaskProcesses(tmp_path / "again", 1)) as again:
        ended = run(*SWEEP, HERE, *on(again), cwd=driver)
    assert ended.code == 0, ended.said
    assert_same(sweep, undisturbed)


def in_the_middle(command: subprocess.Popen[str], sweep: Path) -> None:
    """Wait until each of its trials has gone on for some episodes."""

    def episodes() -> list[int]:
        files = [sweep / trial / "episodes.csv" for trial in ("seed=1", "seed=2")]
        return [file.read_bytes().count(b"\n") if file.exists() else 0 for file in files]

    before = episodes()

    def went_on() -> bool:
        return all(now > then + 10 for now, then in zip(episodes(), before, strict=True))

    wait_until(lambda: went_on() or command.poll() is not None, 180)
    assert command.poll() is None


@pytest.mark.slow
def test_begun_here_gone_on_with_on_dask_and_finished_in_shards(undisturbed: Path, tmp_path: Path) -> None:
    """The first two commands are killed in the middle."""
    driver = make_driver(tmp_path)
    sweep = driver / "sweep"

    def kill_in_the_middle(*options: str) -> None:
        command = start(*SWEEP, HERE, *options, cwd=driver)
        in_the_middle(command, sweep)
        family = descendants(command.pid)
        command.kill()
        command.wait()
        wait_until(lambda: not alive(family))

    kill_in_the_middle("hydra.launcher.n_jobs=2")
    with closing(DaskProcesses(tmp_path, 2)) as processes:
        kill_in_the_middle(*on(processes))
        wait_until(lambda: not any(map(is_locked, sweep.glob("seed=*"))))
    for number in (1, 2):
        ended = run(*SWEEP, HERE, f"shard={number}/2", cwd=driver)
        assert ended.code == 0, ended.said
    for trial in (sweep / "seed=1", sweep / "seed=2"):
        assert len(attempts(trial)) >= 2
    assert_same(sweep, undisturbed)
    assert json.loads((sweep / "sweep.json").read_text())["complete"]


@pytest.mark.slow
def test_a_killed_ray_worker_and_a_killed_head_cost_no_results(undisturbed: Path, tmp_path: Path) -> None:
    driver = make_driver(tmp_path)
    sweep = driver / "sweep"

    def options(head: RayHead) -> list[str]:
        return ["hydra/launcher=ray", f"hydra.launcher.address={head.address}"]

    with closing(RayHead(tmp_path / "head")) as head:
        command = start(*SWEEP, HERE, *options(head), cwd=driver, environment=RAY)
        in_the_middle(command, sweep)
        head.kill("ray::RayWorker.host")
        wait_until(lambda: "its process died (the ray worker is gone: " in (driver / "out").read_text())
        head.kill("gcs_server")
        ended = finish(command, driver)
        assert ended.code == 2, ended.said
        assert ended.err.splitlines()[-1].startswith(f"the ray cluster at {head.address} is gone.")
        assert "Traceback" not in ended.said

    with closing(RayHead(tmp_path / "again")) as again:
        ended = run(*SWEEP, HERE, *options(again), cwd=driver, environment=RAY)
    assert ended.code == 0, ended.said
    assert_same(sweep, undisturbed)


def is_training(pid: int) -> bool:
    """Is the process one of a trial? It writes into the record of one."""
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any("episodes.csv" in os.readlink(path) for path in folder.iterdir())
    except OSError:
        return False


TROUBLES = ("none", "error", "kill", "kill_once")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_trouble_is_told_as_on_this_machine(
    kind: str, at: Callable[[str], list[str]], tmp_path: Path
) -> None:
    command = ("-m", *TINY, "checkpoint.every_seconds=0", "imports=[tests.launch.fragile]", "reuse=none")
    trouble = (
        "env=gymnasium",
        "env.id=probe/Fragile-v0",
        f"+env.kwargs.healed={tmp_path / 'healed'}",
        f"+env.kwargs.trouble={','.join(TROUBLES)}",
    )
    ended = run(*command, *trouble, *at(kind), HERE, "seed=7", "hydra.launcher.retries=1", cwd=tmp_path)
    assert ended.code == 1, ended.said
    assert "2 trials failed" in ended.out
    assert "Traceback" not in ended.said
    trials = {name: tmp_path / "sweep" / f"+env.kwargs.trouble={name},seed=7" for name in TROUBLES}
    results = {name: json.loads((trial / "result.json").read_text()) for name, trial in trials.items()}
    assert results["none"]["status"] == results["kill_once"]["status"] == "exhausted"
    assert records(trials["kill_once"]) == records(trials["none"])
    assert (results["error"]["status"], results["error"]["cause"]) == (
        "failed",
        "RuntimeError: the pole broke",
    )
    assert "RuntimeError: the pole broke" in (trials["error"] / "trial.log").read_text()
    died = "its process died 2 times (SIGKILL(-9)): killed, or out of memory"
    assert (results["kill"]["status"], results["kill"]["cause"]) == ("failed", died)
    assert ended.out.count("its process died (SIGKILL(-9)); trying again") == 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_study_prunes(kind: str, at: Callable[[str], list[str]], tmp_path: Path) -> None:
    """What trials report while they run reaches the study, and lets others be given up."""
    study = (
        "hydra/sweeper=optuna",
        "evaluation.every_steps=100",
        *("lr=range(1,7)", "seed=1,2", "confirm.top=0"),
        *("hydra/sweeper/sampler=grid", "hydra.sweeper.n_trials=6"),
        *("hydra/sweeper/pruner=asha", "hydra.sweeper.pruner.min_resource=100"),
        "hydra.sweeper.pruner.reduction_factor=2",
    )
    ended = run("-m", *TINY, *study, *at(kind), HERE, "reuse=none", cwd=tmp_path)
    assert ended.code == 0, ended.said
    with open(tmp_path / "sweep" / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert {row["state"] for row in rows} == {"complete", "pruned"}


@pytest.mark.parametrize(
    "kind", [kind if kind == "dask" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_ctrl_c_ends_everything_in_order(kind: str, tmp_path: Path) -> None:
    """On a cluster of the command's own; the signal reaches every process of the terminal."""
    own = ["hydra.launcher.executor=local"] if kind == "slurm" else ["hydra.launcher.n_jobs=2"]
    endless = ("-m", "budget.env_steps=10M", "evaluation.every_steps=null", "report=false", "seed=0,1")
    command = start(*endless, HERE, f"hydra/launcher={kind}", *own, cwd=tmp_path, environment=RAY)
    sweep = tmp_path / "sweep"
    try:
        wait_until(lambda: all((sweep / f"seed={s}" / "episodes.csv").exists() for s in (0, 1)), 120)
        family = descendants(command.pid)
    finally:
        os.killpg(command.pid, signal.SIGINT)
    ended = finish(command, tmp_path)
    assert ended.code == 128 + signal.SIGINT, ended.said
    assert "Interrupted. The same command continues." in ended.err
    assert "Traceback" not in ended.said
    wait_until(lambda: not alive(family))
    for seed in (0, 1):
        assert json.loads((sweep / f"seed={seed}" / "result.json").read_text())["status"] == "interrupted"
