"""Declarations of looks: the same design again, or more looks if some of the error is left for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dqn_exp.config import Config, ConfigError
from dqn_exp.launch.designs import declare
from dqn_exp.launch.looks import SeedsDesign, Taken

DESIGN = SeedsDesign(first=3, looks=(2, 4, 5), margin=(0.8, 1.25), alpha=0.05)
PLACE = Path("sweeps/there")


class Judge:
    """Finds these looks on disk, and that so much of alpha is left."""

    def __init__(self, n_looks: int = 0, unspent: float = 0.0, verdict: str = "undecided") -> None:
        self.rows = [{"look": 1 + number, "value": "a", "verdict": verdict} for number in range(n_looks)]
        self.left = unspent
        self.asked: list[int] = []

    def check(
        self, design: SeedsDesign, configs: Sequence[Config], groups: Sequence[Sequence[str]]
    ) -> None: ...

    def look(self, directory: Path, lost: Sequence[str]) -> Taken | None:
        return Taken(False, {}, self.rows) if self.rows else None

    def unspent(self, manifest: Mapping[str, Any], taken: int) -> float:
        self.asked.append(taken)
        return self.left


def manifest(design: SeedsDesign | None, **further: Any) -> dict[str, Any]:
    declared = [] if design is None else [{"declared": "then", "taken": 0, **design.record()}]
    seeds = {} if design is None else {"seeds": design.record(), "designs": declared}
    return {"started": "then", "trials": [{"seed": 7}], **seeds, **further}


def other(**changed: Any) -> SeedsDesign:
    return SeedsDesign(**{**DESIGN.record(), **changed})


LONGER = other(looks=(2, 4, 9, 12))


def test_the_first_design_is_recorded_with_its_time() -> None:
    (only,) = declare({}, PLACE, DESIGN, Judge())
    assert (only["taken"], only["looks"], only["alpha"]) == (0, [2, 4, 5], 0.05)
    assert "T" in only["declared"]
    assert declare({}, PLACE, None, Judge()) == []
    assert declare(manifest(None), PLACE, None, Judge()) == []


def test_the_same_again_changes_nothing() -> None:
    there = manifest(DESIGN)
    assert declare(there, PLACE, DESIGN, Judge(3)) == there["designs"]
    del there["designs"], there["seeds"]["reserve"]  # of before looks could be added
    assert declare(there, PLACE, DESIGN, Judge(3)) == manifest(DESIGN)["designs"]


def test_before_a_look_another_design_takes_its_place() -> None:
    changed = other(first=0, alpha=0.01)
    first, second = declare(manifest(DESIGN), PLACE, changed, Judge())
    assert first["declared"] == "then"
    assert (second["taken"], second["first"], second["alpha"]) == (0, 0, 0.01)


def test_looks_are_added_to_those_that_were_taken() -> None:
    judge = Judge(2, unspent=0.3)
    _, second = declare(manifest(DESIGN), PLACE, LONGER, judge)
    assert (second["taken"], second["looks"], judge.asked) == (2, [2, 4, 9, 12], [2])
    third = declare(manifest(LONGER, designs=[{}, second]), PLACE, other(looks=(2, 4, 20)), judge)[2]
    assert (third["taken"], third["looks"]) == (2, [2, 4, 20])


def test_a_look_counts_as_taken_once_its_trials_are_there() -> None:
    """A report may have told it before the sweep was killed; or the trials are gone, and it was recorded."""
    for there, judge in (
        (manifest(DESIGN, looks=Judge(1).rows), Judge(2, 0.3)),
        (manifest(DESIGN, looks=Judge(2).rows), Judge(0, 0.3)),
    ):
        assert declare(there, PLACE, LONGER, judge)[-1]["taken"] == 2


@pytest.mark.parametrize(
    "design",
    [
        other(looks=(2, 3, 9)),
        other(looks=(2, 4)),
        other(looks=(2, 4, 5), reserve=0.1),
        other(looks=(2, 4, 9), alpha=0.1),
        other(looks=(2, 4, 9), first=4),
        other(looks=(2, 4, 9), margin=(0.5, 2)),
    ],
)
def test_what_was_looked_at_is_not_declared_otherwise(design: SeedsDesign) -> None:
    told = r"seeds\.looks=\[2,4,5\].*begin with \[2,4\] and go beyond 5 seeds.*seeds\.first=8"
    with pytest.raises(ConfigError, match=told):
        declare(manifest(DESIGN), PLACE, design, Judge(2, unspent=0.3))


def test_where_nothing_is_left_fresh_seeds_are_named() -> None:
    with pytest.raises(
        ConfigError, match=r"spent all of seeds\.alpha=0\.05; allowed: .*seeds\.first=8.*reserve"
    ):
        declare(manifest(DESIGN), PLACE, other(looks=(2, 4, 5, 9)), Judge(3))


def test_a_reserve_that_keeps_everything_is_refused() -> None:
    kept = other(reserve=0.2)
    with pytest.raises(
        ConfigError, match=r"seeds\.reserve=0\.2 reserves all .* a share of 0\.2; allowed: less"
    ):
        declare(manifest(kept), PLACE, other(looks=(2, 4, 5, 9), reserve=0.2), Judge(3, unspent=0.2))
    *_, last = declare(manifest(kept), PLACE, other(looks=(2, 4, 5, 9), reserve=0.1), Judge(3, unspent=0.2))
    assert (last["taken"], last["reserve"]) == (3, 0.1)


def test_where_all_is_decided_no_look_is_added() -> None:
    with pytest.raises(ConfigError, match=r"with 4 seeds every value .* was decided"):
        declare(manifest(DESIGN), PLACE, LONGER, Judge(2, unspent=0.3, verdict="differs"))


def test_given_seeds_and_looks_do_not_mix() -> None:
    with pytest.raises(ConfigError, match=r"holds a sweep of given seeds.*seeds\.first=8"):
        declare(manifest(None), PLACE, DESIGN, Judge())
    with pytest.raises(ConfigError, match=r"asks for given seeds.*seeds\.first=8"):
        declare(manifest(DESIGN), PLACE, None, Judge(1))
