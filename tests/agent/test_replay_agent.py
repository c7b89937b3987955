"""The base for agents of one's own: when it learns, what it keeps, and what it tells its subclass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from dqn_exp.agent import ReplayAgent
from dqn_exp.agent.agent import Diverged
from dqn_exp.registry import agents
from dqn_exp.replay import Sample
from dqn_exp.training.run import Learned, Run, build_run, train
from tests.envs.masks import ID
from tests.helpers import make_config, run, same_bits
from tests.networks.test_cnn import MARKS

BRIEF: dict[str, Any] = {
    "agent__name": "counting",
    "budget__env_steps": 60,
    "batch": 8,
    "metrics__loss_every": 1,
    "evaluation__every_steps": None,
    "network__hidden": [4],
}


@agents.register("counting")
class Counting(ReplayAgent):
    """Takes a step of SGD, and notes after how many environment steps; its third number is `odd`."""

    scalars = ("loss", "largest_reward", "odd")

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.optimizer = torch.optim.Adam(self.network.parameters(), self.config.lr)
        self.parts |= {"optimizer": self.optimizer}
        self.times: list[int] = []
        self.odd = 0.0

    def learn(self, sample: Sample) -> Sequence[float]:
        before, action, reward, after, discount = self.batch(sample)
        assert before.shape == after.shape
        assert action.shape == reward.shape == discount.shape == (self.config.batch,)
        self.times.append(self.clock.env_steps)
        loss = self.network(before).gather(1, action[:, None]).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), reward.abs().max().item(), self.odd


def counting(trial: Run) -> Counting:
    assert isinstance(trial.agent, Counting)
    return trial.agent


def test_it_learns_when_the_configuration_says() -> None:
    settings = {"train_every": 5, "agent__learning_starts": 21, "agent__updates_per_train": 2}
    trial, events = run(make_config(**BRIEF, **settings))
    times = [time for time in range(25, 61, 5) for _ in range(2)]
    assert counting(trial).times == times
    learned = [event for event in events if isinstance(event, Learned)]
    assert [event.update for event in learned] == list(range(1, len(times) + 1))


def test_it_waits_for_a_batch_and_learns_for_each_of_several_environments() -> None:
    trial, _ = run(make_config(**BRIEF, env__parallel=3, train_every=1))
    assert counting(trial).times == [time for time in range(9, 61, 3) for _ in range(3)]


def test_rewards_are_clamped() -> None:
    _, events = run(make_config(**BRIEF, agent__max_abs_reward=0.25))
    assert {event.scalars[1] for event in events if isinstance(event, Learned)} == {0.25}


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_a_divergence(odd: float) -> None:
    trial = build_run(make_config(**{**BRIEF, "metrics__loss_every": 1000}))
    counting(trial).odd = odd
    with pytest.raises(Diverged, match=r"^odd became infinite or NaN at update 1$") as diverged:
        list(train(trial))
    assert [learned.update for learned in diverged.value.learned] == [1]


def test_random_and_greedy_actions_are_among_the_allowed() -> None:
    doors = {"env": "gymnasium", "env__id": ID, "convergence__threshold": 1.0, "env__action_masks": True}
    trial = build_run(make_config(**BRIEF, **doors, exploration="constant"))
    for _ in range(100):
        rows = trial.env.observe()
        n = int(trial.env.action_space.n)
        for actions in (trial.agent.act(rows), trial.agent.greedy(rows)):
            assert rows[0, -n:][actions[0]] == 1
        trial.env.step(trial.agent.act(rows))


def test_images() -> None:
    """Frames are stored once and put together for a batch."""
    trial, _ = run(make_config(**{**MARKS, **BRIEF}))
    agent = counting(trial)
    assert agent.times
    before, *_ = agent.batch(agent.replay.sample())
    assert before.dtype == torch.uint8
    assert before.shape == (BRIEF["batch"], 1, 9, 8)
    assert set(before.unique().tolist()) <= {0, 200}


def test_noisy_layers_explore_and_evaluate_without_noise() -> None:
    noisy = {"network__noisy": True, "network__noisy_sigma": 5.0}
    trial = build_run(make_config(**BRIEF, **noisy, exploration="constant"))
    observations = trial.env.observe()
    assert {int(trial.agent.act(observations)[0]) for _ in range(30)} == {0, 1}
    assert trial.agent.epsilon == 0
    assert len({int(trial.agent.greedy(observations)[0]) for _ in range(30)}) == 1


@pytest.mark.parametrize("noisy", [False, True])
def test_a_restored_agent_goes_on_as_the_first(noisy: bool) -> None:
    """With the moments of its optimiser, its replay buffer and its random numbers."""
    brief = BRIEF | {"network__noisy": noisy}
    whole, _ = run(make_config(**brief))
    half, _ = run(make_config(**{**brief, "budget__env_steps": 30}))
    rest = build_run(make_config(**brief))
    assert rest.load_state(half.state())
    list(train(rest))
    assert same_bits(rest.agent.network.state_dict(), whole.agent.network.state_dict())
    assert not same_bits(half.agent.network.state_dict(), whole.agent.network.state_dict())
