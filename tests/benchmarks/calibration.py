"""Do the tests and intervals keep their promises? Simulated sweeps, counted.

    python -m tests.benchmarks.calibration [--runs N]     # make calibrate writes docs/calibration.md

Times to convergence are lognormal with a coefficient of variation of 0.5, seen every 2 000 steps, and
censored at 50 000. Trials of a seed are correlated.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from inspect import getdoc
from io import StringIO
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from analysis.estimates import environments as env
from analysis.estimates import statistics as st
from analysis.estimates.attainment import difference, grid_of, reached
from analysis.estimates.best import may_be_best
from analysis.estimates.blocked import Shuffler, Trials, against, omnibus, trend, umbrella
from analysis.estimates.sensitivity import sensitivity
from analysis.estimates.sequential import LOOKS, Decisions, Design, decide
from analysis.estimates.survival import median_limits
from analysis.study.data import read_study
from analysis.study.importance import importances as study_importances
from tests.analysis.estimates.test_blocked import simulate
from tests.analysis.estimates.test_environments import ratios_of, several
from tests.analysis.estimates.test_robustness import HORIZON, simulated
from tests.launch.virtual import Engine, Simulated

PERMUTATIONS = 2000
PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"

Row = tuple[str, str, str]
"""What was simulated, what was found, what was promised."""


def share(found: Sequence[object]) -> str:
    """A proportion with its standard error."""
    p, n = float(np.mean(np.array(found, float))), len(found)
    return f"{p:.3f} ± {np.sqrt(max(p * (1 - p), 1 / n) / n):.3f}"


def rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def tested(trials: Trials) -> tuple[bool, list[bool]]:
    shuffler = Shuffler(rng(0), PERMUTATIONS)
    whole = omnibus(trials, shuffler)
    return whole is not None and whole.p < 0.05, [p.p < 0.05 for p in against(trials, 0, shuffler).values()]


def fixed(runs: int) -> Iterator[Row]:
    """The test of a sweep with a fixed number of seeds."""
    equal = ((10, 3, 0.0, "0.03 to 0.07"), (10, 3, 0.5, "0.03 to 0.07"), (6, 2, 0.3, "at most 2 in 64"))
    for n, values, correlation, promise in equal:
        found = [tested(simulate(rng(1, n, run), n, [1] * values, correlation)) for run in range(runs)]
        told = f"{values} equal values, {n} seeds, correlation {correlation}"
        yield f"{told}: all together", share([whole for whole, _ in found]), promise
        yield f"{told}: some value", share([any(single) for _, single in found]), promise
    copies = []
    for run in range(runs):
        one = simulate(rng(2, run), 10, [1, 1, 1], 0.3)
        both = Trials._make(np.tile(column, 2) for column in one)._replace(strata=np.repeat([0, 1], 30))
        copies.append(tested(both)[0])
    yield "an axis beside one that copies its trials", share(copies), "at most 0.07"
    for correlation, promise in ((0.0, "0.36"), (0.3, "0.53"), (0.5, "0.64"), (0.8, "0.93")):
        found = [tested(simulate(rng(3, run), 10, [1, 1, 1.5], correlation)) for run in range(runs)]
        told = f"one of 3 values 1.5 times as slow, 10 seeds, correlation {correlation}"
        yield told, share([whole for whole, _ in found]), promise


def ordered(runs: int) -> Iterator[Row]:
    """Seven values in order, 10 seeds, correlation 0.5."""
    slope, bowl = np.linspace(1, 1.5, 7).tolist(), (1 + np.abs(np.linspace(-0.5, 0.5, 7))).tolist()

    def found(test: Callable[[Trials, Shuffler], object], ratios: Sequence[float], key: int) -> str:
        results = [
            test(simulate(rng(key, run), 10, ratios, 0.5), Shuffler(rng(0), PERMUTATIONS))
            for run in range(runs)
        ]
        return share([result.p < 0.05 for result in results])  # type: ignore[attr-defined]

    yield "from 1 to 1.5 times as slow: trend", found(trend, slope, 4), "0.80"
    yield "from 1 to 1.5 times as slow: all together", found(omnibus, slope, 4), "0.57"
    yield "1.5 times as slow at both ends: umbrella", found(umbrella, bowl, 5), "0.74"
    yield "no effect: trend", found(trend, [1] * 7, 6), "0.05"
    yield "no effect: umbrella", found(umbrella, [1] * 7, 6), "0.05"
    for name, ratios in (("equal values", [1.0] * 7), ("one value twice as quick", [1, *[2.0] * 6])):
        held = []
        for run in range(runs):
            trials = simulate(rng(7, run), 10, ratios, 0.5)
            held.append(may_be_best(np.minimum(trials.times, 50_000).reshape(10, 7))[0])
        yield f"{name}: the set of possible best values holds the best", share(held), "0.92 to 1"


def in_looks(runs: int) -> Iterator[Row]:
    """seed=until_decided: two values against a reference, looks at 8, 12, 16, 20, 30 seeds.

    Where there is no effect, five times as many sweeps are simulated.
    """
    design = Design(paths=1000)
    promises = {
        1.0: ("at most 0.06", "at most 0.06"),
        1.5: ("0.68 with 83 of 90 trials", "0.92 with 78 of 90 trials"),
        2.0: ("0.98 with 73 of 90 trials", "1 with 69 of 90 trials"),
    }
    for ratio, by_correlation in promises.items():
        for correlation, promise in zip((0.0, 0.5), by_correlation, strict=True):
            decided = [
                decide(simulate(rng(8, run), 30, [1, 1, ratio], correlation), range(30), 0, 50_000, design)
                for run in range(5 * runs if ratio == 1 else runs)
            ]
            trials = np.mean([sum(one.seeds_needed) for one in decided])
            if ratio == 1:
                wrong = share(["differs" in one.verdicts.values() for one in decided])
                yield f"no effect, correlation {correlation}: some wrong decision", wrong, promise
            else:
                found = share([one.verdicts[2] == "differs" for one in decided])
                yield (
                    f"ratio {ratio}, correlation {correlation}",
                    f"{found} with {trials:.0f} of 90 trials",
                    promise,
                )


def added_looks(runs: int) -> Iterator[Row]:
    """Two values against a reference; looks at 45 and 60 seeds are added whenever something is undecided.

    The same sweeps in each row, so that rows differ by less than their standard errors tell.
    """
    declared, longer = Design(paths=1000), (*LOOKS, 45, 60)
    ways = {
        "none added": declared,
        "added after 20 seeds": declared.extended(longer, 4),
        "added after 30 seeds, a reserve of 0.1": replace(declared, reserve=0.1).extended(longer, 5),
        "added after 30 seeds, a reserve of 0.2": replace(declared, reserve=0.2).extended(longer, 5),
    }
    for ratio, correlation in ((1.0, 0.0), (1.0, 0.5), (1.5, 0.0)):
        for way, design in ways.items():
            found = [
                decide(simulate(rng(15, run), 60, [1, 1, ratio], correlation), range(60), 0, 50_000, design)
                for run in range(runs)
            ]
            told = f"correlation {correlation}, {way}"
            if ratio == 1:
                wrong = share(["differs" in one.verdicts.values() for one in found])
                yield f"no effect, {told}: some wrong decision", wrong, "at most 0.06"
            else:
                by_30, by_60 = (share([is_found(one, within) for one in found]) for within in (30, 60))
                promise = "0.68" if design is declared else "more than where none are added"
                yield f"ratio {ratio}, {told}", f"{by_60}; {by_30} within 30 seeds", promise


def is_found(decisions: Decisions, seeds: int) -> bool:
    """Was value 2 said to differ with at most so many seeds?"""
    return any(
        look.value == 2 and look.verdict == "differs" and look.seeds <= seeds for look in decisions.looks
    )


def trained_ahead(runs: int) -> Iterator[Row]:
    """Workers that go on to the next look against such as wait: simulated time, a tenth as many sweeps."""
    for ratio in (1.5, 3.0):
        for n_workers in (2, 4, 8, 16):
            found = []
            for run in range(max(1, runs // 10)):
                sweep = Simulated(simulate(rng(16, run), 30, [1, 1, ratio], 0.5), LOOKS)
                waiting, going_on = (Engine(n_workers, sweep.seconds) for _ in range(2))
                with redirect_stdout(StringIO()):
                    before = sweep.run(waiting, Path("nowhere"), ahead=False)
                    after = sweep.run(going_on, Path("nowhere"))
                found.append((going_on.clock / waiting.clock, going_on.busy / waiting.busy, before == after))
            time, training, same = np.mean(found, axis=0)
            yield (
                f"one of 3 values {ratio} times as slow, {n_workers} workers",
                f"{time:.2f} of the time, {training:.2f} of the training, {same:.0%} the same decisions",
                "less time, 100% the same decisions",
            )


def over_environments(runs: int) -> Iterator[Row]:
    """10 seeds in each environment, correlation 0.3."""

    def overall(ratios: Sequence[Sequence[float]], key: int) -> str:
        results = [
            env.overall(*several(rng(key, run), ratios), Shuffler(rng(0), PERMUTATIONS))
            for run in range(runs)
        ]
        return share([result is not None and result.p < 0.05 for result in results])

    yield "3 environments without effect: together", overall([[1, 1]] * 3, 9), "0.043"
    yield "1.5 times as slow in all 3: together", overall([[1, 1.5]] * 3, 10), "0.85"
    opposite = [[1, 2.2], [1, 1 / 1.8]]
    yield "2.2 and 1/1.8 in 2 environments: together", overall(opposite, 11), "0.003"
    ratios = [ratios_of(*several(rng(11, run), opposite)) for run in range(runs)]
    yield "the same: interaction", share([env.interaction(one) < 0.05 for one in ratios]), "0.995"
    yield "the same: reversal", share([env.reversal(one) < 0.05 for one in ratios]), "0.93"


def surfaces(runs: int) -> Iterator[Row]:
    """Two values: which share of trials had reached a return by a time, at all returns and times at once.

    Curves of 25 evaluations that rise towards 200 around such times, with noise. Shares of n trials move in
    steps of 1/n, which makes the test cautious where seeds are few.
    """
    for n, ratio, promise in (
        (6, 1.0, "at most 0.05"),
        (10, 1.0, "at most 0.05"),
        (20, 1.0, "about 0.05"),
        (30, 1.0, "about 0.05"),
        (10, 2.0, "above 0.49, that of convergence alone"),
    ):
        beyond = []
        for run in range(runs):
            curves, _ = simulated(run, [1, ratio], n)
            grid = grid_of(curves, HORIZON)
            assert grid is not None
            seen = reached(curves, np.full(len(curves), np.inf), grid)
            beyond.append(difference(seen[1::2] - seen[::2], rng(18, run)).beyond.any())
        told = "no effect" if ratio == 1 else f"one value {ratio:g} times as slow"
        yield f"{told}, {n} seeds: some difference beyond the limit", share(beyond), promise


def tuning(runs: int) -> Iterator[Row]:
    """What one setting for 3 environments loses, of 6 settings with scores whose deviation is 0.2."""
    flat = np.full((3, 6), 0.5)
    for truth in (flat, flat + 0.2 * np.eye(3, 6)):
        loss = float(truth.max(axis=1).mean() - truth.mean(axis=0).max())
        for n in (6, 10, 20):
            losses, on_the_same, held = [], [], []
            for run in range(runs):
                generator = rng(15, n, run)
                luck = generator.normal(0, 0.1, size=n)
                table = truth[:, :, None] + luck + generator.normal(0, 0.17, size=(3, 6, n))
                found = sensitivity(table, np.arange(6)[:, None], generator).loss
                losses.append(found.value)
                held.append(found.interval[0] <= loss <= found.interval[1])
                means = table.mean(axis=2)
                on_the_same.append(means.max(axis=1).mean() - means.mean(axis=0).max())
            told = f"a loss of {loss:.2f}, {n} seeds"
            without = f"{loss:.2f} (without halves {np.mean(on_the_same):.3f})"
            yield f"{told}: found on average", f"{np.mean(losses):.3f}", without
            yield f"{told}: in the interval", share(held), "0.95"


def intervals(runs: int) -> Iterator[Row]:
    """How often a 95% interval holds the truth."""
    for n, promises in ((5, (0.98, 0.98, 0.98)), (20, (0.97, 0.98, 0.98))):
        for at_bound, promise in zip((0.5, 0.8, 0.95), promises, strict=True):
            held, generator = [], rng(12, n, int(100 * at_bound))
            for _ in range(runs):
                values = np.where(generator.random(n) < at_bound, 500.0, generator.uniform(0, 500, n))
                low, high = st.mean_interval(values, generator, bounds=(0, 500))
                held.append(low <= 250 + 250 * at_bound <= high)
            yield (
                f"bounded mean, {n} trials, {at_bound:.0%} of values at the bound",
                share(held),
                str(promise),
            )
    for n, promise in ((5, "1 (no limits)"), (10, "at least 0.95"), (20, "at least 0.95")):
        held, generator = [], rng(13, n)
        for _ in range(runs):
            times = generator.exponential(40_000, n)
            low, high = median_limits(np.minimum(times, 50_000), times < 50_000)
            held.append(low <= 40_000 * np.log(2) <= high)
        yield f"median, {n} trials, 29% censored", share(held), promise
    for n, promise in ((5, "0.91"), (10, "0.92"), (20, "0.93"), (50, "0.95")):
        held, generator = [], rng(14, n)
        for _ in range(runs):
            low, high = env.interquartile_mean(generator.normal(size=(3, n)), generator).interval
            held.append(low <= 0 <= high)
        yield f"IQM over 3 environments, {n} trials each", share(held), promise
    for n in (5, 10, 20):
        for share_of in (0.5, 0.1, 0.03):
            held, generator = [], rng(16, n)
            for _ in range(runs):
                scores = generator.uniform(size=(3, n))
                found = env.profile(scores, [range(n)] * 3, [1 - share_of])
                held.append(found.low[0] <= share_of <= found.high[0])
            told = f"performance profile where it is {share_of:g}, 3 environments, {n} trials each"
            yield told, share(held), "at least 0.95"
    for n in (5, 10, 20):
        held, generator = [], rng(17, n)
        for _ in range(runs):
            curves = generator.normal(size=(n, 40)).cumsum(axis=1)
            band = st.simultaneous_band(curves, generator)
            held.append((band.low <= 0).all() and (band.high >= 0).all())
        yield f"a whole learning curve of 40 moments, {n} trials", share(held), "0.95"


def importances(runs: int) -> Iterator[Row]:
    """30 proposals, 4 parameters that do not matter, 39 shuffles: some stands out (half as many studies)."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def stands_out(sampler: BaseSampler, seed: int) -> bool:
        generator, study = rng(15, seed), optuna.create_study(sampler=sampler)
        for _ in range(30):
            trial = study.ask()
            trial.set_user_attr("drawn", "random")  # also where it is not so
            trial.suggest_float("a", 1e-4, 1e-2, log=True)
            trial.suggest_int("b", 1, 9)
            trial.suggest_float("c", 0, 1)
            trial.suggest_categorical("d", ["[64]", "[128]", "[64,64]"])
            study.tell(trial, float(generator.normal()))
        data = read_study(study)
        found = study_importances(data, data.goals[0], generator, shuffles=39)
        return found is not None and bool(found.above())

    def found(sampler: Callable[[int], BaseSampler]) -> str:
        return share([stands_out(sampler(run), run) for run in range(runs // 2)])

    yield "random proposals", found(lambda run: RandomSampler(seed=run)), "at most 0.05"
    adaptive = found(lambda run: TPESampler(seed=run, multivariate=True))
    yield "TPE, if its proposals were tested, which they are not", adaptive, "no promise"


EXPLANATION = (
    "`make calibrate` simulates these sweeps and writes this page. Times to convergence are lognormal with a",
    "coefficient of variation of 0.5, seen every 2 000 steps, and censored at 50 000. Trials of a seed are",
    "correlated as told.",
)
TABLES = {
    "A fixed number of seeds": fixed,
    "Ordered values": ordered,
    "As many seeds as it takes": in_looks,
    "Looks that are added": added_looks,
    "Training ahead of a look": trained_ahead,
    "Several environments": over_environments,
    "Returns reached by a time": surfaces,
    "Sensitivity to tuning": tuning,
    "Intervals": intervals,
    "Importances in a study": importances,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} instead of printing")
    args = parser.parse_args()
    lines = ["# Calibration", "", (__doc__ or "").strip().splitlines()[0], "", *EXPLANATION]
    told = "A share is of {} simulated sweeps, ± its standard error. Beside it stands what was expected."
    lines.append(told.format(args.runs))
    for title, table in TABLES.items():
        lines += ["", f"## {title}", "", getdoc(table) or "", ""]
        lines += ["| simulated | found | expected |", "|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in table(args.runs)]
    text = "\n".join(lines) + "\n"
    if args.write:
        PAGE.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
