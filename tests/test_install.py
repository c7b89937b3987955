"""An installed copy finds its configuration and plugins from any directory, and provides a command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dqn_exp.runs.code import source
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
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built of it."""
    place = tmp_path_factory.mktemp("packages")
    built = python("-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT), cwd=place)
    assert built.returncode == 0, built.stdout + built.stderr
    return place


@pytest.fixture(scope="module")
def wheel(packages: Path) -> Path:
    (found,) = packages.glob("*.whl")
    return found


def test_wheel_and_sdist_can_be_published(packages: Path) -> None:
    files = [str(path) for path in packages.iterdir()]
    assert len(files) == 2
    checked = python("-m", "twine", "check", "--strict", *files, cwd=packages)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as pip installs it."""
    target = tmp_path_factory.mktemp("installed")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    done = python(*pip, cwd=target)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module", params=["editable", "wheel"])
def installed(request: pytest.FixtureRequest) -> str | None:
    """What to put on Python's path: nothing for the editable install that the tests run in."""
    return None if request.param == "editable" else str(request.getfixturevalue("unpacked"))


def test_it_is_the_copy_that_is_meant(installed: str | None, tmp_path: Path) -> None:
    code = (
        "import dqn_exp.config.paths as d, hydra_plugins.dqn_exp as p; print(d.CONF, p.__file__, sep='\\n')"
    )
    places = python("-c", code, cwd=tmp_path, path=installed).stdout.splitlines()
    assert len(places) == 2
    assert all(place.startswith(installed or str(ROOT)) for place in places)


def test_a_wheel_is_the_same_program_as_its_checkout(installed: str | None, tmp_path: Path) -> None:
    """Otherwise neither would take trials of the other, and an audit would say that their code differs."""
    asked = ("-c", "from dqn_exp.runs.code import source; print(source())")
    told = python(*asked, cwd=tmp_path, path=installed).stdout.strip()
    assert len(told) == 16
    assert told == source()


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


def bash(script: str, unpacked: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A shell in which the installed `dqn-exp` is a command."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    path = f"{unpacked / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(unpacked)}
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_is_the_module(unpacked: Path, tmp_path: Path) -> None:
    shown = bash("dqn-exp --cfg job buffer=17k", unpacked, tmp_path)
    same = python("-m", "dqn_exp", "--cfg", "job", "buffer=17k", cwd=tmp_path, path=str(unpacked))
    assert (shown.returncode, shown.stdout) == (0, same.stdout)
    assert bash("dqn-exp bufer=17k", unpacked, tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("env=ca", {"env=cartpole", "env=cartpole_v0", "env=cartpole_noisy"}),
        ("-m sweeps=bu", {"sweeps=buffer_size"}),
        ("env=lunarlander budget.env", {"budget.env_steps="}),
        ("'buffer=500", set[str]()),
    ],
)
def test_bash_completes_it(typed: str, offered: set[str], unpacked: Path, tmp_path: Path) -> None:
    """By the function that Hydra installs, called as bash calls it when TAB is pressed."""
    line = f"dqn-exp {typed}"
    script = f"""
        eval "$(dqn-exp -sc install=bash)"
        complete -p dqn-exp
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={typed.count(" ") + 1}
        hydra_bash_completion
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = bash(script, unpacked, tmp_path)
    assert ended.stderr == ""
    rule, *completions = ended.stdout.split("\n")
    assert rule.endswith("-F hydra_bash_completion dqn-exp")
    assert offered <= set(completions)
    assert all(word.startswith(typed.split()[-1]) for word in completions if word)


def installed_with(extra: str) -> set[str]:
    """The packages that `pyproject.toml` names for an extra, its other extras included."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = [Requirement(line) for line in extras[extra]]
    of_others = (installed_with(other) for each in named for other in each.extras if each.name == "dqn_exp")
    return {each.name for each in named}.union(*of_others)


def test_the_extra_of_notebooks_has_all_that_the_notebook_uses() -> None:
    """A kernel, sliders, and the writer of films: the environment of these tests has them anyway."""
    assert {"ipykernel", "ipywidgets", "imageio-ffmpeg"} <= installed_with("notebook")


def test_completion_waits_for_no_imports(tmp_path: Path) -> None:
    """A tenth of a second of Hydra's own, and nothing that takes longer."""
    code = "import sys; sys.argv[1:] = ['-sc', 'query=bash']; from dqn_exp.__main__ import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COMP_LINE": "dqn-exp env=ca"}
    command = [sys.executable, "-X", "importtime", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "env=cartpole" in done.stdout
    assert not imported & {"torch", "numpy", "pydantic", "gymnasium", "joblib", "rich", "pandas", "optuna"}
