"""Find finished trials below some folders by the hash of their configuration and seed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from dqn_exp.config import Config
from dqn_exp.runs import (
    DESCRIPTION,
    ORIGIN,
    is_locked,
    read_description,
    read_result,
)
from dqn_exp.statuses import CUT_OFF, FINISHED

HASH = re.compile(rb'"config_hash":\s*"([0-9a-f]+)"')


class Stock:
    """The trials below `places`, as found at the first request."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._places = places
        self.unreadable: list[str] = []
        """Messages about records that are damaged or of an unknown format."""

    def finished(self, config: Config) -> list[Path]:
        """The directories of finished trials of `config` that no process works on.

        Trials that were trained in their directory come first, copies of other trials later.
        """
        known = self._by_hash.get(config.hash(), ())
        finished = [(is_copy, path) for path in known if (is_copy := self._is_copy(path)) is not None]
        return [path for _, path in sorted(finished)]

    def _is_copy(self, directory: Path) -> bool | None:
        """Whether the trial is a copy; None if it is unfinished, pruned, in use, or cannot be read."""
        try:
            record, result = read_description(directory), read_result(directory)
            is_over = result is not None and result.status in FINISHED and result.status != CUT_OFF
            return ORIGIN in record if is_over and not is_locked(directory) else None
        except (ValueError, TypeError, OSError) as error:
            self.unreadable.append(str(error))
            return None

    @cached_property
    def _by_hash(self) -> Mapping[str, Sequence[Path]]:
        by_hash: dict[str, list[Path]] = {}
        for place in self._places:
            for directory, content in descriptions(place):
                match = HASH.search(content)
                if match is None:
                    self.unreadable.append(f"{directory / DESCRIPTION} is damaged: it has no config_hash")
                else:
                    by_hash.setdefault(match[1].decode(), []).append(directory)
        return by_hash


def descriptions(place: Path) -> Iterator[tuple[Path, bytes]]:
    """Directory and content of every readable `trial.json` below `place`, without hidden folders."""
    waiting = [str(place)]
    while waiting:
        folder = waiting.pop()
        try:
            with open(f"{folder}/{DESCRIPTION}", "rb") as file:
                yield Path(folder), file.read()
        except FileNotFoundError:
            with suppress(OSError), os.scandir(folder) as entries:
                waiting += [entry.path for entry in entries if _may_hold_trials(entry)]
        except OSError:
            continue


def _may_hold_trials(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
