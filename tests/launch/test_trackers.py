"""Trackers of a sweep: refused before it begins, or informed of every trial, even if processes are killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dqn_exp.config.errors import ConfigError
from dqn_exp.plan.preflight import check_trackers
from dqn_exp.runs.points import Points
from tests.helpers import make_config
from tests.program import TINY, alive, descendants, run_here, start, wait_until

SWEEP = ("-m", *TINY, "checkpoint.every_seconds=0", "buffer=100,1k", "seed=1", "track=tensorboard")


@pytest.mark.parametrize(
    ("track", "tracking", "message"),
    [
        (
            ["tensorbord"],
            {},
            r"track: 'tensorbord' is unknown\. Did you mean 'tensorboard'\?",
        ),
        (["wandb"], {"wandb": {"projekt": "x"}}, r"tracking\.wandb=\{.*: \"?.*projekt"),
    ],
)
def test_what_cannot_be_had_is_refused(track: list[str], tracking: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_trackers(make_config(track=track, tracking=tracking))


def test_a_package_that_is_missing_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = make_config(track=["tensorboard"], tracking={"tensorboard": {"folder": "not/asked/for/before"}})
    with pytest.raises(ConfigError) as raised:
        check_trackers(config)
    assert str(raised.value) == (
        "track=tensorboard needs the package tensorboard, which is not installed: "
        "pip install 'dqn_exp[tensorboard]'"
    )


@pytest.mark.parametrize("given", ["track=tensorboard,mlflow", "tracking.wandb.mode=offline,online"])
def test_trackers_are_no_axis(given: str, tmp_path: Path) -> None:
    ended = run_here("-m", *TINY, given, cwd=tmp_path)
    assert ended.code == 2
    assert f"{given}: it applies to the whole sweep; allowed: one value" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_sweep_that_was_killed_has_told_every_point_once(tmp_path: Path) -> None:
    command = (*SWEEP, "budget.env_steps=2k", "hydra.launcher.n_jobs=2", "hydra.sweep.dir=sweep")
    driver = start(*command, cwd=tmp_path)
    board = tmp_path / "outputs" / "tensorboard"
    wait_until(lambda: size_of(board) > 4000 or driver.poll() is not None)
    family = descendants(driver.pid)
    driver.kill()
    driver.wait()
    wait_until(lambda: not alive(family))
    assert not list(tmp_path.glob("sweep/*/tracked.json"))
    ended = run_here(*command, cwd=tmp_path)
    assert ended.code == 0, ended.said
    for buffer in ("100", "1k"):
        points = list(Points(tmp_path / "sweep" / f"buffer={buffer},seed=1").up_to(10**9))
        accumulator = EventAccumulator(str(board / "sweep" / f"buffer={buffer}" / "seed=1"), {"scalars": 0})
        accumulator.Reload()
        for name in ("charts/episodic_return", "eval/mean_reward", "losses/td_loss"):
            told = [(event.step, event.value) for event in accumulator.Scalars(name)]
            expected = [(step, pytest.approx(of[name], rel=1e-6)) for step, of in points if name in of]
            assert told == expected


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*tfevents*"))
