"""An interrupted trial continues exactly; a failed trial records the reason."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import resource
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import Config
from dqn_exp.runs.files import NETWORK
from dqn_exp.runs.lock import directory_lock
from dqn_exp.runs.record import Pruned, record_trial, run_trial
from dqn_exp.runs.result import read_result
from tests.helpers import gymnasium_env, make_config
from tests.program import records
from tests.runs.test_files import small_disk  # noqa: F401 - a fixture

SHORT: dict[str, Any] = {
    "budget__env_steps": 700,
    "batch": 32,
    "buffer": 300,
    "evaluation__every_steps": 150,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "metrics__loss_every": 10,
    "checkpoint__every_seconds": 0,
}
GAME: dict[str, Any] = {
    "budget__env_steps": 200,
    "batch": 8,
    "buffer": 100,
    "train_every": 10,
    "network__hidden": [8],
    "metrics__loss_every": 1,
    "evaluation__every_steps": 50,
    "evaluation__max_episode_steps": 20,
}
KINDS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "uniform without replacement": {"replay__replacement": False, "learner": "torch"},
    "prioritised": {"replay": "prioritised"},
    "online": {"replay": "online"},
    "n-step": {"replay__n_step": 3},
    "prioritised n-step": {"replay": "prioritised", "replay__n_step": 3, "agent": "double_dqn"},
    "torch adam": {"learner": "torch"},
    "rainbow without noise": {"agent": "rainbow", "network__noisy": False, "agent__learning_starts": 50},
    "rmsprop": {"optimizer": "rmsprop", "optimizer__momentum": 0.9},
    "torch rmsprop": {"optimizer": "rmsprop", "optimizer__momentum": 0.9, "learner": "torch"},
    "sgd": {"optimizer": "sgd", "optimizer__momentum": 0.9},
    "torch sgd": {"optimizer": "sgd", "optimizer__momentum": 0.9, "learner": "torch"},
    "batch norm": {"network": "mlp_batchnorm"},
    "lunar lander": {"env": "lunarlander", "target": "soft"},
    "by episodes": {"evaluation__every_episodes": 3, "exploration": "multiplicative", "target": "steps"},
    "minatar": {"env": "minatar", **GAME},
    "atari": {"env": "atari", **GAME, "budget__env_steps": 100, "env__max_episode_steps": 30},
    "eight copies": {"env__parallel": 8, "replay__n_step": 3, "target": "soft", "update_every": 5},
    "keep best": {
        "checkpoint__keep_best": "episode",
        "convergence__threshold": 15,
        "convergence__stop": True,
    },
}


def short(**settings: Any) -> Config:
    return make_config(**{**SHORT, **settings})


def in_another_process(config: Config, directory: Path, die_at: int) -> int:
    """Run the trial in a fork of this process that kills itself at its event number `die_at`."""

    def work() -> None:
        for number, _ in enumerate(record_trial(config, directory, {})):
            if number == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@pytest.mark.parametrize("kind", KINDS)
def test_killed_twice_it_continues_bit_for_bit(kind: str, tmp_path: Path) -> None:
    config, whole, killed = short(**KINDS[kind]), tmp_path / "whole", tmp_path / "killed"
    events = sum(1 for _ in record_trial(config, whole, {}))
    for die_at in (int(events * 0.35), int(events * 0.3)):
        assert in_another_process(config, killed, die_at) == -signal.SIGKILL
        assert (killed / "checkpoint.safetensors").exists()
    assert read_result(killed).status == "running"  # type: ignore[union-attr]
    result, expected = run_trial(config, killed, {}), read_result(whole)
    assert expected is not None
    assert records(killed) == records(whole)
    assert (result.status, result.final_returns) == (expected.status, expected.final_returns)
    names = {path.name for path in whole.iterdir()}
    assert {path.name for path in killed.iterdir()} == names
    if "best.safetensors" in names:
        assert (killed / "best.safetensors").read_bytes() == (whole / "best.safetensors").read_bytes()


def test_without_a_checkpoint_it_begins_again(tmp_path: Path) -> None:
    config = short(checkpoint__every_seconds=1e9)
    run_trial(config, tmp_path / "whole", {})
    in_another_process(config, tmp_path / "killed", 20)
    run_trial(config, tmp_path / "killed", {})
    assert records(tmp_path / "killed") == records(tmp_path / "whole")


def test_what_ran_before_in_the_process_does_not_matter(tmp_path: Path) -> None:
    run_trial(short(), tmp_path / "first", {})
    run_trial(short(env="lunarlander", replay="prioritised"), tmp_path / "between", {})
    run_trial(short(), tmp_path / "second", {})
    assert records(tmp_path / "first") == records(tmp_path / "second")


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    events = record_trial(short(), tmp_path, {})
    for _ in range(30):
        next(events)
    events.close()
    return tmp_path


def test_closing_the_iterator_interrupts(interrupted: Path) -> None:
    result = read_result(interrupted)
    assert result is not None
    assert result.status == "interrupted"
    assert 0 < result.env_steps < 700


def test_another_configuration_is_refused(interrupted: Path) -> None:
    before = {path.name: path.read_bytes() for path in interrupted.iterdir()}
    with pytest.raises(ConfigError, match="already holds a trial of another configuration"):
        run_trial(short(gamma=0.5), interrupted, {})
    assert {path.name: path.read_bytes() for path in interrupted.iterdir()} == before


def test_a_finished_trial_is_left_alone(tmp_path: Path) -> None:
    run_trial(short(), tmp_path, {})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "checkpoint.safetensors").touch()  # its process was killed before it could be removed
    assert list(record_trial(short(), tmp_path, {})) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_it_waits_for_the_worker_of_a_killed_driver(tmp_path: Path) -> None:
    """An orphan may hold the lock for a moment more."""

    def orphan() -> None:
        with directory_lock(tmp_path):
            ready.set()
            released.wait(1.0)

    context = multiprocessing.get_context("fork")
    ready, released = context.Event(), context.Event()
    process = context.Process(target=orphan)
    process.start()
    ready.wait()
    assert run_trial(short(), tmp_path, {}).status == "exhausted"
    process.join()


def test_a_result_says_how_the_trial_stands(tmp_path: Path) -> None:
    events = record_trial(short(), tmp_path, {})
    next(events)
    running = read_result(tmp_path)
    assert running is not None
    assert (running.status, running.ended, running.env_steps, running.final_return) == (
        "running",
        None,
        0,
        None,
    )
    list(events)
    result = read_result(tmp_path)
    assert result is not None
    assert (result.status, result.cause) == ("exhausted", None)
    assert result.ended is not None
    assert result.env_steps_per_second == pytest.approx(result.env_steps / result.wall_seconds, rel=1e-3)
    assert result.final_return == np.mean(result.final_returns)
    assert result.final_std == np.std(result.final_returns)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the stopwatch is a second later."""
    ticks = itertools.count()
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr("dqn_exp.runs.watched.time", clock)


