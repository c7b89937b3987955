"""seed=until_decided on the command line: run to its end, killed and continued, refused."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from analysis import load_curves, load_runs
from analysis.records import read_sweep
from analysis.report.overview import overview
from dqn_exp.cli import ReportJudge
from dqn_exp.config import ConfigError
from dqn_exp.launch.looks import SeedsDesign
from dqn_exp.launch.pace import NoPaceError
from dqn_exp.runs import is_locked
from dqn_exp.statuses import FINISHED
from tests.helpers import make_config
from tests.program import alive, descendants, records, run_here, start, wait_until

TRIAL = (
    "imports=[tests.probes]",
    "env=gymnasium",
    "env.id=probe/RewardByBoth-v0",
    "env.max_episode_steps=5",
    "convergence.threshold=1",
    "convergence.consecutive=1",
    "convergence.stop=true",
    "budget.env_steps=200",
    "batch=32",
    "evaluation.every_steps=20",
    "evaluation.episodes=6",
    "evaluation.final_episodes=1",
    "exploration=constant",
    "exploration.epsilon=1",
    "report=false",
    "hydra.launcher.n_jobs=2",
)
"""A trial of a tenth of a second."""
COMMAND = ("-m", *TRIAL, "seed=until_decided", "seeds.looks=[6,8]", "lr=1e-9,1e-3,2e-3")
"""lr=1e-9 learns nothing."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """`run_here` writes beside its directory."""
    (tmp_path / "cwd").mkdir()
    return tmp_path / "cwd"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep without any accident; beside it what was said."""
    cwd = tmp_path_factory.mktemp("undisturbed") / "cwd"
    cwd.mkdir()
    ended = run_here(*COMMAND, "hydra.sweep.dir=sweep", cwd=cwd)
    assert ended.code == 0, ended.said
    (cwd / "said").write_text(ended.out)
    return cwd / "sweep"


