"""With masks, a DQN takes only allowed actions, and bootstraps only from allowed next actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import Tensor, nn

from analysis.network.evidence import look
from analysis.network.rollouts import roll_out
from dqn_exp.agent import build_exploration
from dqn_exp.agent.torch_learner import TorchLearner
from dqn_exp.clock import Clock
from dqn_exp.config.errors import ConfigError
from dqn_exp.config.schema import ConstantConfig
from dqn_exp.networks import MaskedNetwork
from dqn_exp.registry import agents
from dqn_exp.replay import Transitions
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.trained import load_trained
from tests.envs.masks import BEST, ID
from tests.helpers import dqn, make_config, run

DOORS: dict[str, Any] = {
    "env": "gymnasium",
    "env__id": ID,
    "convergence__threshold": BEST,
    "budget__env_steps": 1200,
    "batch": 16,
    "network__hidden": [16],
    "train_every": 2,
    "evaluation__every_steps": 400,
    "exploration": "linear",
    "exploration__duration": 500,
    "lr": 1e-2,
    "gamma": 0.5,
}


class Fixed(nn.Module):
    """The values of each action, whatever is observed."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values, dtype=torch.float32))

    def forward(self, rows: Tensor) -> Tensor:
        return self.values.expand(len(rows), -1)


def learner(double: bool, online: tuple[float, ...], target: tuple[float, ...]) -> TorchLearner:
    config = make_config(agent__double=double, lr=1e-9)
    made = TorchLearner(MaskedNetwork(Fixed(*target), 3), config.agent, config.optimizer, has_target=True)
    with torch.no_grad():
        made.network.network.values.copy_(torch.tensor(online))  # type: ignore[union-attr, operator]
    return made


def rows(*masks: list[int]) -> np.ndarray:
    """Observations of one number, 0, with these masks behind them."""
    return np.array([[0, *mask] for mask in masks], np.float32)


def test_the_greedy_action_is_the_best_allowed_one() -> None:
    made = learner(False, (1, 5, 3), (0, 0, 0))
    assert made.greedy(rows([1, 1, 1], [1, 0, 1], [1, 0, 0])).tolist() == [1, 2, 0]
    assert made.values(rows([1, 0, 1])).tolist() == [[1, 5, 3]]


@pytest.mark.parametrize(
    ("double", "bootstrapped"),
    [(False, 3), (True, 2)],  # the target's largest of the allowed; its value of the online network's choice
)
def test_targets_bootstrap_from_allowed_actions(double: bool, bootstrapped: float) -> None:
    made = learner(double, online=(9, 9, 1), target=(2, 7, 3))
    after = rows([1, 0, 1], [1, 0, 1])
    column = np.array([0.5, 0.5], np.float32)
    transitions = Transitions(after, np.zeros(2, np.int64), column, after, np.array([1, 0], np.float32))
    made.update(transitions, np.arange(2), None)
    assert made.td_errors.tolist() == pytest.approx([9 - 0.5 - bootstrapped, 9 - 0.5])
    assert made.largest_value == 9


def test_random_actions_are_even_among_the_allowed() -> None:
    always = build_exploration(
        ConstantConfig(name="constant", epsilon=1.0), 3, np.random.default_rng(0), Clock(), masked=True
    )
    observations = rows([1, 0, 1], [0, 1, 0])
    chosen = np.array([always.explore(observations, lambda r: np.zeros(len(r), int)) for _ in range(1000)])
    assert np.bincount(chosen[:, 0]) == pytest.approx([500, 0, 500], abs=60)
    assert set(chosen[:, 1]) == {1}


@pytest.mark.parametrize("agent", ["dqn", "double_dqn"])
@pytest.mark.parametrize("replay", [{"replay": "uniform"}, {"replay": "prioritised", "replay__n_step": 2}])
def test_a_trial_takes_no_action_that_is_locked_and_learns_the_best(
    agent: str, replay: dict[str, Any], tmp_path: Path
) -> None:
    """The environment raises at once where a locked door is tried, in training as in evaluation."""
    config = make_config(**DOORS, **replay, agent=agent)
    assert config.env.action_masks is True
    result = run_trial(config, tmp_path, {})
    assert result.status == "converged"
    assert result.final_return == BEST
    trained = load_trained(tmp_path)
    assert (trained.observation_size, trained.first_action) == (6, 4)
    assert roll_out(trained, 1.0, 5).returns != [BEST] * 5
    seen = look(trained)
    assert set(seen.greedy) == {1, 2}
    assert seen.hidden[0].shape[1] == 16  # the network inside is an ordinary one


@pytest.mark.parametrize(
    "settings",
    [
        {"network__head": {"name": "c51", "v_min": -2, "v_max": 4, "atoms": 25}, "network__dueling": True},
        {"network__head": {"name": "qr", "quantiles": 9}, "agent__munchausen": True},
    ],
    ids=str,
)
def test_masks_hold_for_the_family(settings: dict[str, Any], tmp_path: Path) -> None:
    assert run_trial(make_config(**DOORS, **settings), tmp_path, {}).final_return == BEST
    trained = load_trained(tmp_path)
    assert trained.values(rows([1] * 9)[:, :6]).shape == (1, 3)
    assert set(look(trained).greedy) == {1, 2}


def test_a_killed_trial_with_masks_goes_on_to_the_same_record(tmp_path: Path) -> None:
    config = make_config(**{**DOORS, "budget__env_steps": 300}, checkpoint__every_seconds=0)
    run_trial(config, tmp_path / "whole", {})
    events = record_trial(config, tmp_path / "cut", {})
    [next(events) for _ in range(25)]
    events.close()  # type: ignore[attr-defined]
    run_trial(config, tmp_path / "cut", {})
    for name in ("episodes.csv", "losses.csv", "network.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_masks_choose_the_torch_learner_or_are_refused() -> None:
    trial, _ = run(make_config(**{**DOORS, "budget__env_steps": 20}))
    assert dqn(trial).learner.name == "torch"
    with pytest.raises(ConfigError, match=r"^learner='fused' does not support the action masks of env.id="):
        make_config(**DOORS, learner="fused")


def test_masks_can_be_ignored() -> None:
    ignored = {"env__action_masks": False, "env__kwargs": {"strict": False}}
    trial, _ = run(make_config(**{**DOORS, "budget__env_steps": 50}, **ignored, learner="fused"))
    assert trial.env.observation_space.shape == (6,)


def test_who_ignores_masks_must_be_let() -> None:
    with pytest.raises(ConfigError, match="first reset or step: AssertionError: door 0 of room 0 is locked"):
        make_config(**DOORS, env__action_masks=False)


def test_an_agent_of_one_s_own_must_ask_for_masks() -> None:
    if "test_own" not in agents._registered:
        agents.register("test_own")(lambda *parts: None)
    with pytest.raises(
        ConfigError, match=r"agent.name='test_own' may not use them; allowed: .*action_masks=fal"
    ):
        make_config(**DOORS, agent__name="test_own")
    assert make_config(**DOORS, agent__name="test_own", env__action_masks=True).env.action_masks


def test_masks_that_are_not_there_cannot_be_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"its reset returned no mask; expected info\['action_mask'\] of 2"):
        make_config(env__action_masks=True)


def test_masked_observations_keep_the_network_small() -> None:
    trial, _ = run(make_config(**{**DOORS, "budget__env_steps": 20}))
    assert isinstance(trial.agent.network, MaskedNetwork)
    assert next(trial.agent.network.parameters()).shape == (16, 6)
    assert trial.env.action_space == spaces.Discrete(3)
