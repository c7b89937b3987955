"""Check before the first trial that the replay buffers of trials that run together fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dqn_exp.config import Config, ConfigError, EnvConfig
from dqn_exp.plan.prospects import longest
from dqn_exp.text import format_bytes, format_count

if TYPE_CHECKING:
    from gymnasium import spaces


def check_memory(configs: Sequence[Config], at_a_time: int) -> None:
    """Raise ConfigError if the `at_a_time` largest replay buffers of `configs` do not fit into memory."""
    _check_reservation(max(configs, key=lambda config: config.buffer))
    free = free_bytes()
    largest = sorted(configs, key=bytes_of_replay)[-at_a_time:]
    needed = sum(map(bytes_of_replay, largest))
    if free is not None and needed > free:
        each = bytes_of_replay(largest[-1])
        advice = "a smaller buffer"
        if free >= each:
            advice += f", or fewer trials at a time (hydra.launcher.n_jobs={free // each})"
        raise ConfigError(
            f"buffer={largest[-1].buffer}: the replay buffers of {format_count(len(largest), 'trial')} "
            f"at a time need {format_bytes(needed)}, and {format_bytes(free)} is free; allowed: {advice}"
        )


def _check_reservation(config: Config) -> None:
    """Raise ConfigError if the system refuses the memory of the replay buffer's largest array."""
    import numpy as np

    from dqn_exp.replay import bytes_reserved

    needed = bytes_reserved(config.buffer, _observations(config.env.model_dump_json()))
    try:
        np.empty(needed, np.uint8)
    except (MemoryError, OverflowError, ValueError):
        raise ConfigError(
            f"buffer={config.buffer}: its observations alone need {format_bytes(needed)}, which this machine "
            f"does not grant; allowed: a smaller buffer"
        ) from None


def bytes_of_replay(config: Config) -> int:
    """Bytes of the replay buffer at the end of a trial; it takes memory only as it fills."""
    from dqn_exp.replay import bytes_per_transition

    rows = int(min(config.buffer, longest(config)))
    return rows * bytes_per_transition(config.replay, _observations(config.env.model_dump_json()))


@cache
def _observations(env: str) -> spaces.Box:
    from dqn_exp.envs import make_environment

    environment = make_environment(EnvConfig.model_validate_json(env))
    environment.close()
    return environment.observation_space


def free_bytes(root: Path = Path("/")) -> int | None:
    """Free bytes of this machine or of this process's control groups, the smaller; None if unknown.

    Caches count as free. `root`: the root of the file system; only Linux has these files.
    """
    return min((*_free_in_machine(root), *_free_in_control_groups(root)), default=None)


def _free_in_machine(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _free_in_control_groups(root: Path) -> Iterator[int]:
    """The free bytes of each control group (version 1 or 2) of this process that has a limit."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, limit, used, cached = (
                root / "sys/fs/cgroup",
                "memory.max",
                "memory.current",
                "inactive_file",
            )
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            limit, used, cached = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        place = mount / path.lstrip("/")
        for folder in (place, *place.parents):
            if folder.is_relative_to(mount):
                yield from _free_in_control_group(folder, limit, used, cached)


def _free_in_control_group(folder: Path, limit: str, used: str, cached: str) -> Iterator[int]:
    allowed, taken = ("".join(_lines(folder / name)).strip() for name in (limit, used))
    if allowed.isdigit() and taken.isdigit():
        pairs = (line.split() for line in _lines(folder / "memory.stat"))
        reclaimable = sum(int(number) for name, number in pairs if name == cached)
        yield int(allowed) - int(taken) + reclaimable


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
