"""Diagnosis: each check reports its fault, and reports nothing without the fault."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.network import checks
from analysis.network.checks import Finding, grade, run_checks
from analysis.network.evidence import Evidence, VisitedStates, gather
from dqn_exp.runs.record import run_trial
from tests.helpers import make_config

Curve = dict[str, np.ndarray]


def visited_states(values: Any = None, hidden: Any = (), rewards: Any = (1.0, 1.0)) -> VisitedStates:
    values = np.random.default_rng(0).normal(10, 2, (500, 2)) if values is None else np.asarray(values)
    hidden = [np.asarray(layer) for layer in hidden]
    return VisitedStates(values, values.argmax(axis=1), hidden, np.asarray(rewards, np.float64))


def losses(loss: Any, grad_norm: Any = 1.0, q_max: Any = 10.0, every: int = 50) -> Curve:
    loss = np.asarray(loss, np.float64)
    full = {"loss": loss, "grad_norm": loss * 0 + grad_norm, "q_max": loss * 0 + q_max}
    return full | {"update": every * np.arange(1, len(loss) + 1.0)}


def evaluations(means: Any, std: float = 1.0) -> Curve:
    means = np.asarray(means, np.float64)
    steps = 1000 * np.arange(1, len(means) + 1.0)
    return {"mean_return": means, "std_return": means * 0 + std, "env_step": steps}


def evidence(status: str = "exhausted", settings: Any = None, result: Any = None, **parts: Any) -> Evidence:
    config = make_config(**(settings or {}))
    result = {"env_steps": 50_000, "updates": 49_000, "episodes": 400, "cause": None} | (result or {})
    curves = {kind: parts.get(kind, {}) for kind in ("episodes", "evaluations", "losses")}
    return Evidence(config, status, result, **curves, visited=parts.get("visited"))


def found(check: Any, **settings: Any) -> Finding:
    finding = check(evidence(**settings))
    assert finding is not None
    return finding


@pytest.mark.parametrize(
    ("number", "suspect", "bad", "status"),
    [(0.1, 0.2, 0.5, "ok"), (0.2, 0.2, 0.5, "suspect"), (0.5, 0.2, 0.5, "bad"), (np.nan, 0.2, 0.5, "bad"),
     (20, 10, 1, "ok"), (10, 10, 1, "suspect"), (1, 10, 1, "bad"), (np.nan, 10, 1, "bad")],
)  # fmt: skip
def test_limits_may_rise_or_fall(number: float, suspect: float, bad: float, status: str) -> None:
    assert grade(number, suspect, bad) == status


def test_divergence_tells_when_and_what_grew() -> None:
    grown = losses([1.0, 100.0, 1e9], q_max=np.array([2.0, 50.0, 1e5]))
    finding = found(
        checks.divergence,
        status="diverged",
        result={"cause": "the loss became inf at update 160"},
        losses=grown,
    )
    assert finding.status == "bad"
    assert (
        "at update 160; the largest |Q| went from 2 to 100\N{NARROW NO-BREAK SPACE}000 in 100 updates"
        in finding.evidence
    )
    assert finding.suggestion == "lr=0.0001"
    assert checks.divergence(evidence()) is None


def test_divergence_without_replay_or_target_asks_for_both() -> None:
    bare = {"experiment": "scratch_sgd"}
    finding = found(checks.divergence, status="diverged", settings=bare)
    assert finding.suggestion == "lr=0.005 target=steps replay=uniform"


@pytest.mark.parametrize(("q_max", "status"), [(90.0, "ok"), (200.0, "suspect"), (1500.0, "bad")])
def test_no_value_exceeds_what_rewards_can_sum_to(q_max: float, status: str) -> None:
    """Rewards of 1 at gamma 0.99 sum to 100 at most."""
    finding = found(checks.overestimation, losses=losses([1.0] * 9, q_max=q_max), visited=visited_states())
    assert (finding.status, finding.number) == (status, pytest.approx(q_max / 100))


@pytest.mark.parametrize(
    ("lengths", "returns", "rewards", "gamma", "bound"),
    [
        ([8, 20], [0, 1], [0, 1], 0.99, 1),  # a goal: one reward, at the end
        ([8, 20], [-8, -20], [-1, -1], 0.99, (1 - 0.99**20) / 0.01),
        ([8, 20], [3, -20], [1, -2], 1.0, 40),  # of both signs: the whole return tells nothing of the rest
        ([8, 500], [8, 500], [1, 1], 0.99, 100),  # cut off by the time limit
        ([8, 500], [8, 500], [1, 1], 1.0, None),
        ([8, 500], [1, 0], [0, 1], 0.99, 1),  # a goal that was not found within the limit
        ([8, 500], [1, 5], [0, 1], 0.99, 5 + 1),  # one reward in a hundred steps, and so on
        ([8, 20], [np.nan, np.nan], [1, 1], 1.0, 20),
    ],
)
def test_no_value_exceeds_the_best_return_of_one_episode(
    lengths: Any, returns: Any, rewards: Any, gamma: float, bound: float | None
) -> None:
    parts: Any = {
        "settings": {"gamma": gamma, "env__max_episode_steps": 500},
        "episodes": {"length": np.array(lengths, float), "return": np.array(returns, float)},
        "losses": losses([1.0] * 9, q_max=30.0),
        "visited": visited_states(rewards=rewards),
    }
    if bound is None:
        assert checks.overestimation(evidence(**parts)) is None
    else:
        assert found(checks.overestimation, **parts).number == pytest.approx(30 / bound)


@pytest.mark.parametrize(("loss", "status"), [(1.0, "ok"), (16.0, "suspect"), (400.0, "bad")])
def test_td_errors_are_compared_with_the_values(loss: float, status: str) -> None:
    finding = found(checks.td_error, losses=losses([loss] * 8, q_max=10.0), visited=visited_states())
    assert (finding.status, finding.number) == (status, pytest.approx(np.sqrt(loss) / 10))


def test_a_huber_loss_is_turned_back_into_an_error() -> None:
    """|x| - 1/2 = 4.5 beyond 1: the error is 5."""
    finding = found(checks.td_error, settings={"agent__loss": "huber"}, losses=losses([4.5] * 8, q_max=10.0))
    assert finding.number == pytest.approx(0.5)


def test_importance_weights_make_the_loss_smaller() -> None:
    prioritised = {"replay": "prioritised"}
    finding = found(checks.td_error, settings=prioritised, losses=losses([9.0] * 8, q_max=10.0))
    assert "miss their targets by at least 3, with" in finding.evidence
    plain = found(checks.td_error, losses=losses([9.0] * 8, q_max=10.0))
    assert "miss their targets by 3, with" in plain.evidence


@pytest.mark.parametrize("head", ["c51", "qr"])
def test_a_loss_that_is_not_of_td_errors_is_not_judged(head: str) -> None:
    parts: Any = {"losses": losses([1e8] * 8, q_max=10.0), "visited": visited_states(rewards=[-1000.0])}
    assert found(checks.td_error, **parts).status == found(checks.reward_scale, **parts).status == "bad"
    assert checks.td_error(evidence(settings={"network/head": head}, **parts)) is None
    assert checks.reward_scale(evidence(settings={"network/head": head}, **parts)) is None


def of_own_agent(e: Evidence) -> Evidence:
    return replace(
        e, config=e.config.model_copy(update={"agent": e.config.agent.model_copy(update={"name": "slow"})})
    )


def test_an_agent_of_one_s_own_has_its_own_scalars() -> None:
    own = {"update": np.arange(8.0), "loss": np.full(8, 400.0), "largest_target": np.ones(8)}
    for status in ("exhausted", "diverged"):
        e = of_own_agent(evidence(status, losses=own, visited=visited_states()))
        told = {finding.check: finding for finding in run_checks(e)}
        assert "TD error" not in told
        assert ("divergence" in told) == (status == "diverged")
    assert told["divergence"].evidence == "None"
    early = checks.divergence(of_own_agent(evidence("diverged", losses={})))
    assert early is not None
    assert "before two losses were sampled" in early.evidence


def test_an_agent_of_one_s_own_is_not_told_to_use_the_keys_of_a_dqn() -> None:
    grown = losses(np.ones(40), np.geomspace(1, 1e5, 40), q_max=1500.0)
    e = of_own_agent(evidence(losses=grown, visited=visited_states()))
    for check in (checks.gradient, checks.overestimation):
        finding = check(e)
        assert finding is not None
        assert (finding.status, finding.suggestion) == ("bad", "lr=0.0001")


@pytest.mark.parametrize(
    ("settings", "suggestion"),
    [
        ({}, "agent.double=true"),
        ({"agent": "double_dqn"}, "lr=0.0001"),
        ({"target": "none", "update_every": None}, "lr=0.0001 target=steps"),  # double DQN would be DQN
    ],
)
def test_double_dqn_is_suggested_where_it_changes_something(settings: Any, suggestion: str) -> None:
    too_high: Any = {"losses": losses([1.0] * 9, q_max=1500.0), "visited": visited_states()}
    assert found(checks.overestimation, settings=settings, **too_high).suggestion == suggestion
    assert checks.overestimation(evidence(settings={"agent__munchausen": True}, **too_high)) is None


def test_an_exploding_gradient_is_seen() -> None:
    assert found(checks.gradient, losses=losses(np.ones(40), np.geomspace(1, 1e5, 40))).status == "bad"
    assert found(checks.gradient, losses=losses(np.ones(40), np.linspace(1, 3, 40))).status == "ok"


def test_dead_units_are_counted_in_the_worst_layer() -> None:
    alive, half = np.ones((20, 4)), np.ones((20, 10))
    half[:, :6] = 0
    finding = found(checks.dead_units, visited=visited_states(hidden=[alive, half]))
    assert (finding.status, finding.number) == ("suspect", 0.6)
    assert "0 of 4, 6 of 10" in finding.evidence
    once = np.zeros((20, 10))
    once[3] = 1e-9  # fires at one state: not dead
    assert found(checks.dead_units, visited=visited_states(hidden=[once])).status == "ok"


def test_one_action_everywhere_is_no_policy() -> None:
    same = np.tile([1.0, 2.0], (1000, 1))
    assert found(checks.one_action, visited=visited_states(same)).status == "bad"
    same[:30] = [3.0, 2.0]
    assert found(checks.one_action, visited=visited_states(same)).number == pytest.approx(0.97)
    assert found(checks.one_action, visited=visited_states(same * np.nan)).status == "bad"
    assert found(checks.flat_values, visited=visited_states(np.tile([1.0, 2.0], (9, 1)))).status == "bad"
    assert found(checks.flat_values, visited=visited_states()).status == "ok"


@pytest.mark.parametrize(
    ("schedule", "suggestion"),
    [("exponential", "exploration.decay=8.33e+03"), ("linear", "exploration.duration=25000"),
     ("multiplicative", "exploration.factor=0.985133"), ("constant", "exploration.epsilon=0.1")],
)  # fmt: skip
def test_an_exploration_longer_than_the_budget_is_shortened(schedule: str, suggestion: str) -> None:
    high = {"epsilon": np.array([1.0, 0.8])}
    finding = found(checks.exploration, settings={"exploration": schedule}, episodes=high)
    assert (finding.status, finding.suggestion) == ("bad", suggestion)
    assert found(checks.exploration, episodes={"epsilon": np.array([1.0, 0.05])}).status == "ok"


@pytest.mark.parametrize(
    ("schedule", "suggestion"),
    [("linear", "exploration.start=null exploration.end=null"), ("constant", "exploration.epsilon=null")],
)
def test_a_noisy_network_needs_no_epsilon(schedule: str, suggestion: str) -> None:
    noisy = {"network__noisy": True, "exploration": schedule}
    assert checks.exploration(evidence(settings=noisy, episodes={"epsilon": np.zeros(3)})) is None
    finding = found(checks.exploration, settings=noisy, episodes={"epsilon": np.full(3, 0.3)})
    assert (finding.status, finding.suggestion) == ("suspect", suggestion)


def test_a_schedule_that_ends_high_is_not_made_shorter() -> None:
    parts: Any = {"settings": {"exploration__end": 0.3}, "episodes": {"epsilon": np.full(3, 0.3)}}
    assert found(checks.exploration, **parts).suggestion == "exploration.end=0.05"


def test_a_longer_budget_has_larger_limits() -> None:
    """A larger budget.env_steps alone would not lengthen a trial of so many episodes."""
    parts: Any = {"episodes": {"return": np.full(80, -200.0)}}
    limited = {"budget__episodes": 80, "budget__env_steps": None}
    assert found(checks.nothing_found, settings=limited, **parts).suggestion == "budget.episodes=320"
    both = {"budget__episodes": 80, "budget__env_steps": 5000}
    told = found(checks.nothing_found, settings=both, **parts).suggestion
    assert told == "budget.episodes=320 budget.env_steps=20000"


def test_too_few_updates_have_their_reasons() -> None:
    assert found(checks.updates).status == "ok"
    late = {"agent__learning_starts": 10_000}
    finding = found(checks.updates, settings=late, result={"env_steps": 10_100, "updates": 100})
    assert (finding.status, finding.suggestion) == ("bad", "agent.learning_starts=505")
    rare = found(checks.updates, settings={"train_every": 40}, result={"updates": 1250})
    assert (rare.status, rare.suggestion) == ("suspect", "train_every=10")
    assert found(checks.updates, settings={"agent__learning_starts": 40_000}).suggestion == ""
    large = found(
        checks.updates, settings={"batch": 600, **late, "agent__learning_starts": 0},
        result={"env_steps": 700, "updates": 100},
    )  # fmt: skip
    assert large.suggestion == "budget.env_steps=200000"


@pytest.mark.parametrize(
    ("target", "every", "status", "number"),
    [("steps", 500, "ok", 100), ("steps", 10_000, "suspect", 5), ("steps", 100_000, "bad", 0.5),
     ("steps", 1, "suspect", 0.98), ("episodes", 5, "ok", 80), ("none", 1, "suspect", None)],
)  # fmt: skip
def test_a_target_may_follow_too_rarely_or_too_closely(
    target: str, every: int, status: str, number: float | None
) -> None:
    finding = found(checks.target, settings={"target": target, "update_every": every})
    assert (finding.status, finding.number) == (status, number if number is None else pytest.approx(number))


def test_a_target_is_told_to_follow_sooner_or_later() -> None:
    def suggestion(**settings: Any) -> str:
        return found(checks.target, settings=settings).suggestion

    assert suggestion(target="steps", update_every=100_000) == "update_every=2500"
    slow = suggestion(target="soft", update_every=100, target__tau=0.005)  # 2.5 refreshes by 1
    assert slow == "update_every=100 target.tau=0.04"
    assert suggestion(target="steps", update_every=1, train_every=100) == "target=steps update_every=2000"


@pytest.mark.parametrize(("buffer", "status"), [(20_000, "ok"), (1000, "suspect"), (150, "bad")])
def test_a_replay_holds_some_episodes(buffer: int, status: str) -> None:
    finding = found(
        checks.replay, settings={"buffer": buffer, "batch": 100}, episodes={"length": np.full(50, 200.0)}
    )
    assert (finding.status, finding.number) == (status, buffer / 200)


def test_a_reward_that_never_came_is_told_from_one_that_did() -> None:
    assert found(checks.nothing_found, episodes={"return": np.full(80, -200.0)}).status == "bad"
    assert found(checks.nothing_found, episodes={"return": np.r_[np.full(80, -200.0), -150]}).status == "ok"


def test_flat_and_forgotten_returns() -> None:
    assert found(checks.improvement, evaluations=evaluations([9, 9.1, 9, 9.2, 9, 9.4], std=1)).status == "bad"
    climbed = evaluations([10, 10, 10, 200, 400, 480, 490], std=20)
    assert found(checks.improvement, evaluations=climbed).status == "ok"
    assert found(checks.forgetting, evaluations=climbed).status == "ok"
    fell = found(checks.forgetting, evaluations=evaluations([10, 10, 200, 410, 30, 20, 10]))
    assert (fell.status, fell.number) == ("bad", pytest.approx(390 / 400))
    assert "at step 4\N{NARROW NO-BREAK SPACE}000" in fell.evidence
    assert fell.suggestion == "lr=0.0001 checkpoint.keep_best=evaluation"
    kept = {"checkpoint__keep_best": "evaluation"}
    fallen = evaluations([10, 10, 200, 410, 30, 20, 10])
    assert found(checks.forgetting, settings=kept, evaluations=fallen).suggestion == "lr=0.0001"


def test_returns_that_are_no_numbers_are_counted_and_not_earned() -> None:
    """With NaN among them no return is larger than another."""
    finding = found(checks.nothing_found, episodes={"return": np.r_[np.full(80, 0.6), np.nan, np.inf]})
    assert (finding.status, finding.number) == ("bad", 2)
    assert finding.evidence == "2 of 82 training episodes have a return that is not finite"


def test_evaluations_that_are_no_numbers_are_left_out() -> None:
    means = [5.0, 7, 6, 60, 80, 90, 20, 20, 20]
    for check in (checks.improvement, checks.forgetting):
        finding = found(check, evaluations=evaluations(np.insert(means, 4, np.nan)))
        assert finding.number == pytest.approx(found(check, evaluations=evaluations(means)).number)
    assert checks.improvement(evidence(evaluations=evaluations([1.0] * 5 + [np.nan] * 9))) is None
    told = found(checks.improvement, evaluations=evaluations(means)).evidence
    assert told == "the first three evaluations had a median of 6, the best had 90"


def test_large_rewards_want_taming() -> None:
    assert found(checks.reward_scale, visited=visited_states(rewards=[-100.0, 1.0])).status == "suspect"
    for tamed in ({"agent__loss": "huber"}, {"agent__max_grad_norm": 10}, {"agent__max_grad_value": 1}):
        visited = visited_states(rewards=[-100.0, 1.0])
        assert found(checks.reward_scale, settings=tamed, visited=visited).status == "ok"


def test_the_worst_comes_first() -> None:
    order = [
        finding.status
        for finding in run_checks(
            evidence(settings={"target": "none"}, visited=visited_states(np.zeros((9, 2))))
        )
    ]
    assert order == sorted(order, key=["bad", "suspect", "ok"].index)
    assert order[0] == "bad"


def test_every_suggestion_is_an_override_that_the_program_accepts(tmp_path: Path) -> None:
    """Of a real trial that could not learn: half of all checks have something to say."""
    settings = {
        "experiment": "scratch_sgd",
        "lr": 0.001,
        "budget__env_steps": 400,
        "evaluation__every_steps": 50,
    }
    run_trial(make_config(**settings, exploration__factor=1.0), tmp_path, {})
    findings = run_checks(gather(tmp_path, best=False, imports=False))
    suggestions = [override for f in findings for override in f.suggestion.split()]
    assert len(suggestions) >= 5
    for override in suggestions:
        key, _, value = override.partition("=")
        make_config(
            **{
                key.replace(".", "__"): value,
                **({"exploration": "multiplicative"} if "factor" in key else {}),
            }
        )


def test_the_command_names_a_divergence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_trial(make_config(experiment="scratch_sgd"), tmp_path, {})
    assert main(["diagnose", str(tmp_path)]) == 0
    assert "diverged after" in capsys.readouterr().out
    assert main(["diagnose", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "diverged"
    first = answer["findings"][0]
    assert (first["check"], first["status"]) == ("divergence", "bad")
    assert answer["cause"] in first["evidence"]


def test_a_trial_that_is_not_over_is_judged_by_its_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_trial(make_config(budget__env_steps=500, evaluation__final_episodes=1), tmp_path, {})
    (tmp_path / "network.safetensors").unlink()
    assert main(["diagnose", str(tmp_path), "--json"]) == 0
    listed = {finding["check"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert "exploration" in listed
    assert "dead units" not in listed