def test_seconds_may_be_the_budget(ticking: None, tmp_path: Path) -> None:
    """Counted over all attempts; other trials that train meanwhile in this process take none of them."""
    config = short(budget__seconds=100)
    whole = run_trial(config, tmp_path / "whole", {})
    assert (whole.status, whole.wall_seconds) == ("exhausted", pytest.approx(100, abs=5))
    assert str(whole.cause).startswith(
        f"budget.seconds=100 was spent at environment step {whole.env_steps}: "
    )
    assert whole.final_return is not None
    assert 20 < whole.env_steps < 600
    events = record_trial(config, tmp_path / "cut", {})
    for _ in range(12):
        next(events)
    events.close()  # type: ignore[attr-defined]
    cut = read_result(tmp_path / "cut")
    continued = run_trial(config, tmp_path / "cut", {})
    assert 0.3 * whole.env_steps < cut.env_steps < continued.env_steps < 1.2 * whole.env_steps  # type: ignore[union-attr]


def test_wall_time_is_that_of_all_attempts(ticking: None, tmp_path: Path) -> None:
    whole = run_trial(short(), tmp_path / "whole", {})
    events = record_trial(short(), tmp_path / "cut", {})
    for _ in range(12):
        next(events)
    events.close()  # type: ignore[attr-defined]
    cut = read_result(tmp_path / "cut")
    assert cut is not None
    assert 12 <= cut.wall_seconds < whole.wall_seconds - 12
    assert run_trial(short(), tmp_path / "cut", {}).wall_seconds == pytest.approx(whole.wall_seconds, abs=5)


