"""A sweep in shards, run by several commands: which command has which trials, and which one waits."""

from __future__ import annotations

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from analysis import load_runs
from analysis.errors import SkippedWarning
from dqn_exp.cli.command_line import check_command
from dqn_exp.config import ConfigError
from dqn_exp.launch.shards import Shard, assign_shards, read_shard, shard_lock
from dqn_exp.plan.planner import PlannedTrial
from dqn_exp.runs import Locked
from tests.helpers import make_config
from tests.program import TINY, alive, descendants, finish, records, run_here, start, wait_until

SWEEP = ("-m", *TINY, "lr=2e-3,3e-3", "seed=range(2)", "hydra.launcher.n_jobs=2")
HERE = "hydra.sweep.dir=sweep"


def planned(lrs: list[str], seeds: int) -> list[PlannedTrial]:
    config = make_config()
    return [
        PlannedTrial(
            f"lr={lr},seed={seed}",
            (f"lr={lr}", f"seed={seed}"),
            config.model_copy(update={"seed": seed}),
            DictConfig({}),
        )
        for seed in range(seeds)
        for lr in lrs
    ]


@pytest.mark.parametrize(
    ("n_values", "seeds", "count"), [(3, 5, 3), (3, 5, 4), (2, 2, 4), (4, 16, 16), (1, 7, 2)]
)
def test_each_shard_has_its_part_of_every_configuration(n_values: int, seeds: int, count: int) -> None:
    dealt = assign_shards(planned(["0.1", "0.2", "0.3", "0.4"][:n_values], seeds), count)
    sizes = Counter(dealt.values())
    assert max(sizes.values()) - min(sizes[number] for number in range(1, count + 1)) <= 1
    for value in {name.partition(",")[0] for name in dealt}:
        own = Counter(number for name, number in dealt.items() if name.startswith(f"{value},"))
        assert max(own.values()) - min(own[number] for number in range(1, count + 1)) <= 1


def test_the_deal_does_not_depend_on_the_order_of_a_command() -> None:
    assert assign_shards(planned(["0.3", "0.1"], 3), 4) == assign_shards(planned(["0.1", "0.3"], 3)[::-1], 4)
    assert assign_shards(planned(["0.1", "0.3"], 3), 4) == {
        **{"lr=0.1,seed=0": 1, "lr=0.1,seed=1": 2, "lr=0.1,seed=2": 3},
        **{"lr=0.3,seed=0": 4, "lr=0.3,seed=1": 1, "lr=0.3,seed=2": 2},
    }


def test_more_shards_than_trials_leave_some_with_nothing() -> None:
    shares = [Shard(number, 5).share(planned(["0.1"], 3)) for number in range(1, 6)]
    assert [len(share) for share in shares] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("value", ["0/4", "5/4", "a/b", "3", 3, "1/0", "-1/4", "1/4/2", "1.5/4", True])
def test_what_is_no_shard_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^shard=.*: allowed: K/N for the K-th of N shards, K from 1 to N"):
        read_shard(OmegaConf.create({"shard": value}))


def test_what_is_one() -> None:
    assert read_shard(OmegaConf.create({"shard": "3/16"})) == Shard(3, 16)
    assert read_shard(OmegaConf.create({"shard": None})) is None


