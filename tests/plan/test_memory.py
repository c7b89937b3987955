"""Replay buffers that do not fit this machine's memory are refused before they fill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.plan import memory
from dqn_exp.plan.memory import bytes_of_replay, check_memory, free_bytes
from dqn_exp.replay import build_replay, bytes_reserved
from dqn_exp.training.run import build_run
from tests.helpers import dqn, make_config

MEMINFO = "MemTotal:       24683656 kB\nMemFree:        1 kB\nMemAvailable:   2000 kB\n"
ROW = 2 * 4 * 4 + 16
"""Bytes of a transition of CartPole."""


def tree(root: Path, **files: str) -> Path:
    """A file system with these files."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("replay", ["uniform", "prioritised", "online"])
def test_the_bytes_are_those_of_the_rings(replay: str) -> None:
    config = make_config(replay=replay, buffer=1024, env="acrobot")
    ring = dqn(build_run(config)).replay
    held = sum(column.nbytes for column in ring.transitions)
    if replay == "prioritised":
        held += ring._tree._sums.nbytes  # type: ignore[union-attr]
    assert bytes_of_replay(config) == held


def test_no_more_rows_are_counted_than_are_ever_filled() -> None:
    assert bytes_of_replay(make_config(buffer=10_000, budget__env_steps=300)) == 300 * ROW
    by_episodes = {"budget__env_steps": None, "budget__episodes": 2, "env__max_episode_steps": 150}
    assert bytes_of_replay(make_config(buffer=10_000, **by_episodes)) == 300 * ROW


def test_the_largest_that_run_at_a_time_must_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [make_config(buffer=buffer, budget__env_steps=10**6) for buffer in (10_000, 500, 20_000)]
    monkeypatch.setattr(memory, "free_bytes", lambda: 30_000 * ROW)
    check_memory(configs, 2)
    monkeypatch.setattr(memory, "free_bytes", lambda: 30_000 * ROW - 1)
    with pytest.raises(ConfigError) as caught:
        check_memory(configs, 2)
    assert str(caught.value) == (
        "buffer=20000: the replay buffers of 2 trials at a time need 1.44 MB, and 1.44 MB is free; "
        "allowed: a smaller buffer, or fewer trials at a time (hydra.launcher.n_jobs=1)"
    )
    check_memory(configs, 1)
    monkeypatch.setattr(memory, "free_bytes", lambda: 400 * ROW)
    with pytest.raises(
        ConfigError,
        match=r"buffer=500: the replay buffers of 1 trial at a time .* allowed: a smaller buffer$",
    ):
        check_memory(configs[1:2], 8)
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    check_memory(configs, 3)


def test_what_is_free_is_what_the_machine_has(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) is None
    assert free_bytes(tree(tmp_path, proc__meminfo=MEMINFO)) == 2000 * 1024
    assert free_bytes() is None or free_bytes() > 1e6  # type: ignore[operator]


V1 = {"proc__self__cgroup": "4:cpu,memory:/a/b\n3:cpu:/a\n"}
V2 = {"proc__self__cgroup": "0::/a/b\n"}


def test_or_what_its_control_groups_leave(tmp_path: Path) -> None:
    """The least that any of them leaves; cached files count as free, no limit is none."""
    first = tree(
        tmp_path / "1", proc__meminfo=MEMINFO, **V1,
        **{
            "sys__fs__cgroup__memory__a__b__memory.limit_in_bytes": "9223372036854771712\n",
            "sys__fs__cgroup__memory__a__b__memory.usage_in_bytes": "5000\n",
            "sys__fs__cgroup__memory__a__memory.limit_in_bytes": "9000\n",
            "sys__fs__cgroup__memory__a__memory.usage_in_bytes": "5000\n",
            "sys__fs__cgroup__memory__a__memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
        },
    )  # fmt: skip
    assert free_bytes(first) == 4300
    second = tree(
        tmp_path / "2", proc__meminfo=MEMINFO, **V2,
        **{
            "sys__fs__cgroup__a__b__memory.max": "max\n",
            "sys__fs__cgroup__a__b__memory.current": "5000\n",
            "sys__fs__cgroup__memory.max": "8000\n",
            "sys__fs__cgroup__memory.current": "5000\n",
            "sys__fs__cgroup__memory.stat": "anon 4000\ninactive_file 200\n",
        },
    )  # fmt: skip
    assert free_bytes(second) == 3200


def test_of_images_the_room_for_all_frames_is_what_is_reserved() -> None:
    """Of Atari's 84 x 84 pixels; a frame in eight more than rows, for the ends of episodes."""
    config = make_config(env="atari", buffer=8000, batch=32, budget__env_steps=10**6)
    observations = memory._observations(config.env.model_dump_json())
    replay = build_replay(config.replay, observations, 1, 0.9, np.random.default_rng(0))
    store = replay._rows._store  # type: ignore[union-attr]
    assert bytes_reserved(8000, observations) == store._frames.nbytes == (9000 + 1024) * 84 * 84
    assert bytes_of_replay(config) == 8000 * (84 * 84 + 2 * 4 * 4 + 4 + 16)
