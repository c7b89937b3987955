"""Take trials that other commands have finished into a new sweep, instead of training them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hydra.core.override_parser.types import Override
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch.stock import Stock
from dqn_exp.plan import PlannedTrial, set_directory
from dqn_exp.runs import Locked, Unfit, catch_up, check_fit, read_result, take
from dqn_exp.text import format_count
from dqn_exp.workers import tracker_failure_line, write_hydra_directory

REUSE = "reuse"
AUTO, NONE = "auto", "none"
OUTPUTS = "outputs"
AT_A_TIME = 16
"""The number of trials that are copied at a time: most of the time is spent waiting for the disk."""
MOST_LISTED = 3
"""The most remarks of one kind that are printed one by one."""


def read_reuse(overrides: Sequence[Override], master: DictConfig, directory: Path) -> Reuse:
    """The folders from which a command that writes to `directory` may take trials; raises ConfigError.

    Values in `overrides` take precedence over the composed `master`.
    """
    value: object = master.get(REUSE, AUTO)
    plain = OmegaConf.to_container(value) if isinstance(value, ListConfig) else value
    written = f"{REUSE}={plain}"
    for override in overrides:
        if override.get_key_element() == REUSE:
            plain, written = override.value(), str(override.input_line)
    if plain == AUTO:
        return Reuse([default_place(directory)])
    if plain in (NONE, None):
        return Reuse([])
    places = [plain] if isinstance(plain, str) else plain
    if not isinstance(places, list) or not all(isinstance(p, str) and Path(p).is_dir() for p in places):
        raise ConfigError(
            f"{written}: allowed: {AUTO} (finished trials below {default_place(directory)}), {NONE}, or "
            f"existing folders, '{REUSE}=[{OUTPUTS}]'"
        )
    return Reuse([Path(place) for place in places])


def default_place(directory: Path) -> Path:
    """The folder `outputs` that contains `directory`, otherwise that of the working directory."""
    above = [folder for folder in directory.parents if folder.name == OUTPUTS]
    return above[-1] if above else Path(OUTPUTS)


Say = Callable[[str], None]


def print_at_once(line: str) -> None:
    print(line, flush=True)


class Reuse:
    """Takes finished trials from below `places`, and records why others were not taken."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._stock = Stock(places)
        self._refused: list[tuple[Path, str]] = []
        """Folder and reason for each finished trial that could not replace a wanted one."""
        self._tracker_failures: dict[str, tuple[str, str]] = {}
        """For each tracker's name, a trial of which it lacks a part, and why."""

    def find(self, trials: Sequence[PlannedTrial], directory: Path) -> dict[str, Path]:
        """For each of the `trials` that could be taken, its name and the trial to copy; changes nothing."""
        places = {trial.name: self._candidates(trial.config, directory / trial.name) for trial in trials}
        origins = {trial.name: self._first(places[trial.name], trial.config, check_fit) for trial in trials}
        return {name: origin for name, origin in origins.items() if origin}

    def take(self, config: Config, directory: Path) -> Path | None:
        """Take the trial of `config` into `directory`, unless it exists; returns its origin or None."""
        return self._take(self._candidates(config, directory), config, directory)

    def has(self, trial: PlannedTrial, directory: Path) -> bool:
        """Whether a finished trial exists that may replace `trial` of the sweep in `directory`."""
        return bool(self._candidates(trial.config, directory / trial.name))

    def instead_of(
        self,
        run: Callable[[Sequence[PlannedTrial]], Sequence[JobReturn]],
        trials: Sequence[PlannedTrial],
        directory: Path,
    ) -> list[JobReturn]:
        """Take those of `trials` that can be taken into `directory`, `run` the others; return all results."""
        candidates = [(trial, self._candidates(trial.config, directory / trial.name)) for trial in trials]
        with ThreadPoolExecutor(AT_A_TIME) as threads:
            taken = list(threads.map(lambda pair: self._take_as_job(pair[0], pair[1], directory), candidates))
        origins = {trial.name: origin for trial, origin in zip(trials, taken, strict=True) if origin}
        self.tell(origins.values(), len(trials))
        left = [trial for trial in trials if trial.name not in origins]
        ended = iter(run(left) if left else ())
        return [_as_run(trial, directory) if trial.name in origins else next(ended) for trial in trials]

    def tell(
        self, origins: Collection[Path], total: int, say: Say = print_at_once, done: str = "taken"
    ) -> None:
        """Print how many of `total` trials were taken, from where, and what was not taken since last time."""
        if origins:
            say(f"{taken_line(origins, total, done)} ({REUSE}={NONE} trains them)")
        if self._refused:
            counts = Counter(sorted(self._refused)).most_common()
            say(f"Finished, not taken: {_listed([f'{n} in {place} ({why})' for (place, why), n in counts])}")
        if self._stock.unreadable:
            say(f"Not read: {_listed(self._stock.unreadable)}")
        for tracker, (trial, why) in self._tracker_failures.items():
            say(tracker_failure_line(tracker, trial, why))
        self._tracker_failures.clear()
        self._refused.clear()
        self._stock.unreadable.clear()

    def _candidates(self, config: Config, directory: Path) -> Sequence[Path]:
        """The finished trials of `config`; none if the trial in `directory` has to be trained."""
        return self._stock.finished(config) if is_exact(config) and is_free(directory) else ()

    def _first(
        self, candidates: Iterable[Path], config: Config, attempt: Callable[[Path, Config], object]
    ) -> Path | None:
        """The first of `candidates` that `attempt` accepts; if there is none, the reason is recorded."""
        refused: list[tuple[Path, str]] = []
        for origin in candidates:
            try:
                attempt(origin, config)
            except Locked:  # it is just being continued to a larger budget
                continue
            except (Unfit, OSError) as reason:
                refused.append((origin.parent, str(reason)))
            else:
                return origin
        self._refused += refused[:1]
        return None

    def _take(self, candidates: Iterable[Path], config: Config, directory: Path) -> Path | None:
        origin = self._first(candidates, config, lambda origin, config: take(origin, directory, config))
        if origin:
            for name, why in catch_up(config, directory).items():
                self._tracker_failures.setdefault(name, (directory.name, why))
        return origin

    def _take_as_job(self, trial: PlannedTrial, candidates: Iterable[Path], directory: Path) -> Path | None:
        """Take a trial, and write the files that Hydra writes for a job."""
        place = directory / trial.name
        origin = self._take(candidates, trial.config, place)
        if origin:
            config = set_directory(trial.hydra_config, directory, trial.name)
            with read_write(config.hydra), open_dict(config.hydra):
                config.hydra.runtime.output_dir = str(place.absolute())
            write_hydra_directory(config, place / ".hydra")
        return origin


