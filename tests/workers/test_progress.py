"""The display of progress while trials run."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from dqn_exp.runs.files import write_json
from dqn_exp.runs.metrics import COLUMNS, MetricsWriter, metrics_path
from dqn_exp.workers.progress import Progress, episode_cells, last_episode


def trial(sweep: Path, name: str, lines: int = 0, **result: object) -> Path:
    directory = sweep / name
    directory.mkdir()
    writer = MetricsWriter(metrics_path(directory, "episodes"), COLUMNS["episodes"])
    for episode in range(1, lines + 1):
        writer.append((episode, 1234 * episode, 0, 20.5, 20, 0.1))
    writer.close()
    if result:
        write_json(directory / "result.json", result)
    return directory


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=70, height=20, record=True)


def test_plain_lines_elsewhere(tmp_path: Path) -> None:
    screen = console(terminal=False)
    with Progress(tmp_path, 12, screen) as progress:
        progress.finished(
            trial(tmp_path, "seed=0", status="exhausted", episodes=30, env_steps=500, final_return=200.0)
        )
        progress.finished(trial(tmp_path, "seed=1", status="failed", cause="OSError: full"), "OSError: full")
        progress.finished(trial(tmp_path, "seed=2"))
    assert screen.export_text().splitlines() == [
        f"12 trials in {tmp_path}",
        "[ 1/12] seed=0: exhausted after 30 episodes, 500 steps, final return 200",
        f"[ 2/12] seed=1: failed: OSError: full (log: {tmp_path}/seed=1/trial.log)",
        f"[ 3/12] seed=2: failed: it left no record (log: {tmp_path}/seed=2/trial.log)",
    ]


def test_a_trial_several_levels_down_is_told_by_all_of_them(tmp_path: Path) -> None:
    screen = console(terminal=False)
    (tmp_path / "lr=0.1").mkdir()
    below = trial(tmp_path / "lr=0.1", "seed=0", status="exhausted", episodes=3, env_steps=5)
    with Progress(tmp_path, 1, screen) as progress:
        progress.finished(below)
        progress.running([below])
    screen.print(progress._view())
    lines = screen.export_text().splitlines()
    assert lines[1].startswith("[1/1] lr=0.1/seed=0: exhausted")
    assert lines[-1].split()[0] == "lr=0.1/seed=0"


def test_the_live_view(tmp_path: Path) -> None:
    screen = console(terminal=True)
    progress = Progress(tmp_path, 4, screen)
    progress.finished(trial(tmp_path, "seed=0", status="converged", episodes=3, env_steps=5))
    progress.running([trial(tmp_path, "buffer=17k,seed=1", lines=7), trial(tmp_path, "buffer=[red]")])
    screen.print(progress._view())
    lines = screen.export_text().splitlines()
    assert lines[0].startswith("1/4 done  1 converged  0:00:00 so far, about 0:00:00 left")
    assert lines[2].split() == ["2", "running", "episode", "env", "steps", "last", "return"]
    assert lines[3].split() == ["buffer=17k,seed=1", "7", "8", "638", "20.5"]
    assert lines[4].split() == ["buffer=[red]", "-", "-", "starting"]


def test_what_runs_ahead_is_marked(tmp_path: Path) -> None:
    screen = console(terminal=True)
    progress = Progress(tmp_path, 4, screen)
    progress.running([trial(tmp_path, "seed=1", lines=7)], [trial(tmp_path, "seed=2", lines=3)])
    screen.print(progress._view())
    lines = screen.export_text().splitlines()
    assert lines[2].split()[:2] == ["2", "running"]
    assert [line.split()[:3] for line in lines[3:5]] == [["seed=1", "7", "8"], ["seed=2", "(ahead)", "3"]]


def test_a_failure_is_shown_at_once_above_the_live_view(tmp_path: Path) -> None:
    screen = console(terminal=True)
    with Progress(tmp_path, 2, screen) as progress:
        progress.finished(trial(tmp_path, "seed=0", status="converged", episodes=3, env_steps=5))
        progress.finished(
            trial(tmp_path, "seed=1", status="failed", cause="ValueError: no"), "ValueError: no"
        )
    text = screen.export_text(clear=False)
    assert "[2/2] seed=1: failed: ValueError: no" in text
    assert "[1/2]" not in text


def test_the_only_trial_leaves_a_line_on_the_terminal(tmp_path: Path) -> None:
    screen = console(terminal=True)
    with Progress(tmp_path, 1, screen) as progress:
        progress.finished(trial(tmp_path, "now", status="converged", episodes=3, env_steps=5))
    assert "[1/1] now: converged after 3 episodes, 5 steps" in screen.export_text()


def test_many_running_trials_fit_the_screen(tmp_path: Path) -> None:
    screen = console(terminal=True)
    progress = Progress(tmp_path, 64, screen)
    progress.running([tmp_path / f"a_rather_long_name_of_a_trial,buffer=17k,seed={i}" for i in range(64)])
    screen.print(progress._view())
    lines = screen.export_text().splitlines()
    assert len(lines) <= screen.height
    assert max(map(len, lines)) <= 70
    assert "64 running" in lines[2]


def test_the_last_whole_line_counts(tmp_path: Path) -> None:
    directory = trial(tmp_path, "seed=0", lines=2)
    with open(metrics_path(directory, "episodes"), "a") as file:
        file.write("3,99")
    assert last_episode(directory) == (2, 2468, 20.5)
    assert episode_cells(directory) == ("2", "2\N{NARROW NO-BREAK SPACE}468", "20.5")
    assert last_episode(tmp_path / "nowhere") is None
    assert episode_cells(tmp_path / "nowhere") == ("-", "-", "starting")


def test_it_says_what_keeps_a_new_machine_waiting(tmp_path: Path) -> None:
    directory = trial(tmp_path, "seed=0")
    compiling = (
        "[2026-01-01 00:00:00,0][dqn_exp.agent.fused.compilation][INFO] - compiling update_float32: ...\n"
    )
    (directory / "trial.log").write_text(compiling)
    assert episode_cells(directory) == ("-", "-", "compiling")
    (directory / "trial.log").write_text(compiling + "[...][INFO] - training from environment step 0\n")
    assert episode_cells(directory) == ("-", "-", "starting")
