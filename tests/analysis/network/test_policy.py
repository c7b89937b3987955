"""`python -m analysis policy`: maps, action counts, and the page in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from analysis.__main__ import main
from analysis.errors import AnalysisError
from analysis.network.dimensions import naming
from analysis.network.policy.maps import evaluate_view, make_view, varied, visited_ranges
from analysis.network.policy.page import linear_layers, write_page
from analysis.network.rollouts import roll_out
from dqn_exp.runs.record import run_trial
from dqn_exp.trained import Trained, load_trained
from tests.analysis.browser import PHONE, faults, opened, overflows, started
from tests.helpers import make_config

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TRIALS: dict[str, dict[str, Any]] = {
    "relu": {"env": "cartpole", "network__hidden": [16, 8]},
    "tanh": {"env": "cartpole", "network__hidden": [16], "network__activation": "tanh"},
    "batchnorm": {"env": "cartpole", "network": "mlp_batchnorm", "network__hidden": [16, 8]},
    "lunarlander": {"env": "lunarlander", "network__hidden": [16]},
}


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One trial of each kind of network, trained for 300 steps."""
    root = tmp_path_factory.mktemp("trials")
    for name, settings in TRIALS.items():
        config = make_config(batch=32, budget__env_steps=300, evaluation__final_episodes=1, **settings)
        run_trial(config, root / name, {})
    return root


def observations(trained: Trained, count: int = 50) -> np.ndarray:
    shape = (count, trained.observation_size)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def in_browser(page: Path, script: str, directory: Path) -> Any:
    """What `script` (the body of a function) returns in the page, in a real headless Chromium."""
    probe = f"<script>document.body.dataset.answer = JSON.stringify((() => {{{script}}})())</script>"
    copy = directory / "probe.html"
    copy.write_text(page.read_text().replace("</body>", probe + "</body>"))
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000",
         f"--user-data-dir={directory / 'profile'}", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r'data-answer="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    return json.loads(found.group(1).replace("&quot;", '"').replace("&amp;", "&"))


@pytest.mark.parametrize("name", TRIALS)
def test_folded_layers_are_the_network(trials: Path, name: str) -> None:
    trained = load_trained(trials / name)
    activate = np.tanh if name == "tanh" else lambda x: np.maximum(x, 0)
    values = observations(trained).astype(np.float64)
    *hidden, (weight, bias) = linear_layers(trained.network) or []
    for w, b in hidden:
        values = activate(values @ w.T + b)
    assert values @ weight.T + bias == pytest.approx(
        trained.values(observations(trained)), rel=1e-4, abs=1e-5
    )


def test_a_map_holds_the_network_s_values_at_its_places(trials: Path) -> None:
    trained = load_trained(trials / "relu")
    rollout = roll_out(trained, 0.0, 3)
    view = make_view(trained, rollout, ranges={"x": (-0.2, 0.2)}, at={"cart velocity": 0.7})
    assert (view.x, view.y) == (2, 3)  # pole angle and angular velocity
    maps = evaluate_view(trained, view, 11)
    assert (maps.x[0], maps.x[10]) == pytest.approx((-0.2, 0.2))
    place = np.array([view.at[0], 0.7, maps.x[4], maps.y[9]], np.float32)
    assert maps.values[9, 4] == pytest.approx(trained.values(place[np.newaxis])[0], rel=1e-5)
    assert maps.difference == pytest.approx(maps.values[..., 1] - maps.values[..., 0])
    assert (maps.greedy == (maps.difference > 0)).all()


def test_a_map_shows_dimensions_that_vary(trials: Path) -> None:
    """The first is constant, the second a flag; the others move."""
    rollout = roll_out(load_trained(trials / "relu"), 0.0, 3)
    flag = np.arange(len(rollout.observations)) % 2
    columns = [0 * flag, flag, *rollout.observations.T[2:]]
    assert varied(np.stack(columns, axis=1), (0, 1)) == [2, 3, 1, 0]
    assert varied(rollout.observations, (2, 3)) == [2, 3, 0, 1]
    still = replace(rollout, observations=rollout.observations * np.float32([1, 0, 0, 1]))
    view = make_view(load_trained(trials / "relu"), still)
    assert (view.x, view.y) == (3, 0)


