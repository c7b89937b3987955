"""The effect of each setting and each random stream on a trial, from configuration to trained network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dqn_exp.runs.record import record_trial, run_trial, start_from_another
from dqn_exp.seeding import Streams
from dqn_exp.training.run import EpisodeEnded, Evaluated, Run, build_run
from tests.helpers import dqn, make_config, run, same_bits, snapshot, weights

BRIEF: dict[str, Any] = {"budget__env_steps": 300, "batch": 16, "buffer": 200}
PRIORITISED: dict[str, Any] = {**BRIEF, "replay": "prioritised"}


def trained(**settings: Any) -> dict[str, torch.Tensor]:
    """The weights after a brief training."""
    return weights(run(make_config(**settings))[0])


def test_importance_weights_reach_the_learner(learner: str) -> None:
    none = {"replay__beta_start": 0.0, "replay__beta_end": 0.0}
    full = {"replay__beta_start": 1.0, "replay__beta_end": 1.0}
    settings = {**PRIORITISED, "learner": learner}
    assert not same_bits(trained(**settings, **none), trained(**settings, **full))


def test_priorities_reach_the_replay(learner: str) -> None:
    """Were TD errors never told, all priorities would be equal, and alpha would change nothing."""
    plain = {"replay__beta_start": 0.0, "replay__beta_end": 0.0, "learner": learner}
    low, high = (trained(**PRIORITISED, **plain, replay__alpha=alpha) for alpha in (0.0, 1.0))
    assert not same_bits(low, high)


@pytest.mark.parametrize("stops", [3, 17])
def test_epsilon_is_that_of_the_step_it_was_used_in(stops: int) -> None:
    """From 1 to 0 over 1000 steps: the action number k, from 0, is chosen with epsilon 1 - k / 1000."""
    schedule = {"exploration": "linear", "exploration__start": 1.0, "exploration__end": 0.0}
    config = make_config(**BRIEF, **schedule, exploration__duration=1000, env__max_episode_steps=stops)
    _, events = run(config)
    steps, seen = 0, [event for event in events if isinstance(event, EpisodeEnded)]
    assert len(seen) > 5
    for episode in seen:
        steps += episode.length
        assert episode.epsilon == pytest.approx(1 - (steps - 1) / 1000)


def test_every_trial_seed_has_a_network_of_its_own() -> None:
    first, second = (weights(build_run(make_config(**BRIEF, seed=seed))) for seed in (0, 1))
    assert not same_bits(first, second)


def test_every_trial_seed_has_a_learner_stream_of_its_own() -> None:
    """The stream that networks with dropout draw from; batch normalisation has one too and keeps it."""
    settings = {**BRIEF, "network": "mlp_batchnorm", "learner": "torch"}
    first, second = (weights(build_run(make_config(**settings, seed=seed)), "random.") for seed in (0, 1))
    assert first.keys() == second.keys() == {"state"}
    assert not same_bits(first, second)


class OneOther(Streams):
    """The streams of a seed, but for one of them, which is that of the next seed."""

    def __init__(self, seed: int, other: str) -> None:
        super().__init__(seed)
        self._other = other

    def _sequence(self, name: str) -> np.random.SeedSequence:
        return Streams(self._seed + (name == self._other))._sequence(name)


def beginnings(trial: Run) -> dict[str, Any]:
    """By the name of each stream, what the trial has drawn from it or is about to."""
    agent = dqn(trial)
    return snapshot(
        {
            "environment": trial.env.observe(),
            "evaluation": trial.evaluation_env.observe(),
            "network": weights(trial),
            "learner": weights(trial, "random."),
            "replay": agent.replay.state()["generator"],
            "exploration": agent.exploration.state(),
        }
    )


STREAMS = ("environment", "evaluation", "network", "learner", "replay", "exploration")


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_decides_about_what_is_its_own_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**BRIEF, "network": "mlp_batchnorm", "learner": "torch"}
    plain = beginnings(build_run(make_config(**settings)))
    monkeypatch.setattr("dqn_exp.training.run.Streams", partial(OneOther, other=name))
    other = beginnings(build_run(make_config(**settings)))
    assert [key for key in STREAMS if not _is_equal(plain[key], other[key])] == [name]


def _is_equal(first: Any, second: Any) -> bool:
    try:
        np.testing.assert_equal(first, second)
    except AssertionError:
        return False
    return True


def test_evaluation_does_not_play_the_training_episodes() -> None:
    trial = build_run(make_config(**BRIEF))
    assert trial.env.observe().tolist() != trial.evaluation_env.observe().tolist()


def test_a_warm_start_sets_the_target_network_too(learner: str, tmp_path: Path) -> None:
    settings = {**BRIEF, "learner": learner, "evaluation__final_episodes": 1}
    run_trial(make_config(**settings), tmp_path, {})
    trial = build_run(make_config(**settings, seed=1, init_from=str(tmp_path)))
    start_from_another(trial)
    assert same_bits(weights(trial, "target."), weights(trial))


COUNTING: dict[str, Any] = {
    **BRIEF,
    "evaluation__every_steps": 50,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "convergence__threshold": -1.0,
    "convergence__consecutive": 4,
    "convergence__stop": True,
    "checkpoint__every_seconds": 0,
}
"""Every evaluation reaches the threshold, so the trial ends with its fourth one."""


def test_a_continued_trial_remembers_its_evaluations(tmp_path: Path) -> None:
    config = make_config(**COUNTING)
    events = record_trial(config, tmp_path, {})
    seen = 0
    for event in events:
        seen += isinstance(event, Evaluated)
        if seen == 3 and isinstance(event, EpisodeEnded):
            break
    events.close()  # type: ignore[attr-defined]
    result = run_trial(config, tmp_path, {})
    assert (result.status, result.env_steps) == ("converged", 200)
