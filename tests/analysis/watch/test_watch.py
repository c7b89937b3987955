"""A running sweep in a real browser, and the requests that its server refuses."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.errors import AnalysisError
from analysis.watch.drawing import NOTHING, LatestReport
from analysis.watch.server import Server
from analysis.watch.state import Watched, study_of
from dqn_exp.runs import directory_lock
from tests.analysis.browser import started
from tests.analysis.synthetic import BUDGET, buffer_sweep, write_sweep, write_trial
from tests.program import ROOT, alive, descendants, tree, wait_until

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"


@contextmanager
def served(sweep: Path) -> Iterator[Server]:
    """The server in this process, with a report that is not drawn."""
    watched = Watched(sweep)
    report = LatestReport(watched)
    with Server(watched, report, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    report._folder.cleanup()


def ask(server: Server, path: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_what_has_ended_what_runs_and_how_long_it_takes(tmp_path: Path) -> None:
    sweep = buffer_sweep(tmp_path / "sweep")
    running = sweep / "buffer=500,seed=0"
    shutil.rmtree(running)
    write_trial(running, {"buffer": 500, "seed": 0}, status="running", end=BUDGET / 2)
    shutil.rmtree(sweep / "buffer=500,seed=1")  # planned, not begun
    with directory_lock(running):
        state = Watched(sweep).state()
    assert (state["total"], state["over"]) == (9, 7)
    assert state["counts"] == {"converged": 6, "exhausted": 1, "running": 1}
    (row,) = state["running"]
    assert (row["run"], row["share"]) == ("buffer=500,seed=0", 0.5)
    assert state["left"] == "about 0:00:03 left"  # 2.5 s a trial: half of one, and a whole one
    state = Watched(sweep).state()
    assert (state["running"], state["left"]) == ([], "nothing runs now")
    assert state["counts"]["interrupted"] == 1


def test_a_study_counts_with_the_trials_that_it_may_still_train(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "study", {"lr": [0.1]}, 2, lambda cell, seed: 5000)
    running = write_trial(sweep / "lr=0.1,seed=2", {"lr": 0.1, "seed": 2}, status="running")
    plan = {"trials": [], "complete": False, "study": {"name": "s", "storage": "", "most_trials": 6}}
    (sweep / "sweep.json").write_text(json.dumps(plan))
    with directory_lock(running):
        state = Watched(sweep).state()
        assert (state["total"], state["over"]) == (6, 2)
        assert state["left"] == "about 0:00:07 left"  # 2.5 s a trial, and three have not begun
    end(running)
    (sweep / "sweep.json").write_text(json.dumps({**plan, "complete": True}))
    state = Watched(sweep).state()
    assert (state["total"], state["over"], state["left"]) == (3, 3, "")


def test_of_a_trial_of_a_newer_format_only_the_budget_is_unknown(buffers: Path) -> None:
    running = buffers / "buffer=500,seed=0"
    shutil.rmtree(running)
    write_trial(running, {"buffer": 500, "seed": 0}, status="running", end=BUDGET / 2)
    path = running / "trial.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with directory_lock(running):
        (row,) = Watched(buffers).state()["running"]
    assert (row["run"], row["share"]) == ("buffer=500,seed=0", None)


@pytest.mark.parametrize("read", [study_of, lambda sweep: Watched(sweep).state()])
def test_a_sweep_of_a_newer_format_is_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text('{"format": 99, "study": {"storage": "a", "name": "b"}}')
    with pytest.raises(AnalysisError, match="it has format 99; allowed: format 1"):
        read(tmp_path)


def test_before_the_first_trial_there_is_nothing_to_draw(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert (watched.state()["left"], watched.state()["total"]) == ("no trial has begun", None)
    assert watched.signature() == NOTHING


def test_a_trial_that_ended_is_read_once_and_again_when_it_is_trained_on(
    buffers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(buffers)
    before = watched.signature()
    monkeypatch.setattr("analysis.watch.state.FRESH", 0.0)
    read: list[Path] = []
    real = watched._look.__globals__["read_json"]
    monkeypatch.setattr("analysis.watch.state.read_json", lambda path: read.append(path) or real(path))
    assert watched.signature() == before
    assert read == []
    result = buffers / "buffer=500,seed=0" / "result.json"
    result.write_text(result.read_text().replace("exhausted", "running"))
    assert watched.signature() != before
    assert watched.state()["over"] == 8


@pytest.mark.parametrize(
    ("path", "method", "host", "status"),
    [
        ("/", "GET", None, 200),
        ("/", "HEAD", None, 200),
        ("/state.json?x=1", "GET", "localhost", 200),
        ("/report", "GET", None, 404),  # none is drawn yet
        ("/../../etc/passwd", "GET", None, 404),
        ("/report/../sweep.json", "GET", None, 404),
        ("/%2e%2e/sweep.json", "GET", None, 404),
        ("/", "GET", "evil.example", 403),
        ("/", "GET", "127.0.0.1:1", 403),
        ("/", "POST", None, 405),
        ("/state.json", "DELETE", None, 405),
        ("/", "OPTIONS", None, 405),
    ],
)
def test_pages_can_be_read_and_nothing_else(
    buffers: Path, path: str, method: str, host: str | None, status: int
) -> None:
    before = tree(buffers)
    with served(buffers) as server:
        assert server.server_address[0] == "127.0.0.1"
        answered, body = ask(server, path, method, host)
    assert answered == status
    assert (body == b"") is (method == "HEAD")
    assert tree(buffers) == before


def test_bad_input_ends_with_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path / "nowhere")]) == 2
    assert main(["watch", str(tmp_path), "--port", "70000"]) == 2
    assert "allowed: 0 (a free port) to 65535" in capsys.readouterr().err


@contextmanager
def watching(sweep: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m analysis watch` in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis", "watch", str(sweep)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        found = re.match(r"(http://127\.0\.0\.1:\d+/) shows", process.stdout.readline())
        assert found
        yield process, found[1]
    finally:
        process.kill()
        process.wait()


def end(trial: Path) -> None:
    """Let a trial that runs have ended."""
    text = (trial / "result.json").read_text()
    (trial / "result.json").write_text(text.replace('"running"', '"exhausted"'))


def test_in_a_browser_trials_end_and_the_report_follows(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path / "sweep", {"lr": [0.1]}, 2, lambda cell, seed: 5000)
    running = write_trial(sweep / HOSTILE.replace("/", "_"), {"lr": 0.1, "seed": 2}, status="running")
    with watching(sweep, tmp_path) as (process, address), started() as browser, directory_lock(running):
        page = browser.new_page()
        page.goto(address)
        page.get_by_text("2 of 3 trials are over").wait_for(timeout=60_000)
        assert page.locator("#running td").first.text_content() == HOSTILE
        report = page.frame_locator("#report")
        report.get_by_text("from 3 training runs").wait_for(timeout=240_000)
        end(running)
        page.get_by_text("3 of 3 trials are over").wait_for(timeout=60_000)
        assert page.locator("#left").text_content() == ""  # it would say the same again
        assert not page.locator("#rows").is_visible()  # a head without rows
        assert page.title() == "sweep: live"
        below = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        page.wait_for_selector("#lost:not([hidden])", timeout=30_000)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    wait_until(lambda: not alive(below))
    assert not list(tmp_path.glob("dqn_exp-watch-*"))
    assert not (sweep / "report").exists()


def test_the_report_is_drawn_again_as_trials_end(buffers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("state.FRESH", "drawing.PAUSE", "drawing.REST"):
        monkeypatch.setattr(f"analysis.watch.{name}", 0.0)
    monkeypatch.setattr("analysis.watch.drawing.LOOK", 0.005)
    drawn: list[int] = []
    watched = Watched(buffers)
    monkeypatch.setattr(LatestReport, "_draw", lambda self: drawn.append(watched.state()["over"]))
    report = LatestReport(watched)
    report.start()
    wait_until(lambda: drawn == [9])
    result = buffers / "buffer=500,seed=0" / "result.json"
    text = result.read_text()
    for changed in (text.replace("exhausted", "running"), text):
        before = len(drawn)
        result.write_text(changed)
        wait_until(lambda before=before: len(drawn) > before)  # type: ignore[misc]
    report.close()
    assert (drawn[0], drawn[-1]) == (9, 9)
    assert 8 in drawn


def test_why_there_is_no_report_is_told(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    report = LatestReport(Watched(tmp_path / "sweep"))
    report._draw()
    assert "holds no trials" in report.message
    report._folder.cleanup()


@pytest.mark.slow
def test_a_sweep_of_a_thousand_trials(tmp_path: Path) -> None:
    values = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    sweep = write_sweep(tmp_path / "sweep", {"lr": values}, 200, lambda cell, seed: 5000 * (1 + seed % 7))
    with watching(sweep, tmp_path) as (_, address), started() as browser:
        page = browser.new_page()
        page.goto(address)
        page.get_by_text("1000 of 1000 trials are over").wait_for(timeout=60_000)
        page.frame_locator("#report").get_by_text("from 1000 training runs").wait_for(timeout=600_000)
        state = json.loads(urllib.request.urlopen(f"{address}state.json", timeout=60).read())
        assert state["counts"] == {"converged": 1000}
