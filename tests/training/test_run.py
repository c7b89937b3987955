"""The training loop: the order of its steps, and that results depend only on configuration and seed."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from dqn_exp.envs import Step
from dqn_exp.registry import networks
from dqn_exp.training.run import Diverged, EpisodeEnded, Evaluated, Event, Learned, Run, build_run, train
from tests.helpers import gymnasium_env, make_config, run, same_bits, snapshot, weights

QUICK: dict[str, Any] = {"batch": 16, "network__hidden": [16], "budget__env_steps": 300, "lr": 0.01}


def make_trial(learner: str = "torch", **settings: Any) -> Run:
    return build_run(make_config(learner=learner, **{**QUICK, **settings}))


def outcome(trial: Run) -> tuple[list[Event], dict[str, Any], dict[str, Any]]:
    """All that a finished trial leaves: its events, its arrays, its other state."""
    events = list(train(trial))
    return events, weights(trial, ""), snapshot(trial.state())


def assert_same(first: Any, second: Any) -> None:
    assert first[0] == second[0]
    assert same_bits(first[1], second[1])
    np.testing.assert_equal(first[2], second[2])


# what happens when


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({}, 16),
        ({"agent__learning_starts": 50}, 50),
        ({"agent__learning_starts": 10}, 16),
        ({"agent__learning_starts": 50, "train_every": 7}, 56),
        ({"agent__learning_starts": 50, "replay": "prioritised"}, 50),
        ({"agent__learning_starts": 50, "replay": "online"}, 50),
        ({"agent__learning_starts": 50, "buffer": 20}, 50),
        ({"agent__learning_starts": 50, "replay__n_step": 3}, 50),
    ],
)
def test_nothing_learns_before_learning_starts_and_one_batch(
    settings: dict[str, Any], step: int, learner: str
) -> None:
    """Looked at after each step: no weight changes before the first update, which is told at once."""
    trial = make_trial(learner, metrics__loss_every=1, **settings)
    before, after = weights(trial), {}
    observed, changed_at = trial.agent.observe, 0

    def observe(one: Step) -> Sequence[Learned]:
        nonlocal after, changed_at
        learned = observed(one)
        if not changed_at and not same_bits(weights(trial), before):
            after, changed_at = weights(trial), trial.clock.env_steps
        return learned

    trial.agent.observe = observe  # type: ignore[method-assign]
    assert next(event for event in train(trial) if isinstance(event, Learned)).update == 1
    assert changed_at == trial.clock.env_steps == step
    assert same_bits(weights(trial), after)
    assert not same_bits(weights(trial), before)


@pytest.mark.parametrize(
    ("settings", "updates"),
    [
        ({}, 300 - 15),
        ({"train_every": 10}, 29),
        ({"train_every": 10, "agent__updates_per_train": 4}, 116),
        ({"env__parallel": 4}, 300 - 12),  # all four of the round that ends with the 16th
        ({"env__parallel": 4, "train_every": 10}, 29),
        ({"env__parallel": 4, "train_every": 10, "agent__updates_per_train": 4}, 116),
        ({"env__parallel": 25, "train_every": 10}, 30),  # rounds end at 25, 50, ...: two and three at a time
    ],
)
def test_updates_are_as_many_as_asked_for(settings: dict[str, Any], updates: int, learner: str) -> None:
    """Of 300 steps, those from the 16th on are trained on, or those of them that 10 divides."""
    trial = make_trial(learner, **settings)
    list(train(trial))
    assert trial.clock.updates == updates


@pytest.mark.parametrize(
    ("budget", "clock"),
    [
        ({"env_steps": 123, "episodes": None}, ("env_steps", 123)),
        ({"env_steps": None, "episodes": 7}, ("episodes", 7)),
        ({"env_steps": 10_000, "episodes": 7}, ("episodes", 7)),
        ({"env_steps": 40, "episodes": 1000}, ("env_steps", 40)),
    ],
)
def test_the_budget_is_kept_exactly(budget: dict[str, Any], clock: tuple[str, int]) -> None:
    trial = make_trial(budget=budget)
    list(train(trial))
    assert getattr(trial.clock, clock[0]) == clock[1]


def test_of_several_copies_the_budget_lets_the_last_round_be_whole() -> None:
    trial = make_trial(env__parallel=8, budget__env_steps=123)
    list(train(trial))
    assert trial.clock.env_steps == 128


def test_episodes_are_reported_whole() -> None:
    """CartPole pays 1 per step; only the last episode, cut off by the budget, is not reported."""
    trial, events = run(make_config(**QUICK))
    episodes = [event for event in events if isinstance(event, EpisodeEnded)]
    assert all(event.total_return == event.length for event in episodes)
    assert len(episodes) == trial.clock.episodes
    assert 300 - 60 < sum(event.length for event in episodes) <= 300


def test_losses_are_sampled_every_so_many_updates() -> None:
    trial = make_trial(metrics__loss_every=40)
    updates = [event.update for event in train(trial) if isinstance(event, Learned)]
    assert updates == [40, 80, 120, 160, 200, 240, 280]


@pytest.mark.parametrize("loss_every", [1, 5])
def test_all_of_a_step_is_told_before_the_run_is_at_rest(loss_every: int) -> None:
    """Several events of one step have one clock; only the last of them finds the run at rest."""
    trial = make_trial(metrics__loss_every=loss_every, evaluation__every_steps=1, evaluation__episodes=1)
    told = [(trial.clock.env_steps, trial.at_rest) for _ in train(trial)]
    last = {step: place for place, (step, _) in enumerate(told)}
    assert len(last) < len(told)
    assert [at_rest for _, at_rest in told] == [place == last[step] for place, (step, _) in enumerate(told)]


def test_a_run_that_is_stopped_tells_all_of_its_step() -> None:
    trial = make_trial(evaluation__every_episodes=3)
    events = []
    for event in train(trial):
        events.append(event)
        if isinstance(event, Evaluated):
            trial.stop()
    assert isinstance(events[-2], Evaluated)
    assert isinstance(events[-1], EpisodeEnded)
    assert trial.clock.episodes == 3


def test_evaluations_come_at_multiples_of_steps() -> None:
    trial = make_trial(evaluation__every_steps=70, evaluation__episodes=2)
    seen = [(trial.clock.env_steps, event) for event in train(trial) if isinstance(event, Evaluated)]
    assert [step for step, _ in seen] == [70, 140, 210, 280]
    assert all(len(event.score.returns) == 2 for _, event in seen)


def test_evaluations_come_at_multiples_of_episodes() -> None:
    trial = make_trial(evaluation__every_episodes=3, budget__episodes=10)
    episodes = [trial.clock.episodes for event in train(trial) if isinstance(event, Evaluated)]
    assert episodes == [3, 6, 9]


def test_evaluations_have_the_time_limit_asked_for() -> None:
    settings = {**gymnasium_env("probe/Cycle-v0"), "env__max_episode_steps": "unlimited"}
    trial = make_trial(**settings, evaluation__max_episode_steps=25)
    assert trial.evaluate(2).returns == [25, 25]


def test_an_evaluation_ends_where_episodes_do_not() -> None:
    """In an endless environment a greedy episode is at most as long as the whole training of 300 steps."""
    trial = make_trial(**gymnasium_env("probe/Cycle-v0"), evaluation__every_steps=100)
    scores = [event.score.returns for event in train(trial) if isinstance(event, Evaluated)]
    assert scores == [[300] * 5] * 3


def test_clock_of_learning_episodes_counts_from_the_first_update() -> None:
    trial = make_trial(agent__learning_starts=100)
    ended_before = 0
    for event in train(trial):
        if isinstance(event, EpisodeEnded):
            ended_before += trial.clock.updates == 0
    assert ended_before > 0
    assert trial.clock.learning_episodes == trial.clock.episodes - ended_before


# several copies at once


def test_one_greedy_call_is_for_all_copies() -> None:
    trial = make_trial(env__parallel=5, exploration="constant", exploration__epsilon=0.0)
    greedy, asked = trial.agent.learner.greedy, []  # type: ignore[attr-defined]

    def listening(observations: np.ndarray) -> np.ndarray:
        asked.append(len(observations))
        return greedy(observations)

    trial.agent.learner.greedy = listening  # type: ignore[attr-defined]
    list(train(trial))
    assert asked == [5] * 60


def test_all_of_a_round_explore_as_its_first_step_would() -> None:
    """From 1 to 0 over 300 steps: the round number k, from 0, with epsilon 1 - 4 k / 300."""
    schedule = {"exploration": "linear", "exploration__start": 1.0, "exploration__end": 0.0}
    trial = make_trial(env__parallel=4, env__max_episode_steps=1, **schedule, exploration__duration=300)
    seen = [event.epsilon for event in train(trial) if isinstance(event, EpisodeEnded)]
    assert seen == pytest.approx([1 - 4 * (episode // 4) / 300 for episode in range(300)])


def test_episodes_of_one_round_are_numbered_one_after_another() -> None:
    trial = make_trial(env__parallel=3, env__max_episode_steps=12)
    numbers = [event.number for event in train(trial) if isinstance(event, EpisodeEnded)]
    assert numbers == list(range(1, trial.clock.episodes + 1))
    assert len(numbers) > 20


def test_evaluations_come_in_the_round_that_passes_their_step() -> None:
    trial = make_trial(env__parallel=4, evaluation__every_steps=70, evaluation__episodes=1)
    steps = [trial.clock.env_steps for event in train(trial) if isinstance(event, Evaluated)]
    assert steps == [72, 140, 212, 280]


def test_greedy_episodes_are_the_same_however_many_copies_train() -> None:
    one, several = (make_trial(env__parallel=count) for count in (1, 6))
    assert (len(several.env), len(several.evaluation_env)) == (6, 1)
    assert several.evaluate(4) == one.evaluate(4)


# divergence is an outcome


def test_a_runaway_q_is_divergence(learner: str) -> None:
    trial = make_trial(learner, optimizer="sgd", lr=10.0, target="none", metrics__loss_every=1)
    with pytest.raises(Diverged, match=r"\|Q\| reached|the loss became"):
        list(train(trial))


def test_a_step_that_diverged_is_no_place_to_go_on_from(learner: str) -> None:
    trial = make_trial(learner, divergence__max_abs_q=1e-6, metrics__loss_every=1)
    assert trial.at_rest
    with pytest.raises(Diverged):
        list(train(trial))
    assert not trial.at_rest


def test_a_loss_that_is_not_finite_is_divergence(learner: str) -> None:
    """Without a bound on |Q| it is the loss that shows it, at whichever update that happens."""
    settings = {"divergence__max_abs_q": 1e300, "metrics__loss_every": 10**6}
    trial = make_trial(learner, optimizer="sgd", lr=100.0, target="none", **settings)
    with pytest.raises(Diverged, match=r"the loss became (inf|nan) at update \d+"):
        list(train(trial))
    assert trial.clock.env_steps < 300


# same seed, same bits

VARIANTS: list[dict[str, Any]] = [
    {},
    {"agent": "double_dqn", "target": "soft", "agent__loss": "huber"},
    {"replay": "prioritised", "replay__n_step": 3},
    {"optimizer": "rmsprop", "replay__replacement": False},
    {"env": "lunarlander", "evaluation__every_steps": 100, "evaluation__max_episode_steps": 50},
    {"env__parallel": 4, "replay__n_step": 3},
]


@pytest.mark.parametrize("settings", VARIANTS)
def test_same_seed_same_bits_whatever_ran_before(settings: dict[str, Any], learner: str) -> None:
    check_same_bits(settings, learner)


def test_same_seed_same_bits_with_batch_normalisation() -> None:
    check_same_bits({"network": "mlp_batchnorm", "optimizer": "rmsprop"}, "torch")


def check_same_bits(settings: dict[str, Any], learner: str) -> None:
    alone = outcome(make_trial(learner, **settings))
    list(train(make_trial(learner, seed=1, env="acrobot", budget__env_steps=50)))
    np.random.seed(5)  # noqa: NPY002
    assert_same(outcome(make_trial(learner, **settings)), alone)


@networks.register("test_noisy")
def build_noisy(observations: spaces.Box, actions: spaces.Discrete, config: Any) -> nn.Module:
    """Draws random numbers when it learns (dropout), and even when it acts."""

    class NoisyLinear(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input) + 0.01 * torch.randn(self.out_features)

    hidden = [NoisyLinear(observations.shape[0], 16), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*hidden, NoisyLinear(16, int(actions.n)))


def test_a_network_that_draws_has_its_own_stream() -> None:
    """Same bits whatever torch's global generator says, and however often the trial is evaluated."""
    settings = {"network__name": "test_noisy", "budget__env_steps": 150, "evaluation__every_steps": 50}
    alone = outcome(make_trial(**settings))
    before = torch.random.get_rng_state()
    torch.rand(3)
    assert_same(outcome(make_trial(**settings)), alone)
    torch.random.set_rng_state(before)
    often = outcome(make_trial(**{**settings, "evaluation__every_steps": 10}))
    assert same_bits(often[1], alone[1])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_interleaved_trials_do_not_disturb_each_other(learner: str) -> None:
    alone = [outcome(make_trial(learner, seed=seed)) for seed in (0, 1)]
    trials = [make_trial(learner, seed=seed) for seed in (1, 0)]
    pairs = list(zip_longest(*map(train, trials)))
    for (events, arrays, _), trial, own in zip(alone[::-1], trials, zip(*pairs, strict=True), strict=True):
        assert [event for event in own if event is not None] == events
        assert same_bits(weights(trial, ""), arrays)


