"""Nothing is trained twice: a sweep takes trials that other sweeps have finished."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from analysis import load_runs
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.formats import recorded_config
from dqn_exp.launch.reuse import default_place, is_exact, is_free, read_reuse, taken_line
from dqn_exp.plan.planner import PlannedTrial, pack
from tests.helpers import make_config
from tests.launch.test_dry_run import _measured  # noqa: F401 - a fixture
from tests.launch.test_looks import parsed
from tests.program import TINY, Ended, records, run, run_here, tree

HERE = ("hydra/launcher=basic",)
"""Trials one after another in the process of the command: a tenth of a second each."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with three trials in outputs/first."""
    cwd = tmp_path_factory.mktemp("trained") / "cwd"
    cwd.mkdir()
    sweep(cwd, "seed=range(3)", name="first")
    return cwd


@pytest.fixture
def place(trained: Path, tmp_path: Path) -> Path:
    """A copy of it; `run_here` writes beside its directory."""
    return Path(shutil.copytree(trained, tmp_path / "cwd"))


def sweep(place: Path, *arguments: str, name: str) -> Ended:
    ended = run_here("-m", *TINY, *HERE, f"hydra.sweep.dir=outputs/{name}", *arguments, cwd=place)
    assert ended.code == 0, ended.said
    return ended


def origins(folder: Path) -> dict[str, str]:
    """Where each trial of a sweep came from that was taken."""
    records = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/trial.json")}
    return {name: r["origin"]["directory"] for name, r in records.items() if "origin" in r}


def test_more_seeds_in_another_sweep_train_these_alone(place: Path) -> None:
    """Started as users start it, in a process of its own; the first sweep stays as it was."""
    before = tree(place / "outputs" / "first")
    ended = run("-m", *TINY, "seed=range(5)", cwd=place)
    assert ended.code == 0, ended.said
    assert "3 of 5 trials taken from outputs/first (reuse=none trains them)" in ended.out
    assert "[2/2]" in ended.out
    assert "taken" in ended.out.partition("┏")[2]  # a column of the table at the end
    (second,) = (place / "outputs" / "sweeps").iterdir()
    assert origins(second) == {f"seed={n}": f"outputs/first/seed={n}" for n in range(3)}
    assert tree(place / "outputs" / "first") == before
    assert json.loads((second / "sweep.json").read_text())["complete"]
    anew = sweep(place, "seed=range(5)", "reuse=none", name="anew")
    assert "taken" not in anew.out
    assert origins(place / "outputs" / "anew") == {}
    for seed in range(5):
        assert records(second / f"seed={seed}") == records(place / "outputs" / "anew" / f"seed={seed}")
        hydra = (second / f"seed={seed}" / ".hydra" / "hydra.yaml").read_text()
        assert f"dir: outputs/sweeps/{second.name}\n" in hydra
        assert f"output_dir: {second.absolute()}/seed={seed}\n" in hydra


def test_a_sweep_that_takes_all_is_read_like_the_trained_one(place: Path) -> None:
    """Whatever is asked of checkpoints, and the command that was typed."""
    sweep(place, "seed=1,0,2", "checkpoint.every_seconds=5", "gamma=0.99", name="second")
    first, second = (load_runs(place / "outputs" / name).set_index("run") for name in ("first", "second"))
    assert list(second["origin"]) == [f"outputs/first/{run}" for run in second.index]
    assert first["origin"].isna().all()
    own = ["origin", "checkpoint.every_seconds"]
    assert first.drop(columns=own).equals(second.drop(columns=own))