def is_exact(config: Config) -> bool:
    """Whether the same program on the same machine would repeat the trial bit for bit."""
    return config.budget.seconds is None and config.device != "cuda"


def is_free(directory: Path) -> bool:
    """Whether `directory` may be replaced: it is missing, or empty and not our working directory."""
    if not directory.exists():
        return True
    return not any(directory.iterdir()) and not directory.samefile(Path.cwd())


def taken_line(origins: Iterable[Path], total: int, done: str = "taken") -> str:
    """ "5 of 10 trials taken from outputs/sweeps/first", or the number of each of several folders."""
    folders = Counter(origin.parent for origin in origins)
    if len(folders) == 1:
        ((folder, count),) = folders.items()
        return f"{count} of {format_count(total, 'trial')} {done} from {folder}"
    listed = _listed([f"{count} from {folder}" for folder, count in folders.items()])
    return f"{folders.total()} of {total} trials {done}: {listed}"


def _listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - MOST_LISTED} more"] if len(texts) > MOST_LISTED else []
    return "; ".join([*texts[:MOST_LISTED], *more])


def _as_run(trial: PlannedTrial, directory: Path) -> JobReturn:
    """The job result of a finished trial, as if it had been run."""
    result, recorded = JobReturn(overrides=list(trial.overrides)), read_result(directory / trial.name)
    result.return_value, result.status = recorded and recorded.final_return, JobStatus.COMPLETED
    return result
