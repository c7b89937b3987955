"""The result of a look depends only on the records that existed at that look."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimates.looks import Looks, take_looks
from analysis.estimates.planning import pilot_variance, seeds_for_ratio
from analysis.records.sweep import read_sweep
from tests.analysis.synthetic import looks_sweep, plan_looks, write_sweep

Found = list[tuple[int, str, str]]


def taken(root: Path, *lost: str) -> Looks:
    found = take_looks(read_sweep(root), lost)
    assert found is not None
    return found


def verdicts(found: Looks) -> Found:
    labels = found.axis.labels()
    return [(look.seeds, labels[look.value], look.verdict) for look in found.decisions.looks]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return looks_sweep(tmp_path_factory.mktemp("looks") / "s")


def without(sweep: Path, place: Path, **removed: Any) -> Path:
    """A copy of `sweep` without the trials of some seeds: of {value: first seed that is not there}."""
    shutil.copytree(sweep, place)
    for trial in place.glob("gamma=*"):
        gamma, seed = trial.name.removeprefix("gamma=").split(",seed=")
        if int(seed) >= removed.get(f"gamma_{gamma}", removed["others"]):
            shutil.rmtree(trial)
    return place


def test_each_value_is_decided_in_its_own_time(sweep: Path) -> None:
    found = taken(sweep)
    assert (found.axis.labels()[found.reference], found.why) == ("0.99", "the default")
    assert (8, "0.9", "differs") in verdicts(found)
    assert (8, "0.95", "undecided") in verdicts(found)
    assert verdicts(found)[-1][1] != "0.9"
    assert found.decisions.is_over
    slow = next(look for look in found.last if found.axis.labels()[look.value] == "0.9")
    assert found.direction(slow) == "slower"
    assert slow.ratio.ratio == pytest.approx(2.2, rel=0.15)


def test_earlier_looks_stay_when_seeds_are_added(sweep: Path, tmp_path: Path) -> None:
    """Horizon, scores and permutations are those of the trials that the look had."""
    whole = taken(sweep)
    eight = taken(without(sweep, tmp_path / "eight", others=8))
    assert eight.decisions.looks == [look for look in whole.decisions.looks if look.seeds == 8]
    assert not eight.decisions.is_over
    needed = dict(zip(eight.axis.labels(), eight.decisions.seeds_needed, strict=True))
    assert needed == {"0.9": 8, "0.95": 12, "0.99": 12, "0.999": 12}
    decided = taken(without(sweep, tmp_path / "decided", others=20, **{"gamma_0.9": 8}))
    assert decided.decisions == whole.decisions


def test_a_look_waits_for_a_trial_until_it_is_lost(sweep: Path, tmp_path: Path) -> None:
    """Whether it failed before or after it left a record."""
    part = without(sweep, tmp_path / "part", others=8)
    shutil.rmtree(part / "gamma=0.95,seed=3")
    result = part / "gamma=0.999,seed=2" / "result.json"
    result.write_text(json.dumps({**json.loads(result.read_text()), "status": "failed"}))
    lost = ("gamma=0.95,seed=3", "gamma=0.999,seed=2")
    assert taken(part).decisions.looks == []
    assert taken(part, lost[0]).decisions.looks == []
    assert len(taken(part, *lost).decisions.looks) == 3
    plan_looks(part, (8, 12, 20), defaults={"gamma": 0.99}, lost=lost)
    recorded = taken(part)
    assert len(recorded.decisions.looks) == 3
    assert recorded.lost == sorted(lost)
    result.write_text(result.read_text().replace("failed", "converged"))
    assert taken(part).decisions == recorded.decisions


def test_with_too_few_trials_no_look_is_taken(sweep: Path, tmp_path: Path) -> None:
    part = without(sweep, tmp_path / "part", others=8, **{"gamma_0.95": 5})
    lost = [f"gamma=0.95,seed={seed}" for seed in (5, 6, 7)]
    assert take_looks(read_sweep(part), lost) is None


def test_a_sweep_of_given_seeds_has_no_looks(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 8, lambda cell, seed: 5000)
    assert take_looks(read_sweep(tmp_path / "s")) is None


def test_values_that_do_the_same_are_not_asked_further(tmp_path: Path) -> None:
    """The same networks bit for bit, also where nothing converges; or convergence at the same evaluation."""

    def time(cell: dict[str, float], seed: int) -> float:
        if seed == 0 and cell["lr"] < 0.3:
            return np.inf
        return 5000 + 1000 * seed

    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2, 0.3, 0.4]}, 10, time)
    for trial in (tmp_path / "s").glob("lr=*"):
        kind = "same" if trial.name.startswith(("lr=0.1", "lr=0.2")) else trial.name
        (trial / "network.safetensors").write_text(f"{kind} {trial.name.partition(',')[2]}")
    found = taken(plan_looks(tmp_path / "s", (6, 10), defaults={"lr": 0.1}))
    assert verdicts(found)[:3] == [(6, "0.2", "same"), (6, "0.3", "undecided"), (6, "0.4", "undecided")]
    assert found.is_identical(found.decisions.looks[0])
    other = taken(plan_looks(tmp_path / "s", (6, 10), defaults={"lr": 0.3}))
    as_soon = next(look for look in other.decisions.looks if other.axis.labels()[look.value] == "0.4")
    assert (as_soon.seeds, as_soon.verdict) == (6, "same")
    assert not other.is_identical(as_soon)


def test_a_value_may_be_faster_than_the_reference(tmp_path: Path) -> None:
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 8, lambda cell, seed: 2000 / cell["lr"] + 500 * seed)
    found = taken(plan_looks(tmp_path / "s", (8,), defaults={"lr": 0.1}))
    assert verdicts(found) == [(8, "0.2", "differs")]
    assert found.direction(found.last[0]) == "faster"


def test_pairs_that_never_converge_are_not_the_same(tmp_path: Path) -> None:
    """What they would have done is not known; and without any spread nothing can be planned."""
    write_sweep(tmp_path / "s", {"lr": [0.1, 0.2]}, 8, lambda cell, seed: np.inf)
    found = taken(plan_looks(tmp_path / "s", (8,), defaults={"lr": 0.1}))
    assert [look.verdict for look in found.last] == ["undecided"]
    assert found.needed(found.last[0]) is None


def test_values_that_hardly_converge_are_never_equal(tmp_path: Path) -> None:
    write_sweep(
        tmp_path / "s",
        {"lr": [0.1, 0.2]},
        12,
        lambda cell, seed: 49_000 if seed == cell["lr"] * 10 else np.inf,
    )
    found = taken(plan_looks(tmp_path / "s", (12,)))
    assert [look.verdict for look in found.last] == ["undecided"]
    assert found.last[0].ratio.interval[0] > 0.8
    assert found.last[0].ratio.interval[1] < 1.25
    needed = found.needed(found.last[0])
    assert needed is not None
    assert needed.equality is None


def test_what_it_would_take_is_planned_from_what_was_seen(sweep: Path, tmp_path: Path) -> None:
    """A ratio of 1.2 among relative differences of about 0.17: some 20 seeds."""
    found = taken(without(sweep, tmp_path / "part", others=8))
    undecided = next(look for look in found.last if found.axis.labels()[look.value] == "0.999")
    needed = found.needed(undecided)
    assert needed is not None
    assert needed.difference is not None
    assert needed.equality is not None
    pair = found.pair(undecided)
    ours, theirs = (pair.times[pair.values == code] for code in (1, 0))
    assert needed.difference == seeds_for_ratio(undecided.ratio.ratio, pilot_variance(ours, theirs))
    assert needed.equality > needed.difference


def test_a_lost_trial_of_the_reference_is_no_pair_to_plan_from(sweep: Path, tmp_path: Path) -> None:
    found = taken(without(sweep, tmp_path / "part", others=8), "gamma=0.99,seed=3")
    look = next(look for look in found.last if found.axis.labels()[look.value] == "0.999")
    assert found.needed(look) is not None