def manifest(sweep: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((sweep / "sweep.json").read_text())
    return content


def trials(sweep: Path) -> list[str]:
    """Those that the looks have asked for."""
    names = sorted(trial["name"] for trial in manifest(sweep)["trials"])
    assert all((sweep / name / "trial.json").exists() for name in names)
    return names


def test_who_is_decided_gets_no_more_seeds(undisturbed: Path) -> None:
    said = (undisturbed.parent / "said").read_text()
    assert "look 1, 6 seeds: lr = 1e-09 undecided, 0.002 undecided\n" in said
    assert "look 2, 8 seeds: lr = 1e-09 differs (slower), 0.002 undecided\n" in said
    assert "lr = 1e-09 converges slower than lr = 0.001 (the default): restricted mean" in said
    assert "lr = 0.002 is not decided against lr = 0.001 (the default) within 8 seeds" in said
    content = manifest(undisturbed)
    assert content["complete"]
    declared = {"first": 0, "looks": [6, 8], "margin": [0.8, 1.25], "alpha": 0.05, "reserve": 0.0}
    assert content["seeds"] == declared
    (design,) = content["designs"]
    assert {**design, "declared": ""} == {**declared, "taken": 0, "declared": ""}
    assert [(look["seeds"], look["value"], look["verdict"]) for look in content["looks"]] == [
        (6, "1e-09", "undecided"),
        (6, "0.002", "undecided"),
        (8, "1e-09", "differs"),
        (8, "0.002", "undecided"),
    ]
    assert content["defaults"]["lr"] == 1e-3


def test_values_that_gave_the_same_trials_get_no_more(place: Path) -> None:
    """Buffers that never fill. The looks are chosen in a sweeps file."""
    (place / "sweeps").mkdir()
    (place / "sweeps" / "mine.yaml").write_text(
        "# @package _global_\nseeds: {looks: [6, 8, 9], first: 4}\n"
        "hydra: {sweeper: {params: {buffer: '1k,2k', seed: until_decided}}}\n"
    )
    ended = run_here("-m", *TRIAL, "sweeps=mine", "lr=1e-2", "hydra.sweep.dir=sweep", cwd=place)
    assert ended.code == 0, ended.said
    assert "look 1, 6 seeds: buffer = 1k gave the same trials\n" in ended.out
    assert "gave the same trials as buffer = 2k" in ended.out
    assert "they differ for fewer than 39% of seeds" in ended.out
    assert trials(place / "sweep") == sorted(
        f"buffer={b},seed={s}" for b in ("1k", "2k") for s in range(4, 10)
    )


def test_killed_at_both_looks_it_ends_with_the_same_looks(undisturbed: Path, tmp_path: Path) -> None:
    """The same trials, bit for bit, none of them trained again; the interrupted sweep is found by itself."""
    finished: dict[Path, bytes] = {}
    for n_ended in (5, 20):
        driver = start(*COMMAND, cwd=tmp_path)
        wait_until(lambda: len(list(ends(tmp_path))) >= n_ended or driver.poll() is not None)  # noqa: B023
        family = descendants(driver.pid)
        driver.kill()
        driver.wait()
        wait_until(lambda: not alive(family))  # noqa: B023
        assert not any(manifest(path)["complete"] for path in tmp_path.glob("outputs/sweeps/*"))
        finished |= {path: path.read_bytes() for path in ends(tmp_path)}
    (tmp_path / "cwd").mkdir()
    (tmp_path / "outputs").rename(tmp_path / "cwd" / "outputs")
    ended = run_here(*COMMAND, cwd=tmp_path / "cwd")
    assert ended.code == 0, ended.said
    (sweep,) = (tmp_path / "cwd" / "outputs" / "sweeps").iterdir()
    assert manifest(sweep)["looks"] == manifest(undisturbed)["looks"]
    assert trials(sweep) == trials(undisturbed)
    for trial in trials(sweep):
        assert records(sweep / trial) == records(undisturbed / trial)
    for path, content in finished.items():
        assert (tmp_path / "cwd" / path.relative_to(tmp_path)).read_bytes() == content


def test_looks_at_trials_that_were_taken_find_what_the_trained_ones_showed(
    undisturbed: Path, place: Path
) -> None:
    """And say what that is worth."""
    asked = (f"reuse=[{undisturbed}]", "hydra.sweep.dir=sweep")
    ended = run_here(*COMMAND, *asked, cwd=place)
    assert ended.code == 0, ended.said
    assert f"18 of 18 trials taken from {undisturbed}" in ended.out
    assert re.search(rf"[46] of [46] trials taken from {undisturbed}", ended.out)
    sweep = place / "sweep"
    assert manifest(sweep)["looks"] == manifest(undisturbed)["looks"]
    assert trials(sweep) == trials(undisturbed)
    for trial in trials(sweep):
        assert records(sweep / trial) == records(undisturbed / trial)
    said, taken = " ".join(overview(read_sweep(sweep))), len(trials(sweep))
    assert f"{taken} of {taken} trials were not trained for this sweep" in said
    assert "The looks keep their declared error, unless values or looks were chosen because of the" in said
    assert "not trained" not in " ".join(overview(read_sweep(undisturbed)))


def ends(place: Path) -> Iterator[Path]:
    """The results of trials that are over."""
    return (path for path in place.rglob("result.json") if json.loads(path.read_text())["status"] in FINISHED)


def test_a_reserve_pays_for_looks_that_are_added_when_all_were_taken(place: Path) -> None:
    """What was found stays, trials too; stopped by Ctrl-C, the same command goes on by the same design."""
    values = ("-m", *TRIAL, "seed=until_decided", "lr=1e-3,2e-3", "hydra.sweep.dir=sweep")
    ended = run_here(*values, "seeds.looks=[6,8]", "seeds.reserve=0.2", cwd=place)
    assert ended.code == 0, ended.said
    assert "20% of the error is left for more looks" in ended.out
    before, trained = manifest(place / "sweep"), {path: path.read_bytes() for path in ends(place)}
    assert len(trained) == 16
    longer = (*values, "seeds.looks=[6,8,20]")
    driver = start(*longer, cwd=place)
    wait_until(lambda: len(list(ends(place))) > 18 or driver.poll() is not None)
    driver.send_signal(signal.SIGINT)
    assert driver.wait() == 130
    extended = manifest(place / "sweep")
    assert [(one["taken"], one["looks"]) for one in extended["designs"]] == [(0, [6, 8]), (2, [6, 8, 20])]
    assert extended["looks"] == before["looks"]
    ended = run_here(*longer, cwd=place)
    assert ended.code == 0, ended.said
    assert "look 3, 20 seeds: lr = 0.002 differs (faster)\n" in ended.out
    after = manifest(place / "sweep")
    assert after["looks"][:2] == before["looks"]
    assert [round(look["boundary"], 9) for look in after["looks"][1:]] == [0.04, 0.05]
    assert [look["extension"] for look in after["looks"]] == [0, 0, 1]
    assert (after["designs"], after["complete"]) == (extended["designs"], True)
    assert {path: path.read_bytes() for path in trained} == trained


WAITS = """
import time
from pathlib import Path
from dqn_exp.registry import observers
from dqn_exp.runs import Observer

@observers.register("waits")
class Waits(Observer):
    def __init__(self, run, directory, last, never):
        self.waits_forever, self.waits = directory.name == never, directory.name == last

    def on(self, event, run):
        while self.waits_forever or (self.waits and not Path("go").exists()):
            time.sleep(0.01)
"""


def test_idle_workers_train_ahead_and_change_nothing(place: Path) -> None:
    """One trial of the first look waits until the other worker has come to the last trial of the next look.

    That one would never end, and its value is decided by then: it is stopped. All is killed before.
    """
    (place / "waits.py").write_text(WAITS)
    last, never = "lr=0.002,seed=5", "lr=1e-09,seed=7"
    command = ["-m", *TRIAL, "seed=until_decided", "seeds.looks=[6,8]", "lr=1e-3,2e-3,1e-9"]
    command += ["imports=[tests.probes,waits]", "seeds.alpha=0.2"]
    here = ("hydra.sweep.dir=sweep", f"+observers.waits.last='{last}'", f"+observers.waits.never='{never}'")

    def both_wait() -> bool:
        there = [place / "sweep" / trial for trial in (last, never)]
        return all((path / "trial.json").exists() and is_locked(path) for path in there)

    driver = start(*command, *here, cwd=place)
    wait_until(lambda: both_wait() or driver.poll() is not None)
    family = descendants(driver.pid)
    driver.kill()
    driver.wait()
    wait_until(lambda: not alive(family))
    ahead = [f"{lr},seed={seed}" for seed in (6, 7) for lr in ("lr=0.001", "lr=0.002", "lr=1e-09")]
    assert (manifest(place / "sweep")["ahead"], manifest(place / "sweep")["looks"]) == (ahead, [])
    finished = {path: path.read_bytes() for path in ends(place)}
    assert {path.parent.name for path in finished} >= {*ahead[:-1]}
    (place / "go").touch()
    ended = run_here(*command, *here, cwd=place)
    assert ended.code == 0, ended.said
    assert "Started ahead, but needed by no look: 2 trials." in ended.out
    assert {path: path.read_bytes() for path in finished} == finished
    alone = run_here(*command, "hydra.sweep.dir=alone", "hydra.launcher.n_jobs=1", cwd=place)
    assert alone.code == 0, alone.said
    ours, theirs = (manifest(place / name) for name in ("sweep", "alone"))
    assert ours["looks"] == theirs["looks"]
    assert [look["verdict"] for look in ours["looks"]][:2] == ["differs", "undecided"]
    assert (ours["ahead"], theirs["ahead"]) == (["lr=1e-09,seed=6", never], [])
    assert trials(place / "sweep") == trials(place / "alone")
    for trial in trials(place / "sweep"):
        assert records(place / "sweep" / trial) == records(place / "alone" / trial)
    runs, curves = load_runs(place / "sweep"), load_curves(place / "sweep", "evaluations")
    assert set(runs["run"]) == set(curves["run"]) == set(trials(place / "alone"))
    read = read_sweep(place / "sweep")
    ends_ahead = {entry.run: entry.status for entry in read.ahead}
    assert ends_ahead == {"lr=1e-09,seed=6": "converged", never: "interrupted"}
    told = "Started for a later look, and therefore not counted: 2 more trials, 1 of them finished"
    assert told in " ".join(overview(read))


BREAKS = """
from dqn_exp.registry import observers
from dqn_exp.runs import Observer

@observers.register("breaks")
class Breaks(Observer):
    def __init__(self, run, directory, at):
        if directory.name == at:
            raise RuntimeError("it broke")
"""


def test_a_lost_trial_is_told_and_not_tried_again(place: Path) -> None:
    (place / "breaks.py").write_text(BREAKS)
    command = ["-m", *TRIAL, "seed=until_decided", "seeds.looks=[7]", "lr=1e-9,1e-3", "hydra.sweep.dir=sweep"]
    command[1] = "imports=[tests.probes,breaks]"
    ended = run_here(*command, "+observers.breaks.at='lr=1e-09,seed=2'", cwd=place)
    assert ended.code == 0, ended.said
    assert "it broke" in ended.out
    assert "look 1, 7 seeds: lr = 1e-09 " in ended.out
    assert "Failed, and left out of the looks: lr=1e-09,seed=2." in ended.out
    found = manifest(place / "sweep")
    assert (found["lost"], found["complete"]) == (["lr=1e-09,seed=2"], True)
    mended = run_here(*command, "+observers.breaks.at=nowhere", cwd=place)
    assert mended.code == 0, mended.said
    assert manifest(place / "sweep")["looks"] == found["looks"]
    result = json.loads((place / "sweep" / "lr=1e-09,seed=2" / "result.json").read_text())
    assert result["status"] == "failed"


def test_the_same_command_trains_nothing_again_and_another_design_is_refused(undisturbed: Path) -> None:
    before = {path: path.read_bytes() for path in undisturbed.glob("*/*") if path.is_file()}
    here = (f"hydra.sweep.dir={undisturbed}",)
    again = run_here(*COMMAND, *here, cwd=undisturbed.parent)
    assert again.code == 0, again.said
    longer = run_here(*COMMAND, *here, "seeds.looks=[6,8,12]", cwd=undisturbed.parent)
    assert longer.code == 2
    assert "have spent all of seeds.alpha=0.05" in longer.err
    assert "seeds.first=8" in longer.err
    other = run_here(*COMMAND, *here, "seeds.alpha=0.1", "dry_run=true", cwd=undisturbed.parent)
    assert other.code == 2
    assert "seeds.looks=[6,8] " in other.err
    assert {path: path.read_bytes() for path in undisturbed.glob("*/*") if path.is_file()} == before


def test_trials_that_were_looked_at_keep_their_budget(place: Path) -> None:
    """Those that kept what it takes to go on would, and the looks would find something else."""
    asked = (*COMMAND[:-1], "lr=1e-9,1e-3", "checkpoint.keep_final=true", "hydra.sweep.dir=sweep")
    driver = start(*asked, cwd=place)
    wait_until(lambda: len(list(ends(place))) >= 2 or driver.poll() is not None)
    driver.send_signal(signal.SIGINT)
    assert driver.wait() == 130
    n_ended = len(list(ends(place)))
    assert n_ended < 12
    longer = run_here(*asked, "budget.env_steps=240", cwd=place)  # before any look
    assert longer.code == 0, longer.said
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for further, told in (
        (
            "budget.env_steps=400",
            "budget.env_steps=400: the looks in sweep were taken with budget.env_steps=240,",
        ),
        (
            "budget.episodes=300",
            "budget.episodes=300: the looks in sweep were taken with budget.episodes=null,",
        ),
    ):
        for dry_run in ("dry_run=true", "dry_run=false"):
            refused = run_here(*asked, "budget.env_steps=240", further, dry_run, cwd=place)
            assert refused.code == 2
            assert refused.err.startswith(told)
            assert "another hydra.sweep.dir with seeds that no look has used (seeds.first=8)" in refused.err
            assert refused.err.count("\n") == 1
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_dry_run_tells_the_most(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NoPaceError("nothing is measured here")

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", fail)
    ended = run_here(*COMMAND, "dry_run=true", cwd=place)
    assert ended.code == 0, ended.said
    assert "at most what follows. The first look takes 6 seeds of each value, 18 trials" in ended.out
    assert "24 trials in outputs/sweeps/" in ended.out
    assert list(place.iterdir()) == []


LR = ("lr", (1e-3, 1e-2))


@pytest.mark.parametrize(
    ("swept", "first_look", "every_steps", "told"),
    [
        (LR, 4, 2000, "fewer than 6 seeds"),
        (("convergence__consecutive", (1, 2)), 6, 2000, "changes what convergence means"),
        (LR, 6, None, "how soon trials converge: there are no evaluations"),
        (("lr", tuple(n / 100 for n in range(1, 10))), 6, 2000, "lr has 9 values; allowed: at most 8"),
        (("lr", (1e-3,)), 6, 2000, "the trials differ in nothing; allowed: one axis"),
    ],
)
def test_what_can_decide_nothing_is_refused(
    swept: tuple[str, Sequence[float]], first_look: int, every_steps: int | None, told: str
) -> None:
    name, values = swept
    configs = [make_config(evaluation__every_steps=every_steps, **{name: value}) for value in values]
    design = SeedsDesign(first=0, looks=(first_look, 8), margin=(0.8, 1.25), alpha=0.05)
    with pytest.raises(ConfigError, match=re.escape(told)):
        ReportJudge().check(design, configs, [])


def test_several_axes_are_refused_before_anything_is_written(place: Path) -> None:
    ended = run_here("-m", *TRIAL, "seed=until_decided", "lr=1e-2,1e-3", "batch=16,32", cwd=place)
    assert (ended.code, ended.out) == (2, "")
    assert "the sweep has: batch, lr" in ended.err
    assert list(place.iterdir()) == []


def test_one_trial_has_one_seed(place: Path) -> None:
    ended = run_here("seed=until_decided", cwd=place)
    assert ended.code == 2
    assert "python -m dqn_exp -m seed=until_decided" in ended.err
