"""From overrides to planned trials: names, values and directories."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from dqn_exp.borrowed.hydra import VERSION_BASE
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.paths import CONF
from dqn_exp.plan.planner import Planner, directory_name, plain_values, trial_names

OWN_PLACES = ["hydra.sweep.subdir=${hydra.job.num}_${hydra.job.override_dirname}"]


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with initialize_config_dir(str(CONF), "trial", version_base=VERSION_BASE):
        yield GlobalHydra.instance().config_loader()


def compose_sweep(overrides: list[str]) -> DictConfig:
    return compose("config", [*overrides, "hydra.mode=MULTIRUN"], return_hydra_config=True)


def test_names_hold_what_varies_and_the_seed() -> None:
    assert trial_names([["buffer=1k", "lr=0.1", "seed=0"], ["seed=0", "buffer=2k", "lr=0.1"]]) == [
        "buffer=1k,seed=0", "buffer=2k,seed=0"
    ]  # fmt: skip
    assert trial_names([["buffer=1k", "seed=4"]]) == ["seed=4"]
    assert trial_names([["buffer=1k"]]) == ["trial"]
    assert trial_names([]) == []


def test_any_text_is_a_safe_and_unique_directory_name() -> None:
    long = ("x" * 300, "x" * 301, "実験" * 50, "実験" * 51, "x" + "é" * 80)
    names = [directory_name(text) for text in ("env.id=a/b", "env.id=a_b", "../..", *long)]
    assert len(set(names)) == len(names)
    assert all("/" not in name and name not in (".", "..") for name in names)
    assert all(len(name.encode()) <= 120 for name in names)
    assert directory_name("実験=é") == "実験=é"


@pytest.mark.parametrize(
    "job",
    [
        ["buffer=17k", "seed=3"],
        ["exploration=linear", "exploration.duration=5k", "lr=0.5", "seed=0"],
        ["experiment=notebook", "buffer=500", "network.hidden=[64,64]"],
        ["env=cartpole_v0", "+env.kwargs.sutton_barto_reward=true", "budget.episodes=3"],
    ],
)
def test_the_quick_way_composes_what_hydra_composes(job: list[str], loader: ConfigLoader) -> None:
    master = compose_sweep(OWN_PLACES)
    (trial,) = Planner(loader, master).plan([job])
    expected = loader.load_sweep_config(master, job)
    assert plain_values(trial.hydra_config) == plain_values(expected)
    for part in ("overrides.task", "job.override_dirname", "runtime.choices", "sweep.dir"):
        ours, theirs = (OmegaConf.select(c, f"hydra.{part}") for c in (trial.hydra_config, expected))
        assert ours == theirs
    assert trial.name == f"0_{expected.hydra.job.override_dirname}"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
@pytest.mark.parametrize("trains_here", [False, True])
def test_devices_are_checked_where_trials_run(trains_here: bool, loader: ConfigLoader) -> None:
    planner = Planner(loader, compose_sweep([]), trains_here)
    refused = pytest.raises(ConfigError, match="no usable CUDA device") if trains_here else nullcontext()
    with refused:
        assert planner.plan([["device=cuda"]])[0].config.device == "cuda"


def test_two_trials_in_one_place_are_refused(loader: ConfigLoader) -> None:
    planner = Planner(loader, compose_sweep(["hydra.sweep.subdir=here"]))
    with pytest.raises(ConfigError, match="here occurs 2 times"):
        planner.plan([["seed=0"], ["seed=1"]])


def test_planning_costs_little_and_the_same_for_each(loader: ConfigLoader) -> None:
    """Processor time, so that other work does not disturb; 0.1 s per trial is what a whole trial may cost."""
    planner = Planner(loader, compose_sweep([]))
    planner.plan([["seed=0"]])
    spent = []
    for first, last in ((1, 51), (51, 251)):
        began = time.process_time()
        planner.plan([[f"seed={seed}", "buffer=500"] for seed in range(first, last)])
        spent.append((time.process_time() - began) / (last - first))
    assert max(spent) < 0.05
    assert spent[1] < 2 * spent[0]
