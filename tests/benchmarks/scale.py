"""The cost of a sweep of many trials besides training, and how it grows with the number of trials.

    python -m tests.benchmarks.scale [--trials 100,1000] [--in DIR]

For each number of trials, runs a real sweep of short trials: five learning rates, the rest seeds, three
episodes each. Measures:

- processor time and peak memory of the driver, files and bytes on disk;
- seconds from the last trial to the final table;
- processor time of `load_runs` and `load_curves` from the files and from the cache;
- time, memory and size of the report.

Growth is log(ratio of costs) / log(ratio of trials) from one number of trials to the next: 1 is linear;
costs that occur once make it smaller. With --in the sweeps are kept and can be measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

RATES = ("1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
MB = 1e6
LOOK_SECONDS = 0.5
"""From one look at a process to the next."""
Costs = dict[str, float]

LOADING = """
import json, sys, time
import pandas
import analysis
from analysis.records import cache
if "files" in sys.argv: cache.PAYS_FROM = 10**9
if "pyarrow" in sys.argv: import pyarrow.parquet
function, *arguments = json.loads(sys.argv[1])
started = time.process_time()
getattr(analysis, function)(*arguments)
print(time.process_time() - started)
"""


class Watched:
    """A process, looked at again and again while it runs."""

    def __init__(self, *arguments: str) -> None:
        self.seconds, self.cpu_seconds, self.peak, self.peak_of_all = 0.0, 0.0, 0.0, 0.0
        """Wall and processor time; most memory of the process, and of it with all that it starts, in MB."""
        self.lines: list[tuple[float, str]] = []
        """What it printed, and when."""
        self._run([sys.executable, *arguments])

    def _run(self, command: list[str]) -> None:
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            looking = threading.Thread(target=self._look, args=(process,), daemon=True)
            looking.start()
            assert process.stdout is not None
            self.lines = [(time.perf_counter() - started, line) for line in process.stdout]
            process.wait()
            looking.join()
        self.seconds = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")

    def _look(self, process: subprocess.Popen[str]) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        while process.poll() is None:
            with contextlib.suppress(OSError, StopIteration):
                fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                self.cpu_seconds = (int(fields[11]) + int(fields[12])) / ticks
                self.peak = max(self.peak, _kilobytes(process.pid, "status", "VmHWM") / 1000)
                all_of_it = sum(_share(pid) for pid in _tree(process.pid))
                self.peak_of_all = max(self.peak_of_all, all_of_it / 1000)
            time.sleep(LOOK_SECONDS)


def _kilobytes(pid: int, file: str, name: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _share(pid: int) -> int:
    """Memory of a process, with its share of what it has in common with others."""
    try:
        return _kilobytes(pid, "smaps_rollup", "Pss")
    except (OSError, StopIteration):
        return 0


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def run_sweep(n_trials: int, sweep: Path) -> Costs:
    """Train the trials; what the driver took."""
    driver = Watched(
        "-m", "dqn_exp", "-m", f"lr={','.join(RATES)}", f"seed=range({n_trials // len(RATES)})",
        "budget.episodes=3", "budget.env_steps=null", "batch=8", "evaluation.every_steps=null",
        "evaluation.every_episodes=1", "evaluation.episodes=1", "evaluation.final_episodes=1",
        "convergence.consecutive=1", "convergence.threshold=12", "convergence.stop=false",
        "report=false", "reuse=none", f"hydra.sweep.dir={sweep}",
    )  # fmt: skip
    began = next(at for at, line in driver.lines if line.startswith(f"{n_trials} trials"))
    last = next(at for at, line in driver.lines if line.startswith(f"[{n_trials}/{n_trials}]"))
    return {
        "sweep, wall time, s": driver.seconds,
        "driver, until the first trial, s": began,
        "driver, processor time, s": driver.cpu_seconds,
        "driver, peak memory, MB": driver.peak,
        "last trial to end table, s": driver.seconds - last,
    }


def on_disk(sweep: Path) -> Costs:
    files = [Path(folder, name) for folder, _, names in os.walk(sweep) for name in names]
    folders = sum(1 for _ in os.walk(sweep))
    stats = [file.stat() for file in files]
    return {
        "files": len(files),
        "folders": folders,
        "bytes, MB": sum(stat.st_size for stat in stats) / MB,
        "blocks on disk, MB": sum(stat.st_blocks * 512 for stat in stats) / MB,
    }


def load(function: str, *arguments: str, options: tuple[str, ...] = ()) -> float:
    """Processor time of one call, in a process of its own that has imported pandas."""
    command = [sys.executable, "-c", LOADING, json.dumps([function, *arguments]), *options]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def loading(sweep: Path) -> Costs:
    """From the files, then while the cache is written, then from the cache."""
    found: Costs = {}
    for call in (["load_runs", str(sweep)], ["load_curves", str(sweep), "episodes"]):
        shutil.rmtree(sweep / ".cache", ignore_errors=True)
        found[f"{call[0]}, from files, s"] = load(*call, options=("files",))
        found[f"{call[0]}, writing the cache, s"] = load(*call, options=("pyarrow",))
        found[f"{call[0]}, from the cache, s"] = load(*call, options=("pyarrow",))
    cache = sweep / ".cache"
    found["cache, MB"] = sum(file.stat().st_size for file in cache.glob("*")) / MB
    return found


def report(sweep: Path) -> Costs:
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    made = Watched("-m", "analysis", "report", str(sweep))
    page = sweep / "report" / "index.html"
    return {
        "report, wall time, s": made.seconds,
        "report, processor time, s": sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before,
        "report, peak memory, MB": made.peak_of_all,
        "report, page, MB": page.stat().st_size / MB,
        "report, all files, MB": on_disk(page.parent)["bytes, MB"],
    }


def measure(n_trials: int, sweep: Path) -> Costs:
    kept = sweep.with_suffix(".json")
    costs = json.loads(kept.read_text()) if kept.exists() else {}
    if not costs:
        costs = run_sweep(n_trials, sweep)
        costs |= on_disk(sweep)
        kept.write_text(json.dumps(costs))
    return {**costs, **loading(sweep), **report(sweep)}


def growth(sizes: list[int], costs: list[float]) -> float:
    """The power of the number of trials by which a cost has grown between the last two."""
    if len(sizes) < 2 or min(costs[-2:]) <= 0:
        return math.nan
    return math.log(costs[-1] / costs[-2]) / math.log(sizes[-1] / sizes[-2])


def show(found: dict[int, Costs]) -> None:
    sizes = list(found)
    table = Table("of so many trials", *(f"{size:,}" for size in sizes), "each", "growth")
    for name in found[sizes[-1]]:
        costs = [found[size].get(name, math.nan) for size in sizes]
        table.add_row(
            name, *(f"{cost:,.4g}" for cost in costs), f"{costs[-1] / sizes[-1]:.3g}",
            f"{growth(sizes, costs):.2f}",
        )  # fmt: skip
    Console(width=140).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", default="100,1000", help="how many, ascending, multiples of 5")
    parser.add_argument("--in", dest="place", type=Path, help="folder that keeps the sweeps")
    arguments = parser.parse_args()
    sizes = [int(text) for text in arguments.trials.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        place = (arguments.place or Path(temporary)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        found = {}
        for size in sizes:
            found[size] = measure(size, place / f"trials{size}")
            show(found)


if __name__ == "__main__":
    main()