def test_a_dimension_that_is_asked_for_is_not_shown_twice(trials: Path) -> None:
    trained = load_trained(trials / "relu")
    rollout = roll_out(trained, 0.0, 3)
    upwards = make_view(trained, rollout, x="pole angular velocity")
    assert (upwards.x, upwards.y) == (3, 2)
    sideways = make_view(trained, rollout, y="pole angle")
    assert (sideways.x, sideways.y) == (3, 2)
    with pytest.raises(AnalysisError, match="--x and --y are both 'pole angle'"):
        make_view(trained, rollout, x="pole angle", y="2")


def test_with_more_actions_the_difference_is_best_minus_second_best(trials: Path) -> None:
    trained = load_trained(trials / "lunarlander")
    maps = evaluate_view(trained, make_view(trained, roll_out(trained, 0.0, 1)), 5)
    best_two = np.sort(maps.values, axis=-1)[..., -2:]
    assert maps.difference == pytest.approx(best_two[..., 1] - best_two[..., 0])
    assert maps.difference.min() >= 0


def test_ranges_follow_what_was_visited() -> None:
    visited = np.stack([np.linspace(0, 100, 1001), np.full(1001, 3.0)], axis=1)
    (low, high), constant = visited_ranges(visited)
    assert (low, high) == pytest.approx((1 - 24.5, 99 + 24.5))
    assert constant == (2.5, 3.5)


def test_epsilon_one_takes_all_actions_alike_and_epsilon_zero_the_greedy_ones(trials: Path) -> None:
    trained = load_trained(trials / "lunarlander")
    shares = np.bincount(roll_out(trained, 1.0, 10).actions, minlength=4)
    assert shares / shares.sum() == pytest.approx([0.25] * 4, abs=0.05)
    greedy = roll_out(trained, 0.0, 2)
    assert (greedy.actions == trained.values(greedy.observations).argmax(axis=1)).all()


