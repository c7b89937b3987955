"""Opening a trial's results never runs code from its files."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import safetensors.torch
import torch

from dqn_exp.config.errors import ConfigError
from dqn_exp.runs.checkpoint import CHECKPOINT, Checkpoint, interval, read_state, write_state
from dqn_exp.runs.files import NETWORK
from dqn_exp.runs.networks import load_network, save_network
from dqn_exp.training.run import EpisodeEnded, Learned, build_run, train
from tests.helpers import make_config, same_bits, snapshot


class Bomb:
    """Unpickling it creates the file `exploded`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path / "exploded",)


@pytest.mark.parametrize("write", [torch.save, lambda bomb, path: path.write_bytes(pickle.dumps(bomb))])
@pytest.mark.parametrize("name", [CHECKPOINT, NETWORK])
def test_a_pickle_is_refused_and_not_opened(write: object, name: str, tmp_path: Path) -> None:
    write(Bomb(tmp_path), tmp_path / name)  # type: ignore[operator]
    network = build_run(make_config()).agent.network
    loaders = {
        NETWORK: lambda: load_network(tmp_path / name, network),
        CHECKPOINT: lambda: read_state(tmp_path / name),
    }
    with pytest.raises(ConfigError, match="other formats are refused, because reading them may run code"):
        loaders[name]()
    assert not (tmp_path / "exploded").exists()


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_network(tmp_path / NETWORK, build_run(make_config(network__hidden=[8])).agent.network)
    with pytest.raises(ConfigError, match=r"layers\.0\.weight \[8, 4\].*layers\.0\.weight \[128, 4\]"):
        load_network(tmp_path / NETWORK, build_run(make_config()).agent.network)


def test_a_network_comes_back(tmp_path: Path) -> None:
    saved, other = (build_run(make_config(seed=seed)).agent.network for seed in (0, 1))
    save_network(tmp_path / NETWORK, saved)
    load_network(tmp_path / NETWORK, other)
    assert same_bits(saved.state_dict(), other.state_dict())


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    """Arrays keep their type, shape and bits, wherever they are; all else is as JSON has it."""
    state = {
        "numbers": [1, 2.5, -math.inf, None, True, "text", 2**100],
        "arrays": [{"float32": np.float32([[0.1, np.nan]])}, np.int64([]), np.array([True, False])],
        "nested": {"tensor": torch.tensor([1.5, 2.5]), "one": np.float64(0.1), 7: {0: "keys"}},
    }
    write_state(tmp_path / CHECKPOINT, state)
    read = read_state(tmp_path / CHECKPOINT)
    np.testing.assert_equal(read["numbers"], state["numbers"])
    np.testing.assert_equal(read["arrays"], state["arrays"])
    assert [array.dtype for array in read["arrays"][1:]] == [np.int64, np.bool_]
    assert read["arrays"][0]["float32"].dtype == np.float32
    assert torch.equal(read["nested"]["tensor"], state["nested"]["tensor"])
    assert read["nested"]["one"] == 0.1
    assert read["nested"][7] == {0: "keys"}


def test_without_a_checkpoint_there_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / CHECKPOINT) is None


def test_the_checkpoint_of_another_format_is_left_alone(tmp_path: Path) -> None:
    """An earlier version drew its random numbers otherwise: its trials begin again."""
    safetensors.torch.save_file({"learner.x": torch.zeros(1)}, tmp_path / CHECKPOINT, {"trial": "{}"})
    assert read_state(tmp_path / CHECKPOINT) is None


def test_all_of_a_run_comes_back(tmp_path: Path) -> None:
    config = make_config(budget__env_steps=600, replay="prioritised", replay__n_step=3, batch=32)
    trial = build_run(config)
    for event in train(trial):
        if trial.at_rest and isinstance(event, Learned):
            write_state(tmp_path / CHECKPOINT, trial.state())
            state = snapshot(trial.state())
    other = build_run(config)
    other.load_state(read_state(tmp_path / CHECKPOINT))
    np.testing.assert_equal(snapshot(other.state()), state)


@pytest.mark.parametrize(
    ("asked", "cost", "seconds"), [(60, 0.5, 60), (60, 20, 400), (60, 10_000, 6000), (0, 3, 0)]
)
def test_saving_takes_a_twentieth_of_the_time_at_most(asked: float, cost: float, seconds: float) -> None:
    assert interval(asked, cost) == seconds


def test_the_interval_begins_after_saving_and_grows_with_its_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 10 s are asked for, and saving takes 1 s: first after 10 s, then 20 s after that save."""
    now = 0.0
    monkeypatch.setattr("dqn_exp.runs.checkpoint.time", SimpleNamespace(perf_counter=lambda: now))

    class Slow:
        saved_at: ClassVar[list[float]] = []

        def state(self) -> int:
            nonlocal now
            self.saved_at.append(now)
            now += 1
            return 0

        def load_state(self, state: int) -> None: ...

    run = build_run(make_config(checkpoint__every_seconds=10))
    checkpoint = Checkpoint(tmp_path, {"slow": Slow()})
    checkpoint.begin(run)
    for seconds in (5.0, 9.9, 10.0, 30.9, 31.0, 51.0, 52.0):
        now = seconds
        checkpoint.on(EpisodeEnded(0.0, 1, 1.0, {}, 1), run)
    assert Slow.saved_at == [10, 31, 52]