def test_seconds_that_are_not_spent_change_nothing(tmp_path: Path) -> None:
    run_trial(short(), tmp_path / "without", {})
    result = run_trial(short(budget__seconds=1e6), tmp_path / "with", {})
    assert (result.status, result.cause) == ("exhausted", None)
    assert records(tmp_path / "with") == records(tmp_path / "without")


def test_a_trial_whose_time_is_over_goes_on_when_it_gets_more(tmp_path: Path) -> None:
    first = run_trial(short(budget__seconds=1e-9, checkpoint__keep_final=True), tmp_path / "cut", {})
    assert first.env_steps < 100
    run_trial(short(budget__seconds=1e6), tmp_path / "cut", {})
    run_trial(short(), tmp_path / "whole", {})
    assert records(tmp_path / "cut") == records(tmp_path / "whole")


def test_pruned_from_outside(tmp_path: Path) -> None:
    events = record_trial(short(), tmp_path, {})
    next(events)
    with pytest.raises(StopIteration):
        events.throw(Pruned("worse than the median at step 300"))  # type: ignore[attr-defined]
    result = read_result(tmp_path)
    assert result is not None
    assert (result.status, result.cause) == ("pruned", "worse than the median at step 300")


def test_divergence_is_an_outcome(tmp_path: Path) -> None:
    result = run_trial(short(lr=1e9, optimizer="sgd"), tmp_path, {})
    assert result.status == "diverged"
    assert result.cause is not None
    assert result.final_return is not None
    assert run_trial(short(lr=1e9, optimizer="sgd"), tmp_path, {}) == result


def test_a_file_size_limit_fails_the_trial_and_keeps_what_was_there(tmp_path: Path) -> None:
    """The limit of 2 KiB lets the metrics files fill up, and no network or checkpoint be written."""

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))
        run_trial(short(), tmp_path, {})

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 1
    result = json.loads((tmp_path / "result.json").read_text())
    assert (result["status"], "File too large" in result["cause"]) == ("failed", True)
    assert not list(tmp_path.glob(".*.tmp"))
    assert run_trial(short(), tmp_path, {}).status == "exhausted"
    run_trial(short(), tmp_path / "whole", {})
    assert records(tmp_path) == records(tmp_path / "whole")


def test_a_full_disk_fails_the_trial_and_says_so_there(small_disk: Path) -> None:  # noqa: F811
    """Ballast leaves room for the first records, not for a checkpoint; then even result.json has none."""
    (small_disk / "ballast").write_bytes(bytes(28 * 1024))
    with pytest.raises(OSError, match="No space left"):
        run_trial(short(metrics__loss_every=1, checkpoint__every_seconds=1e9), small_disk, {})
    result = read_result(small_disk)
    assert result is not None
    assert result.status == "failed"
    assert "No space left" in str(result.cause)
    (small_disk / "ballast").unlink()


def test_an_episode_that_never_ends_is_continued_in_its_middle(tmp_path: Path) -> None:
    settings = {**gymnasium_env("probe/Cycle-v0"), "env__max_episode_steps": "unlimited", "batch": 8}
    settings |= {"budget__env_steps": 600, "metrics__loss_every": 50, "evaluation__final_episodes": 1}
    config = make_config(**settings, checkpoint__every_seconds=0)
    run_trial(config, tmp_path / "whole", {})
    events = record_trial(config, tmp_path / "cut", {})
    for _ in range(6):
        next(events)
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path / "cut", {})
    record = json.loads((tmp_path / "cut" / "trial.json").read_text())
    assert [attempt["from_env_step"] for attempt in record["attempts"]] == [0, 307]
    for name in ("episodes.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_trial_starts_from_the_network_that_is_named(tmp_path: Path) -> None:
    """Its first step learns nothing, so what it began with is what it saves."""
    source, first_step = tmp_path / "source", {"budget__env_steps": 1, "seed": 1}
    run_trial(short(), source, {})
    run_trial(short(**first_step, init_from=str(source)), tmp_path / "warm", {})
    run_trial(short(**first_step), tmp_path / "cold", {})
    weights = {name: (tmp_path / name / NETWORK).read_bytes() for name in ("source", "warm", "cold")}
    assert weights["warm"] == weights["source"] != weights["cold"]
