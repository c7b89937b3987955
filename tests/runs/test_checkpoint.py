"""Opening results runs no code."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from dqn_exp.config.errors import ConfigError
from dqn_exp.runs.checkpoint import (
    CHECKPOINT,
    load_checkpoint,
    load_network,
    save_checkpoint,
    save_network,
)
from dqn_exp.runs.files import NETWORK
from dqn_exp.training.run import EpisodeEnded, Trial, train
from tests.helpers import make_config, same_bits


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
    trial = Trial(make_config())
    loaders = {
        NETWORK: lambda: load_network(tmp_path / name, trial.learner.network),
        CHECKPOINT: lambda: load_checkpoint(tmp_path, trial),
    }
    with pytest.raises(ConfigError, match="other formats are refused, because opening them may run code"):
        loaders[name]()
    assert not (tmp_path / "exploded").exists()


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_network(tmp_path / NETWORK, Trial(make_config(network__hidden=[8])).learner.network)
    with pytest.raises(ConfigError, match=r"layers\.0\.weight \[8, 4\].*layers\.0\.weight \[128, 4\]"):
        load_network(tmp_path / NETWORK, Trial(make_config()).learner.network)


def test_everything_comes_back(tmp_path: Path) -> None:
    config = make_config(budget__env_steps=600, replay="prioritised", batch=32)
    trial = Trial(config)
    for event in train(trial):
        if isinstance(event, EpisodeEnded):
            save_checkpoint(tmp_path, trial, {"note": trial.clock.episodes})
            saved, state = copies(trial), trial.state()
    other = Trial(config)
    assert load_checkpoint(tmp_path, other) == {"note": trial.clock.episodes}
    assert other.state() == state
    assert same_bits(copies(other), saved)


def copies(trial: Trial) -> dict[str, torch.Tensor]:
    return {name: array.clone() for name, array in trial.learner.arrays().items()}
