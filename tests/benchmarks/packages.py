"""Environments of third-party packages: a sweep of each, killed once and continued.

    make packages

Each is trained with a plain command (`-m lr=1e-3,1e-2 seed=0,1`, with a report), once to its end and once
killed with -9 half way and continued. Both must write the same metrics, byte for byte. An environment that
cannot be trained must be refused in one line that gives the reason.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

TRADING = """
import gymnasium
import numpy as np
import pandas as pd
import gym_trading_env

close = 100 + np.cumsum(np.sin(np.arange(400)))
prices = pd.DataFrame({"open": close, "high": close + 1, "low": close - 1, "close": close})
prices["feature_return"] = prices["close"].pct_change().fillna(0)
gymnasium.register("Prices-v0", "gym_trading_env.environments:TradingEnv", kwargs={
    "df": prices, "positions": [-1, 0, 1], "verbose": 0, "max_episode_duration": 100})
"""

SMALL_ATARI = """
import minatar.gym

minatar.gym.register_envs()
"""


class Case(NamedTuple):
    package: str
    overrides: tuple[str, ...]
    refusal: str = ""
    """What is said where the environment cannot be trained; empty where it can."""


CASES = (
    Case("minigrid", ("imports=[minigrid]", "env.id=MiniGrid-Empty-5x5-v0"), refusal="FilterObservation"),
    Case("minigrid, image alone", (
        "imports=[minigrid]", "env.id=MiniGrid-Empty-5x5-v0",
        "+env.wrappers.FilterObservation.filter_keys=[image]",
    )),
    Case("minatar", ("imports=[small_atari]", "env.id=MinAtar/Breakout-v1")),
    Case("minatar, images", ("env=minatar",)),
    Case("ale-py, images", ("env=atari", "env.game=breakout", "budget.env_steps=400", "batch=8",
                            "evaluation.every_steps=200")),
    Case("highway-env", ("imports=[highway_env]", "env.id=highway-fast-v0", "budget.env_steps=300",
                         "evaluation.every_steps=150")),
    Case("flappy-bird-gymnasium", ("imports=[flappy_bird_gymnasium]", "env.id=FlappyBird-v0",
                                   "+env.kwargs.use_lidar=false")),
    Case("gym-anytrading", ("imports=[gym_anytrading]", "env.id=stocks-v0")),
    Case("gym-trading-env", ("imports=[prices]", "env.id=Prices-v0")),
    Case("ale-py (RAM)", ("imports=[ale_py]", "env.id=ALE/Breakout-v5", "+env.kwargs.obs_type=ram")),
    Case("buffalo-gym", ("imports=[buffalo_gym]", "env.id=Buffalo-v0", "env.max_episode_steps=100")),
    Case("mo-gymnasium", ("imports=[mo_gymnasium]", "env.id=deep-sea-treasure-v0"), "a number for reward"),
)  # fmt: skip
COMMON = (
    "lr=1e-3,1e-2", "seed=0,1", "env=gymnasium", "budget.env_steps=3000", "evaluation.every_steps=1000",
    "evaluation.episodes=2", "evaluation.final_episodes=2", "evaluation.max_episode_steps=200",
    "convergence.threshold=1e9", "checkpoint.every_seconds=0.2", "batch=32", "hydra.launcher.n_jobs=2",
)  # fmt: skip


def main() -> None:
    table = Table("package", "result", "seconds", box=None)
    for case in CASES:
        begun = time.perf_counter()
        table.add_row(case.package, tried(case), f"{time.perf_counter() - begun:.0f}")
    Console().print(table)


def tried(case: Case) -> str:
    """What came of a case, in words."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "prices.py").write_text(TRADING)
        (root / "small_atari.py").write_text(SMALL_ATARI)
        whole = run(root, "whole", case)
        if case.refusal:
            is_told = (
                whole.returncode == 2 and case.refusal in whole.stderr and "Traceback" not in whole.stderr
            )
            return (
                "refused, as it must be"
                if is_told and whole.returncode == 2
                else f"NOT REFUSED: {last(whole.stderr)}"
            )
        if whole.returncode != 0:
            return f"FAILED: {last(whole.stderr + whole.stdout)}"
        killed = kill_half_way(root, case)
        again = run(root, "again", case)
        if again.returncode != 0:
            return f"FAILED when continued: {last(again.stderr + again.stdout)}"
        different = differences(root / "whole", root / "again")
        return f"DIFFERS: {', '.join(different)}" if different else f"the same after {killed}"


def command(directory: str, case: Case) -> list[str]:
    given = {text.partition("=")[0] for text in case.overrides}
    common = [text for text in COMMON if text.partition("=")[0] not in given]
    return [sys.executable, "-m", "dqn_exp", "-m", *common, *case.overrides, f"hydra.sweep.dir={directory}"]


def run(root: Path, directory: str, case: Case) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(directory, case), cwd=root, capture_output=True, text=True, check=False)


def kill_half_way(root: Path, case: Case) -> str:
    """Kill the command and its workers when half of the losses are written."""
    process = subprocess.Popen(
        command("again", case),
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    enough = written(root / "whole") / 2
    while process.poll() is None and written(root / "again") < enough:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)  # the workers end when they find out
    return f"a kill at {written(root / 'again') / max(1, written(root / 'whole')):.0%}"


def written(sweep: Path) -> int:
    return sum(path.stat().st_size for path in sweep.glob("*/losses.csv"))


def differences(whole: Path, again: Path) -> list[str]:
    names = sorted(path.relative_to(whole) for path in whole.glob("*/*.csv"))
    return [str(name) for name in names if (whole / name).read_bytes() != (again / name).read_bytes()]


def last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no word"


if __name__ == "__main__":
    main()
