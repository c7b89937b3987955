"""An installed copy finds its configuration and its plugins from any directory."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.program import ROOT, TINY

OWN = "# @package _global_\nhydra:\n  sweeper:\n    params:\n      gamma: 0.5,0.6\n      seed: 3\n"


def python(*arguments: str, cwd: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Python as anyone starts it: without our own directory on its path."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "HYDRA_FULL_ERROR")}
    if path is not None:
        environment["PYTHONPATH"] = path
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    built = python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT), cwd=place)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module", params=["editable", "wheel"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """What to put on Python's path: nothing for the editable install that the tests run in."""
    if request.param == "editable":
        return None
    wheel = request.getfixturevalue("wheel")
    target = tmp_path_factory.mktemp("installed")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    done = python(*pip, cwd=target)
    assert done.returncode == 0, done.stderr
    return str(target)


def test_it_is_the_copy_that_is_meant(installed: str | None, tmp_path: Path) -> None:
    code = (
        "import dqn_exp.config.paths as d, hydra_plugins.dqn_exp as p; print(d.CONF, p.__file__, sep='\\n')"
    )
    places = python("-c", code, cwd=tmp_path, path=installed).stdout.splitlines()
    assert len(places) == 2
    assert all(place.startswith(installed or str(ROOT)) for place in places)


def test_the_configuration_is_found(installed: str | None, tmp_path: Path) -> None:
    shown = python("-m", "dqn_exp", "--cfg", "job", "experiment=notebook", cwd=tmp_path, path=installed)
    assert shown.returncode == 0, shown.stderr
    assert "id: CartPole-v0" in shown.stdout
    assert not list(tmp_path.iterdir())


def test_a_sweep_of_ones_own_runs_from_an_empty_directory(installed: str | None, tmp_path: Path) -> None:
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(OWN)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text("# @package _global_\nbuffer: 777\n")
    command = (
        "-m",
        "dqn_exp",
        "-m",
        "sweeps=mine",
        "experiment=mine",
        *TINY,
        "learner=torch",
        "hydra.sweep.dir=sweep",
    )
    ended = python(*command, cwd=tmp_path, path=installed)
    assert ended.returncode == 0, ended.stderr
    trials = [path.parent for path in tmp_path.glob("sweep/*/trial.json")]
    assert sorted(path.name for path in trials) == ["gamma=0.5,seed=3", "gamma=0.6,seed=3"]
    assert '"buffer": 777' in (trials[0] / "trial.json").read_text()


def test_the_wheel_holds_the_whole_program(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, place in (("conf", "dqn_exp/_bundled/conf"), ("sweeps", "dqn_exp/_bundled/sweeps")):
        for path in (ROOT / folder).rglob("*.yaml"):
            assert f"{place}/{path.relative_to(ROOT / folder).as_posix()}" in names
    for package in ("dqn_exp", "analysis"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            assert name.removeprefix("dqn_exp/_plugins/") in names
    assert not any(name.startswith(("tests/", "outputs/", "conf/")) for name in names)
