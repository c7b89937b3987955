"""If only some options of a swept group have a key, its values go only to those options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from dqn_exp.config.errors import ConfigError
from dqn_exp.launch.pace import NoPaceError
from dqn_exp.plan.fitting import fit
from tests.program import TINY, run_here

OPTIONS = {
    "replay=uniform": {"replay": {"capacity": 5, "batch_size": 3}},
    "replay=prioritised": {"replay": {"capacity": 5, "batch_size": 3, "alpha": 0.6}},
    "replay=online": {"replay": {"n_step": 1}},
    "env=plain": {"env": {"id": "A", "wrappers": {}}},
    "env=any": {"env": {"id": "???", "wrappers": {}}},
    "env=noisy": {"env": {"id": "A", "wrappers": {"noise": {"scale": None}}}},
}


def fitted(*axes: list[str]) -> tuple[list[str], list[str]]:
    """The jobs of the product of `axes`, each in one string, and the remarks."""
    jobs: list[list[str]] = [[]]
    for texts in axes:
        jobs = [[*job, text] for job in jobs for text in texts]
    kept, remarks = fit(jobs, OPTIONS.__contains__, compose)
    return [" ".join(job) for job in kept], remarks


def compose(options: tuple[str, ...]) -> DictConfig:
    merged = OmegaConf.merge({"lr": 1, "batch": 3}, *(OPTIONS[option] for option in options))
    assert isinstance(merged, DictConfig)
    return merged


def test_values_go_to_the_options_that_have_the_key() -> None:
    jobs, remarks = fitted(
        ["replay=uniform", "replay=prioritised"],
        ["replay.alpha=0.4", "replay.alpha=0.6"],
        ["seed=0", "seed=1"],
    )
    assert jobs == [
        "replay=uniform seed=0",
        "replay=uniform seed=1",
        *(f"replay=prioritised replay.alpha={alpha} seed={seed}" for alpha in (0.4, 0.6) for seed in (0, 1)),
    ]
    assert remarks == ["replay.alpha is left out of trials with replay=uniform, which have no such key"]


def test_a_short_name_is_a_key_of_its_part() -> None:
    jobs, remarks = fitted(["replay=uniform", "replay=online"], ["batch=1", "batch=2"])
    assert jobs == ["replay=uniform batch=1", "replay=uniform batch=2", "replay=online"]
    assert remarks == ["batch is left out of trials with replay=online, which have no such key"]


def test_of_several_groups_the_one_that_lacks_the_key_is_named() -> None:
    axes = (["env=plain", "env=noisy"], ["replay=uniform", "replay=online"])
    jobs, remarks = fitted(*axes, ["env.wrappers.noise.scale=1", "env.wrappers.noise.scale=2"])
    assert len(jobs) == 2 + 4
    assert remarks == [
        "env.wrappers.noise.scale is left out of trials with env=plain, which have no such key"
    ]


@pytest.mark.parametrize(
    "axes",
    [
        (["replay=uniform"], ["replay.alpha=0.4", "replay.alpha=0.6"]),
        (["replay=uniform", "replay=online"], ["replay.alpha=0.4", "replay.alpha=0.6"]),
        (["env=any", "env=plain"], ["env.id=A", "env.id=B"]),
        (["replay=uniform", "replay=prioritised"], ["lr=1", "lr=2"]),
        (["replay=uniform", "replay=online"], ["batch=1"]),
        (["replay=uniform", "replay=prioritised"], ["+replay.alpha=1", "+replay.alpha=2"]),
        (["replay=uniform", "replay=prioritised"], ["lr=1", "lr=1"]),
        (["replay=uniform", "replay=prioritised"], ["hydra.job.name=1", "hydra.job.name=2"]),
    ],
)
def test_all_else_stays_as_it_is(axes: tuple[list[str], ...]) -> None:
    """What no option has is left to be refused; what has no value yet is there all the same."""
    jobs, remarks = fitted(*axes)
    assert (len(jobs), remarks) == (len(axes[0]) * len(axes[1]), [])
    assert all(len(job.split()) == 2 for job in jobs)


def test_a_value_that_is_given_once_is_for_every_trial() -> None:
    with pytest.raises(ConfigError) as caught:
        fitted(["replay=uniform", "replay=prioritised"], ["replay.alpha=0.4"])
    assert str(caught.value) == (
        "replay.alpha=0.4: replay=uniform has no alpha; allowed: capacity, batch_size, or several values of "
        "replay.alpha, which only the options that have the key use"
    )


def test_values_that_go_with_others_may_all_be_the_same() -> None:
    """One is given for each job; an option without the key leaves its own out."""
    jobs = [["replay=uniform", "replay.alpha=0.4"], ["replay=prioritised", "replay.alpha=0.4"]]
    kept, remarks = fit(jobs, OPTIONS.__contains__, compose, {"replay", "replay.alpha"})
    assert kept == [["replay=uniform"], ["replay=prioritised", "replay.alpha=0.4"]]
    assert remarks == ["replay.alpha is left out of trials with replay=uniform, which have no such key"]


def test_a_sweep_of_pairs_with_one_value_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise NoPaceError("nothing is measured here")

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", fail)
    (tmp_path / "place").mkdir()
    pairs = ("zip=[replay,replay.alpha]", "replay=uniform,prioritised", "replay.alpha=0.5,0.5", "seed=0")
    ended = run_here("-m", *TINY, *pairs, "dry_run=true", cwd=tmp_path / "place")
    assert ended.code == 0, ended.said
    assert "2 trials in " in ended.out


def test_a_sweep_says_so_and_trains_each_once(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    axes = ("replay=online,prioritised", "replay.alpha=0.4,0.6", "batch=8,16", "seed=0")
    ended = run_here("-m", *TINY[:1], *TINY[2:], *axes, "hydra.sweep.dir=s", cwd=place)
    assert ended.code == 0, ended.said
    for key in ("replay.alpha", "batch"):
        assert f"{key} is left out of trials with replay=online, which have no such key\n" in ended.out
    assert ended.out.count("Warning: no trial can converge: at most 2 evaluations") == 1
    names = {trial["name"] for trial in json.loads((place / "s" / "sweep.json").read_text())["trials"]}
    alphas = {f"replay=prioritised,replay.alpha={a},batch={b},seed=0" for a in (0.4, 0.6) for b in (8, 16)}
    assert names == {"replay=online,seed=0", *alphas}