def test_another_seed_is_another_trial(learner: str) -> None:
    first, second = (outcome(make_trial(learner, seed=seed)) for seed in (0, 1))
    assert first[0] != second[0]
    assert not same_bits(first[1], second[1])


@pytest.mark.parametrize("replay", ["uniform", "prioritised"])
def test_a_buffer_that_holds_all_steps_has_no_size(replay: str, learner: str) -> None:
    """300 steps: a buffer of exactly 300 and one of a million see and draw the same."""
    exact, large = (outcome(make_trial(learner, buffer=size, replay=replay)) for size in (300, 1_000_000))
    assert exact[0] == large[0]
    assert same_bits(exact[1], large[1])


def test_a_smaller_buffer_does_matter() -> None:
    exact, small = (make_trial(buffer=size) for size in (300, 100))
    assert not same_bits(outcome(exact)[1], outcome(small)[1])


# saving and continuing


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"replay": "prioritised", "replay__n_step": 3, "target": "soft"},
        {"optimizer": "sgd", "optimizer__momentum": 0.9},
        {"network__name": "test_noisy", "learner": "torch"},
        {"env__parallel": 3, "replay__n_step": 2, "target": "episodes", "update_every": 2},
    ],
)
@pytest.mark.parametrize("kind", [EpisodeEnded, Evaluated, Learned])
def test_a_rebuilt_trial_goes_on_to_the_same_bits(
    settings: dict[str, Any], kind: type[Event], learner: str
) -> None:
    """Cut where an episode has ended, or in the middle of one: after an evaluation or an update."""
    settings = {"learner": learner, **settings, "evaluation__every_steps": 50, "metrics__loss_every": 7}
    whole, cut, rebuilt = (make_trial(**settings) for _ in range(3))
    expected = outcome(whole)
    for event in train(cut):
        if isinstance(event, kind) and cut.clock.env_steps > 150 and cut.at_rest:
            break
    assert rebuilt.load_state(copy.deepcopy(cut.state()))
    events, arrays, end = outcome(rebuilt)
    assert events == expected[0][-len(events) :]
    assert_same((events, arrays, end), (events, *expected[1:]))
    assert math.isfinite(sum(float(value.double().sum()) for value in arrays.values()))


@pytest.mark.parametrize(("trained", "evaluated"), [(True, True), (True, False), (False, True)])
def test_a_run_stands_where_it_stood_only_if_both_environments_do(
    trained: bool, evaluated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = make_trial()
    state = copy.deepcopy(trial.state())
    monkeypatch.setattr(trial.env, "load_state", lambda state: trained)
    monkeypatch.setattr(trial.evaluation_env, "load_state", lambda state: evaluated)
    assert trial.load_state(state) is (trained and evaluated)


def test_a_run_closes_both_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = make_trial()
    closed = []
    monkeypatch.setattr(trial.env, "close", lambda: closed.append("env"))
    monkeypatch.setattr(trial.evaluation_env, "close", lambda: closed.append("evaluation_env"))
    trial.close()
    assert sorted(closed) == ["env", "evaluation_env"]