def test_where_it_looks(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below outputs/, or in the folders that are named; nowhere with none."""
    monkeypatch.chdir(place)
    config = recorded_config(json.loads(Path("outputs/first/seed=1/trial.json").read_text()))
    wanted, new = [PlannedTrial("a", (), config, pack(OmegaConf.create()))], Path("outputs/new")
    Path("outputs/first").rename("moved")
    for written in ("reuse=auto", "reuse=none", "reuse=null", "reuse=[]", "reuse=outputs"):
        assert read_reuse(parsed(written), OmegaConf.create(), new).find(wanted, new) == {}
    for place_or_places in ("moved", ["outputs", "moved"]):
        master = OmegaConf.create({"reuse": place_or_places})
        assert read_reuse([], master, new).find(wanted, new) == {"a": Path("moved/seed=1")}
        assert read_reuse(parsed("reuse=none"), master, new).find(wanted, new) == {}
    found = read_reuse(parsed("reuse=none", "reuse=[outputs,moved]"), OmegaConf.create(), new)
    assert found.find(wanted, new) == {"a": Path("moved/seed=1")}
    assert not new.exists()


def test_trials_of_other_code_are_named_and_trained(place: Path) -> None:
    """Of the user's, be it imported by what is named alone; of other versions too."""
    (place / "my_inner.py").write_text("SIZE = 1\n")
    (place / "my_parts.py").write_text("import my_inner\n")
    mine = ("imports=[my_parts]", "seed=5,6")
    sweep(place, *mine, name="second")
    assert "2 of 2 trials taken from outputs/second" in sweep(place, *mine, name="third").out
    shutil.rmtree(place / "outputs" / "third")
    record = place / "outputs" / "second" / "seed=6" / "trial.json"
    older = json.loads(record.read_text())
    older["attempts"][0]["versions"]["torch"] = "1.0"
    record.write_text(json.dumps(older, indent=2))
    (place / "my_inner.py").write_text("SIZE = 2\n")
    ended = sweep(place, *mine, name="third")
    assert "1 in outputs/second (other code of my_inner); 1 in outputs/second (" in ended.out
    assert "(other code of my_inner, torch 1.0 instead of " in ended.out
    assert origins(place / "outputs" / "third") == {}


def test_what_is_damaged_is_named_and_trained(place: Path) -> None:
    first = place / "outputs" / "first"
    (first / "seed=1" / "losses.csv").write_bytes(b"torn")
    (first / "seed=2" / "trial.json").write_text("{")
    ended = sweep(place, "seed=0,1,2", name="second")
    assert "1 of 3 trials taken from outputs/first" in ended.out
    assert "Finished, not taken: 1 in outputs/first (outputs/first/seed=1/losses.csv: " in ended.out
    assert "Not read: outputs/first/seed=2/trial.json is damaged" in ended.out
    assert set(origins(place / "outputs" / "second")) == {"seed=0"}


@pytest.mark.usefixtures("_measured")
def test_a_dry_run_tells_what_would_be_taken(place: Path) -> None:
    before = tree(place)
    ended = sweep(place, "seed=range(1,4)", "lr=1e-3,1e-2", "dry_run=true", name="second")
    assert "6 trials in outputs/second: 2 to take, 4 to run" in ended.out
    assert "2 to take, 1 to run │" in ended.out
    assert "2 of 6 trials to take from outputs/first (reuse=none trains them)" in ended.out
    assert tree(place) == before


def test_what_has_begun_goes_on_where_it_is(place: Path) -> None:
    """Its directory may hold more than what a trial leaves."""
    first, second = (place / "outputs" / name / "seed=0" for name in ("first", "second"))
    shutil.copytree(first, second)
    result = json.loads((second / "result.json").read_text())
    (second / "result.json").write_text(json.dumps({**result, "status": "interrupted"}))
    ended = sweep(place, "seed=0", name="second")
    assert "taken" not in ended.out
    assert records(second) == records(first)
    assert len(json.loads((second / "trial.json").read_text())["attempts"]) == 2


@pytest.mark.parametrize(
    "moment", ["dqn_exp.runs.taking.copy_file", "os.rename", "dqn_exp.launch.reuse.write_hydra_directory"]
)
def test_killed_while_it_takes_nothing_is_half_taken(
    moment: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    first, second = (place / "outputs" / name for name in ("first", "second"))
    before = tree(first)
    with monkeypatch.context() as patch:
        patch.setattr(moment, die)
        killed = run_here("-m", *TINY, *HERE, "seed=range(3)", "hydra.sweep.dir=outputs/second", cwd=place)
    assert killed.code == -signal.SIGKILL
    for trial in second.glob("[!.]*/"):
        assert records(trial) == records(first / trial.name)
    sweep(place, "seed=range(3)", name="second")
    assert len(origins(second)) == 3  # none was trained
    assert all((second / f"seed={seed}" / ".hydra" / "config.yaml").exists() for seed in range(3))
    assert not list(place.rglob(".*.tmp"))
    assert tree(first) == before


def test_one_trial_is_taken_too(place: Path) -> None:
    foretold = run_here(*TINY, "seed=2", "dry_run=true", cwd=place)
    assert ": 1 to take\n1 of 1 trial to take from outputs/first" in foretold.out
    ended = run_here(*TINY, "seed=2", cwd=place)
    assert ended.code == 0, ended.said
    assert "1 of 1 trial taken from outputs/first (reuse=none trains them)" in ended.out
    assert "exhausted after" in ended.out
    (trial,) = (place / "outputs" / "runs").iterdir()
    assert origins(trial.parent) == {trial.name: "outputs/first/seed=2"}
    assert records(trial) == records(place / "outputs" / "first" / "seed=2")


def test_what_a_trial_s_numbers_do_not_follow_from_is_never_taken() -> None:
    assert is_exact(make_config())
    assert not is_exact(make_config(budget__seconds=10))
    assert not is_exact(make_config().model_copy(update={"device": "cuda"}))


@pytest.mark.parametrize(
    ("directory", "found"),
    [
        ("outputs/sweeps/a", "outputs"),
        ("outputs/a", "outputs"),
        ("/big/outputs/old/outputs/a", "/big/outputs"),
        ("elsewhere/a", "outputs"),
        ("outputs", "outputs"),
    ],
)
def test_the_outputs_are_those_that_a_command_writes_to(directory: str, found: str) -> None:
    assert default_place(Path(directory)) == Path(found)


@pytest.mark.parametrize(
    "written", ["reuse=nowhere", "reuse=[.,nowhere]", "reuse=3", "reuse=true", "reuse=.,none"]
)
def test_other_places_are_refused(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as refused:
        read_reuse(parsed(written), OmegaConf.create({"reuse": "auto"}), Path("outputs/a"))
    assert str(refused.value).startswith(
        f"{written}: allowed: auto (finished trials below outputs), none, or"
    )


def test_a_directory_that_is_there_is_replaced_where_it_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_free(tmp_path / "new")
    assert is_free(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert not is_free(tmp_path)
    (tmp_path / "here" / ".hydra").mkdir(parents=True)
    assert not is_free(tmp_path / "here")


def test_several_folders_are_counted_apart() -> None:
    paths = [Path("a", "1"), Path("b", "1"), Path("b", "2")]
    assert taken_line(paths[:1], 1) == "1 of 1 trial taken from a"
    assert taken_line(paths, 9) == "3 of 9 trials taken: 1 from a; 2 from b"
    many = [Path(str(number), "x") for number in range(5)]
    assert taken_line(many, 9) == "5 of 9 trials taken: 1 from 0; 1 from 1; 1 from 2; and 2 more"