def test_one_trial_has_none() -> None:
    with pytest.raises(ConfigError, match=r"^shard=1/2 applies to many trials, and without -m only one"):
        check_command(["dqn_exp", "shard=1/2"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["shard=5/4"], "shard=5/4: allowed: K/N for the K-th of N shards"),
        (["shard=1/2,2/2"], "shard=1/2,2/2: it applies to the whole sweep; allowed: one value"),
        (["shard=1/2", "hydra/sweeper=optuna"], "shard=1/2: a study chooses its trials while it runs"),
        (
            ["shard=1/2", "seed=until_decided"],
            "shard=1/2: with seed=until_decided each look needs all",
        ),
        (
            ["shard=1/2", "hydra/sweeper=basic"],
            "shard=1/2: hydra/sweeper=basic runs all trials that it makes",
        ),
        (["+hydra.sweeper.params.shard=1/2"], "hydra.sweeper.params.shard would have no effect"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_it_is_refused_with_one_message(arguments: list[str], told: str, tmp_path: Path) -> None:
    ended = run_here("-m", *TINY, "lr=1e-3,2e-3", *arguments, cwd=tmp_path)
    (line,) = ended.err.splitlines()
    assert (ended.code, line[: len(told)]) == (2, told)
    assert "allowed: " in line
    assert not list(tmp_path.rglob("trial.json"))


def test_shards_share_a_directory_and_nobody_else_does(tmp_path: Path) -> None:
    with shard_lock(tmp_path, Shard(1, 2)):
        with shard_lock(tmp_path, Shard(2, 2)):
            pass
        for other in (None, Shard(1, 2)):
            with pytest.raises(Locked, match="in use by another process"), shard_lock(tmp_path, other):
                pass
        split = pytest.raises(Locked, match=r"in use by shard=1/2, which .*, or choose shard=K/2$")
        with split, shard_lock(tmp_path, Shard(3, 4)):
            pass
    with shard_lock(tmp_path, None), pytest.raises(Locked), shard_lock(tmp_path, Shard(1, 2)):
        pass
    with shard_lock(tmp_path, Shard(3, 4)):
        pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep, run by one command."""
    place = tmp_path_factory.mktemp("whole")
    ended = run_here(*SWEEP, HERE, cwd=place)
    assert ended.code == 0, ended.said
    return place / "sweep"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what two machines have made that share nothing, each one of two shards."""
    gathered = tmp_path_factory.mktemp("gathered")
    for number in (1, 2):
        machine = gathered / f"machine{number}"
        machine.mkdir()
        ended = run_here(*SWEEP, f"shard={number}/2", cwd=machine)
        assert ended.code == 0, ended.said
        assert f"Shard {number}/2: 2 of the 4 trials of this sweep\n" in ended.out
        assert "No report yet: 2 trials of other shards in outputs/sweeps/shards-" in ended.out
    return gathered


def manifest(sweep: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((sweep / "sweep.json").read_text())
    return content


def test_machines_that_share_nothing_do_all_of_it_once(whole: Path, parts: Path) -> None:
    """The directory has the same name on both, and nobody takes the sweep for complete."""
    first, second = (next(parts.glob(f"machine{n}/outputs/sweeps/*")) for n in (1, 2))
    assert first.name == second.name == f"shards-{manifest(whole)['fingerprint']}"
    trained = [{path.parent.name for path in sweep.glob("*/trial.json")} for sweep in (first, second)]
    assert trained[0] | trained[1] == {path.parent.name for path in whole.glob("*/trial.json")}
    assert not trained[0] & trained[1]
    assert [manifest(sweep)["complete"] for sweep in (first, second)] == [False, False]
    for sweep, names in ((first, trained[0]), (second, trained[1])):
        for name in names:
            assert records(sweep / name) == records(whole / name)


def test_they_are_read_as_one_sweep(whole: Path, parts: Path, recwarn: pytest.WarningsRecorder) -> None:
    columns = ["buffer", "lr", "seed", "status", "final_return", "env_steps", "steps_to_threshold"]
    order = {"by": ["lr", "seed"], "ignore_index": True}
    merged, one = load_runs(parts).sort_values(**order), load_runs(whole).sort_values(**order)
    assert merged[columns].equals(one[columns])
    assert not [warning for warning in recwarn if issubclass(warning.category, SkippedWarning)]


def test_a_trial_is_the_same_in_a_shard(whole: Path, parts: Path) -> None:
    planned = manifest(whole)["trials"][1]
    (own,) = parts.glob(f"machine*/outputs/sweeps/*/{planned['name']}")
    config = (own / ".hydra" / "config.yaml").read_text()
    assert config == (whole / own.name / ".hydra" / "config.yaml").read_text()
    assert json.loads((own / "trial.json").read_text())["config_hash"] == planned["hash"]


def test_in_one_directory_the_last_one_completes_the_sweep(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = tmp_path / "sweep"
    monkeypatch.setattr("dqn_exp.launch.dry_run.print_time", lambda *_: None)  # it takes a second
    first = run_here(*SWEEP, HERE, "shard=1/2", "report=true", cwd=tmp_path)
    assert first.code == 0, first.said
    assert "No report yet: 2 trials of other shards in sweep are unfinished." in first.out
    assert not (sweep / "report").exists()
    foretold = run_here(*SWEEP, HERE, "shard=2/2", "dry_run=true", cwd=tmp_path)
    assert "Shard 2/2: 2 of the 4 trials" in foretold.out
    assert "2 trials in sweep: 2 to run" in foretold.out
    last = run_here(*SWEEP, HERE, "shard=2/2", cwd=tmp_path)
    assert last.code == 0, last.said
    assert "No report yet" not in last.out
    assert manifest(sweep)["complete"]
    assert {trial["shard"] for trial in manifest(sweep)["trials"]} == {"1/2", "2/2"}
    for trial in manifest(whole)["trials"]:
        assert records(sweep / trial["name"]) == records(whole / trial["name"])
        assert len(json.loads((sweep / trial["name"] / "trial.json").read_text())["attempts"]) == 1


def test_a_command_without_a_shard_runs_what_is_left(whole: Path, tmp_path: Path) -> None:
    """Where nothing is said of a directory, too: that of the shards is found. What is taken counts as run."""
    begun = run_here(*SWEEP, "shard=1/2", f"reuse=['{whole}']", cwd=tmp_path)
    assert begun.code == 0, begun.said
    assert "2 of 2 trials taken from" in begun.out
    ended = run_here(*SWEEP, cwd=tmp_path)
    assert ended.code == 0, ended.said
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert manifest(sweep)["complete"]
    assert not any("shard" in trial for trial in manifest(sweep)["trials"])
    assert len(list(sweep.glob("*/network.safetensors"))) == 4


@pytest.mark.slow
def test_a_trial_that_fails_costs_its_shard_the_exit_code(tmp_path: Path) -> None:
    fragile = (
        *("-m", *TINY, "imports=[tests.launch.fragile]", "env=gymnasium", "env.id=probe/Fragile-v0"),
        *(f"+env.kwargs.healed={tmp_path / 'healed'}", "+env.kwargs.trouble=none,error", "seed=7"),
    )
    failing = run_here(*fragile, HERE, "shard=1/2", cwd=tmp_path)
    assert failing.code == 1, failing.said
    assert "1 trial failed: " in failing.out
    last = run_here(*fragile, HERE, "shard=2/2", cwd=tmp_path)
    assert last.code == 0, last.said
    assert not manifest(tmp_path / "sweep")["complete"]
    (tmp_path / "healed").touch()
    assert run_here(*fragile, HERE, "shard=1/2", cwd=tmp_path).code == 0
    assert manifest(tmp_path / "sweep")["complete"]


@pytest.mark.slow
def test_shards_at_the_same_time_one_of_them_killed(tmp_path: Path) -> None:
    """As the tasks of an array that see one folder; the one that is killed is begun again and goes on."""
    sweep, long = tmp_path / "sweep", ("budget.env_steps=4k", "checkpoint.every_seconds=0", "report=true")
    commands = []
    for number in range(1, 5):
        place = tmp_path / f"task{number}"
        place.mkdir()
        arguments = (
            *SWEEP,
            *long,
            f"hydra.sweep.dir={sweep}",
            f"shard={number}/4",
            "hydra.launcher.n_jobs=1",
        )
        commands.append((place, arguments, start(*arguments, cwd=place)))
    place, arguments, killed = commands[0]
    wait_until(lambda: len(list(sweep.glob("*/episodes.csv"))) >= 4, 120)
    family = descendants(killed.pid)
    killed.kill()
    killed.wait()
    wait_until(lambda: not alive(family))
    assert killed.returncode == -signal.SIGKILL
    for other, _, process in commands[1:]:
        ended = finish(process, other)
        assert ended.code == 0, ended.said
        assert "No report yet" in ended.out
    ended = finish(start(*arguments, cwd=place), place)
    assert ended.code == 0, ended.said
    assert f"Report: {sweep}/report/index.html" in ended.out
    assert manifest(sweep)["complete"]
    assert len(list(sweep.glob("*/network.safetensors"))) == 4
    assert not list(sweep.rglob("checkpoint.safetensors"))
