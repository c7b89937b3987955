"""The example of docs/extending.md is copied into an empty folder and runs as written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dqn_exp.config.paths import ROOT
from dqn_exp.runs.metrics import KINDS, read_metrics

PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the page's modules alone, in which its commands have been run."""
    text = PAGE.read_text()
    names = re.findall(r"[Ss]ave this as `(\w+\.py)`", text)
    modules = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    folder = tmp_path_factory.mktemp("empty")
    for name, code in zip(names, modules, strict=True):
        (folder / name).write_text(code)
    for trial in TRIALS:
        (folder / f"{trial}.out").write_text(run(folder, command_of(trial, trial)).stdout)
    return folder


TRIALS = ("trial", "head", "agent", "observer", "plateau", "tracker")


def command_of(trial: str, directory: str) -> str:
    """The command of the page that runs `trial`, in `directory`."""
    commands = re.findall(r"```bash\n(.*?)```", PAGE.read_text(), re.DOTALL)
    command = dict(zip(TRIALS, commands, strict=True))[trial].strip()
    return command.replace("python -m", f"{sys.executable} -m") + f" hydra.run.dir={directory}"


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done


def test_the_example_learns_with_all_its_parts(folder: Path) -> None:
    record = json.loads((folder / "trial" / "trial.json").read_text())
    assert record["config"]["env"]["wrappers"] == {"slippery": {"probability": 0.2}}
    assert record["config"]["env"]["max_episode_steps"] == 100
    assert record["config"]["convergence"]["threshold"] == 0.9
    assert record["learner"] == "torch"
    result = json.loads((folder / "trial" / "result.json").read_text())
    assert result["env_steps"] == 4000
    assert result["final_return"] > 0.8  # a random walk earns 0.5, one to the right 0.98
    assert list(result["measures"]) == ["slips"]
    columns, rows = read_metrics(folder / "trial" / "episodes.csv")
    steps, slips = (sum(float(r[columns.index(c)]) for r in rows) for c in ("length", "slips"))
    assert slips / steps == pytest.approx(0.2, abs=0.04)


def test_analysis_runs_the_module_only_when_told_to(folder: Path) -> None:
    command = f"{sys.executable} -m analysis policy trial --episodes 2 --points 11"
    with pytest.raises(AssertionError, match="add --imports"):
        run(folder, command)
    done = run(folder, f"{command} --imports")
    assert "No page" in done.stdout  # the network is none that a page can evaluate
    assert (folder / "trial" / "policy" / "difference.png").exists()


def test_a_head_of_one_s_own_learns_with_its_options(folder: Path) -> None:
    record = json.loads((folder / "head" / "trial.json").read_text())
    assert record["config"]["network"]["head"] == {"name": "expectiles", "options": {"count": 7}}
    assert record["learner"] == "torch"
    result = json.loads((folder / "head" / "result.json").read_text())
    assert result["final_return"] > 60  # a random policy earns 22


def test_an_agent_of_one_s_own_has_its_own_scalars(folder: Path) -> None:
    record = json.loads((folder / "agent" / "trial.json").read_text())
    result = json.loads((folder / "agent" / "result.json").read_text())
    assert record["config"]["agent"]["name"] == "slow"
    assert record["learner"] == "torch"
    columns, rows = read_metrics(folder / "agent" / "losses.csv")
    assert columns == ["episode", "env_step", "update", "loss", "largest_target"]
    assert [int(row[2]) for row in rows] == list(range(50, 1486, 50))
    assert result["updates"] == 1485  # one at each fourth step, from the 64th on
    assert result["final_return"] > 60  # a random policy earns 22


def test_what_an_agent_of_one_s_own_does_not_read_is_refused(folder: Path) -> None:
    told = "agent.double=true: agent.name=slow does not read double; allowed: false, or 'double' in the agent"
    with pytest.raises(AssertionError, match=told):
        run(folder, f"{command_of('agent', 'refused')} agent.double=true")
    assert not (folder / "refused").exists()


@pytest.mark.parametrize(("trial", "steps"), [("agent", 1500), ("observer", 6000)])
def test_a_killed_trial_with_own_parts_goes_on_to_the_same_record(
    folder: Path, trial: str, steps: int
) -> None:
    whole, again = folder / f"{trial}-whole", folder / f"{trial}-again"
    budget = f" budget.env_steps={steps}"
    run(folder, command_of(trial, whole.name) + budget)
    command = command_of(trial, again.name) + budget + " checkpoint.every_seconds=0.05"
    process = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, stdout=subprocess.DEVNULL)
    enough = (whole / "losses.csv").stat().st_size / 2
    while not (again / "losses.csv").exists() or (again / "losses.csv").stat().st_size < enough:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    run(folder, command)
    record = json.loads((again / "trial.json").read_text())
    assert [attempt["from_env_step"] > 0 for attempt in record["attempts"]] == [False, True]
    assert all(attempt["exact"] for attempt in record["attempts"])
    left = {path.name for path in whole.iterdir() if path.suffix in {".csv", ".safetensors", ".txt"}}
    assert "losses.csv" in left
    assert ("notes.txt" in left) == (trial == "observer")
    for name in left:
        assert (again / name).read_bytes() == (whole / name).read_bytes(), name


def test_the_observer_tells_each_evaluation_once(folder: Path) -> None:
    _, rows = read_metrics(folder / "observer" / "evaluations.csv")
    told = [f"{row[1]} steps: {float(row[3]):.6g}" for row in rows]
    assert (folder / "observer" / "notes.txt").read_text().splitlines() == told
    assert len(told) == 3


def test_the_cause_of_an_observer_that_ends_a_trial_is_recorded_and_shown(folder: Path) -> None:
    result = json.loads((folder / "plateau" / "result.json").read_text())
    returns = [float(row[3]) for row in read_metrics(folder / "plateau" / "evaluations.csv")[1]]
    stops = [n > 2 and max(returns[n - 2 : n]) <= max(returns[: n - 2]) for n in range(1, len(returns) + 1)]
    assert stops == [False] * (len(returns) - 1) + [True]
    assert result["env_steps"] == 500 * len(returns) < 50000
    assert result["status"] == "exhausted"
    assert result["cause"] == f"no evaluation of the last 2 was better than {max(returns[:-2]):.6g}"
    assert result["cause"] in (folder / "plateau.out").read_text()


def test_the_tracker_is_told_each_step_once(folder: Path) -> None:
    told = [json.loads(line) for line in (folder / "tracker" / "steps.jsonl").read_text().splitlines()]
    steps = {int(row[1]) for kind in KINDS for row in read_metrics(folder / "tracker" / f"{kind}.csv")[1]}
    assert [line["step"] for line in told] == sorted(steps)
    _, rows = read_metrics(folder / "tracker" / "evaluations.csv")
    assert [line["eval/mean_reward"] for line in told if "eval/mean_reward" in line] == [
        float(row[3]) for row in rows
    ]


def test_what_is_asked_of_a_reader_stays_little() -> None:
    """A DQN of one's own in thirty lines of code, the other parts in about twenty."""
    _, head, agent, observer, plateau, tracker = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    assert len(agent[agent.index("class") :].splitlines()) <= 30
    assert len(head[head.index("class") :].splitlines()) < 22
    assert len(observer[observer.index("class") :].splitlines()) < 22
    assert len(plateau[plateau.index("class") :].splitlines()) < 29
    assert len(tracker[tracker.index("class") :].splitlines()) < 20