def test_the_command_writes_every_picture_and_a_page(trials: Path, tmp_path: Path) -> None:
    arguments = ["--episodes", "2", "--points", "21", "--output", str(tmp_path), "--x", "cart position"]
    assert main(["policy", str(trials / "relu"), *arguments, "--y", "3", "--at", "pole angle=0.1"]) == 0
    for name in ("q_values", "difference", "greedy_action", "actions"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert b"<svg" in (tmp_path / f"{name}.svg").read_bytes()
        assert (tmp_path / f"{name}.csv").read_text().count("\n") > 2
    page = (tmp_path / "index.html").read_text()
    assert not re.search(r"(src|href)=|https?://", page)  # nothing from elsewhere


def test_the_page_is_read_by_keyboard_in_the_dark_and_on_a_phone(trials: Path, tmp_path: Path) -> None:
    trained = load_trained(trials / "relu")
    write_page(tmp_path / "index.html", trained, make_view(trained, roll_out(trained, 0.0, 2)))
    with started() as browser, opened(browser, tmp_path / "index.html", PHONE, "dark") as tab:
        assert faults(tab) == []
        assert not overflows(tab)
        tab.locator("canvas").first.press("ArrowRight")
        told = tab.locator("#probe").inner_text()
        tab.locator("canvas").first.press("ArrowUp")
        assert "greedy: push" in told != tab.locator("#probe").inner_text()
        assert "Q(push left) over pole angle" in tab.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("name", ["tanh", "batchnorm"])
def test_the_page_computes_the_network_s_values(trials: Path, name: str, tmp_path: Path) -> None:
    assert main(["policy", str(trials / name), "--episodes", "1", "--output", str(tmp_path)]) == 0
    trained = load_trained(trials / name)
    places = observations(trained)
    script = f"return {json.dumps(places.tolist())}.map(place => Array.from(qValues(place)))"
    assert in_browser(tmp_path / "index.html", script, tmp_path) == pytest.approx(
        trained.values(places), rel=1e-4, abs=1e-5
    )


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_sliders_and_choices_change_the_picture(trials: Path, tmp_path: Path) -> None:
    assert main(["policy", str(trials / "relu"), "--episodes", "1", "--output", str(tmp_path)]) == 0
    script = """
      const canvas = document.querySelectorAll("canvas")[0], pictures = [canvas.toDataURL()];
      const slider = document.getElementById("slider-0");
      slider.value = slider.max;
      slider.dispatchEvent(new Event("input"));
      pictures.push(canvas.toDataURL());
      const shownValue = slider.parentElement.querySelector("output").textContent, held0 = held[0];
      const x = document.getElementById("x");
      x.value = 1;
      x.dispatchEvent(new Event("change"));
      pictures.push(canvas.toDataURL());
      const sliders = Array.from(document.querySelectorAll("input[type=range]")).map(s => s.id);
      x.value = 3;  // which is shown upwards: the two swap
      x.dispatchEvent(new Event("change"));
      const place = canvas.getBoundingClientRect();
      const [clientX, clientY] = [place.left + 150, place.top + 100];
      canvas.dispatchEvent(new PointerEvent("pointermove", {clientX, clientY}));
      return {pictures: new Set(pictures).size, blank: pictures[0].length < 3000, shownValue, held0,
              top: Number(slider.max), sliders, shown, probe: document.getElementById("probe").textContent,
              values: Array.from(qValues([0.1, -0.2, 0.05, 0.3]))};
    """
    answer = in_browser(tmp_path / "index.html", script, tmp_path)
    assert answer["pictures"] == 3
    assert not answer["blank"]
    assert answer["held0"] == pytest.approx(answer["top"])
    assert float(answer["shownValue"]) == pytest.approx(answer["top"], rel=0.01)
    assert answer["sliders"] == ["slider-0", "slider-2"]
    assert answer["shown"] == {"x": 3, "y": 1}
    assert "push left" in answer["probe"]
    assert "greedy:" in answer["probe"]
    expected = load_trained(trials / "relu").values(np.array([[0.1, -0.2, 0.05, 0.3]]))[0]
    assert answer["values"] == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--x", "pole angel"], "Did you mean 'pole angle'"),
        (["--x", "2", "--y", "2"], "both 'pole angle'"),
        (["--x-range", "1", "0"], "LOW < HIGH"),
        (["--at", "pole angle"], "DIMENSION=NUMBER"),
        (["--epsilon", "2"], "allowed: 0 to 1"),
        (["--best"], "checkpoint.keep_best"),
    ],
)
def test_bad_arguments_are_named(
    trials: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    output = tmp_path / "none"
    assert main(["policy", str(trials / "relu"), "--episodes", "1", "--output", str(output), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not output.exists()


def test_a_pickle_in_the_network_s_place_is_refused(
    trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trials / "relu", tmp_path / "trial")
    (tmp_path / "trial" / "network.safetensors").write_bytes(b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.")
    assert main(["policy", str(tmp_path / "trial")]) == 2
    assert "other formats are refused" in capsys.readouterr().err


def test_a_trial_s_own_modules_run_only_when_asked(
    trials: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trials / "relu", tmp_path / "trial")
    (tmp_path / "hostile_module.py").write_text("open('ran', 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "trial" / "trial.json"
    record = json.loads(path.read_text())
    record["config"]["imports"] = ["hostile_module"]
    path.write_text(json.dumps(record))
    for command in ("policy", "video", "diagnose"):
        assert main([command, "trial"]) == 2
        assert "add --imports if you trust them" in capsys.readouterr().err
    assert not Path("ran").exists()
    assert main(["policy", "trial", "--imports", "--episodes", "1", "--points", "5"]) == 0
    assert Path("ran").exists()


def test_a_diverged_network_is_shown_as_such(trials: Path, tmp_path: Path, capsys: Any) -> None:
    shutil.copytree(trials / "relu", tmp_path / "trial")
    path = tmp_path / "trial" / "network.safetensors"
    arrays = {name: array * float("nan") for name, array in load_file(path).items()}
    save_file(arrays, path)
    assert main(["policy", str(tmp_path / "trial"), "--episodes", "1", "--points", "5"]) == 0
    assert "learning has diverged" in capsys.readouterr().out


def test_dimensions_have_names_where_they_are_known() -> None:
    assert naming("CartPole-v0", 4, 2).dimensions[2] == "pole angle"
    assert naming("Acrobot-v1", 6, 3).shown == (4, 5)
    assert naming("MountainCar-v0", 2, 3).actions[1] == "no push"
    assert len(naming("LunarLander-v3", 8, 4).dimensions) == 8
    assert naming("CartPole-v1", 5, 2).dimensions[4] == "observation 4"  # wrapped: not the known one
