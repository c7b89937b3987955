"""Why a trial may not have learned: one check for each known cause.

A check takes the evidence and returns a finding, or None if it does not apply. Its limits are rules of
thumb, stated in its docstring. "suspect" means that a cause is worth a look; it proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from analysis.network.evidence import Evidence
from dqn_exp.config import (
    EPSILONS,
    ConstantConfig,
    EpisodesTargetConfig,
    ExponentialConfig,
    LinearConfig,
    MultiplicativeConfig,
    NoTargetConfig,
    PrioritisedConfig,
    SoftTargetConfig,
    ValuesConfig,
)
from dqn_exp.text import format_measured, format_number

Status = Literal["ok", "suspect", "bad"]


class Finding(NamedTuple):
    check: str
    status: Status
    number: float | None
    """The measured number."""
    evidence: str
    """The measurement in words."""
    suggestion: str = ""
    """An override of the configuration to try."""


def grade(number: float, suspect: float, bad: float) -> Status:
    """The status of `number`, given the limits at which it is suspect and bad.

    If `bad` is below `suspect`, small numbers are bad. NaN is bad.
    """
    sign = 1 if bad >= suspect else -1
    if not sign * number < sign * bad:  # NaN is bad
        return "bad"
    return "ok" if sign * number < sign * suspect else "suspect"


def divergence(e: Evidence) -> Finding | None:
    """Did Q-values or the loss become infinite or NaN, and had they grown before?"""
    if e.status != "diverged":
        return None
    text = str(e.result.get("cause"))
    if len(e.losses.get("update", ())) < 2:
        text += ", before two losses were sampled (metrics.loss_every=1 records all losses)"
    elif {"q_max", "loss"} <= e.losses.keys():
        first, last = e.losses["q_max"][0], e.losses["q_max"][-1]
        span = e.losses["update"][-1] - e.losses["update"][0]
        loss = _from_to(e.losses["loss"][0], e.losses["loss"][-1])
        text += f"; the largest |Q| went {_from_to(first, last)} in {format_number(round(span))} updates"
        text += f", the loss {loss}"
    return Finding("divergence", "bad", float(e.updates), text, _stabilising_overrides(e))


def _from_to(first: float, last: float) -> str:
    return f"from {format_measured(first)} to {format_measured(last)}"


def overestimation(e: Evidence) -> Finding | None:
    """The largest |Q| divided by the largest possible return: suspect at 1.5, bad at 10.

    Munchausen values are left out, because they also count log-probabilities.
    """
    sampled = e.losses.get("q_max", np.empty(0))
    if e.visited is None or not len(sampled) or e.config.agent.munchausen:
        return None
    bound = _largest_return(e, e.visited.rewards)
    if not 0 < bound < np.inf:
        return None
    ratio = float(sampled[-1]) / bound
    most = f"with the observed rewards an episode can return at most {format_measured(bound)}"
    text = f"the largest |Q| is {format_measured(sampled[-1])}; {most}"
    status = grade(ratio, 1.5, 10)
    return Finding("overestimation", status, ratio, text, _lower_values(e) if status != "ok" else "")


def _largest_return(e: Evidence, rewards: np.ndarray) -> float:
    """The largest absolute discounted return of one episode that learning can predict from what it saw.

    It is the return of the largest |reward| in each step of the longest episode. If a time limit cut off an
    episode, the steps never end, because values count rewards beyond the limit. If all rewards have one
    sign, the largest return is at most the return of the best episode plus, for episodes that were cut off,
    their mean reward in each step for ever.
    """
    lengths, returns = (e.episodes.get(name, np.empty(0)) for name in ("length", "return"))
    limit = e.config.env.max_episode_steps
    is_cut = lengths >= (limit if isinstance(limit, int) else np.inf)
    steps = np.inf if is_cut.any() or not len(lengths) else float(lengths.max())
    largest = float(np.abs(rewards).max(initial=0.0)) * _discounted_steps(steps, e.config.gamma)
    earned = np.abs(_finite(returns))
    if not len(earned) or ((rewards < 0).any() and (rewards > 0).any()):
        return largest
    rate = float(np.abs(_finite(returns[is_cut] / lengths[is_cut])).max(initial=0.0))
    beyond = rate * _discounted_steps(np.inf, e.config.gamma) if rate else 0.0
    return min(largest, float(earned.max()) + beyond)


def _discounted_steps(steps: float, gamma: float) -> float:
    """The discounted return of a reward of 1 in each of `steps` steps."""
    return steps if gamma == 1 else (1 - gamma**steps) / (1 - gamma)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.asarray(values[np.isfinite(values)])


def td_error(e: Evidence) -> Finding | None:
    """Late TD error divided by the largest |Q|, or |reward| if that is larger: suspect at 0.3, bad at 1.

    It is the root of the loss, and left out where the loss is not one of TD errors. The importance weights
    of prioritised replay, which are at most 1, make it smaller.
    """
    kind = _loss_of_td_errors(e)
    if kind is None or len(e.losses.get("loss", ())) < 4:
        return None
    late = slice(-max(1, len(e.losses["loss"]) // 4), None)
    loss, scale = float(np.median(e.losses["loss"][late])), float(np.median(e.losses["q_max"][late]))
    size = math.sqrt(loss) if kind == "mse" else max(math.sqrt(2 * min(loss, 0.5)), loss + 0.5)
    largest = 1.0 if e.visited is None else float(np.abs(e.visited.rewards).max(initial=1.0))
    ratio = size / max(scale, largest)
    status = grade(ratio, 0.3, 1.0)
    at_least = "at least " if isinstance(e.config.replay, PrioritisedConfig) else ""
    missed, up_to = format_measured(size), format_measured(scale)
    text = f"late in training, predictions miss their targets by {at_least}{missed}, with |Q| up to {up_to}"
    return Finding("TD error", status, ratio, text, _lower_learning_rate(e) if status != "ok" else "")


def gradient(e: Evidence) -> Finding | None:
    """Median gradient norm at the end divided by that at the beginning: suspect at 30, bad at 1000."""
    norms = e.losses.get("grad_norm", np.empty(0))
    if len(norms) < 8:
        return None
    first, last = float(np.median(norms[: len(norms) // 4])), float(np.median(norms[-len(norms) // 4 :]))
    growth = last / max(first, 1e-12)
    status = grade(growth, 30, 1000)
    is_free = e.config.agent.max_grad_norm is None and _is_dqn(e)
    clip = "agent.max_grad_norm=10" if is_free else _lower_learning_rate(e)
    text = f"the gradient's norm went {_from_to(first, last)}"
    return Finding("gradient", status, growth, text, clip if status != "ok" else "")


def dead_units(e: Evidence) -> Finding | None:
    """Share of ReLU units that never fire, in the worst layer: suspect at 0.5, bad at 0.9."""
    if e.visited is None or not e.visited.hidden or not np.isfinite(e.visited.hidden[-1]).all():
        return None
    dead = [int((~(layer > 0).any(axis=0)).sum()) for layer in e.visited.hidden]
    sizes = [layer.shape[1] for layer in e.visited.hidden]
    worst = max(d / n for d, n in zip(dead, sizes, strict=True))
    status = grade(worst, 0.5, 0.9)
    layers = ", ".join(f"{d} of {n}" for d, n in zip(dead, sizes, strict=True))
    text = (
        f"units that never fire at {format_number(len(e.visited.values))} visited states, by layer: {layers}"
    )
    return Finding("dead units", status, worst, text, _lower_learning_rate(e) if status != "ok" else "")


def one_action(e: Evidence) -> Finding | None:
    """Share of the most frequent greedy action over visited states: suspect at 0.95, bad at 0.999."""
    if e.visited is None:
        return None
    if not np.isfinite(e.visited.values).all():
        return Finding(
            "one action", "bad", math.nan, "Q-values are not finite numbers", _stabilising_overrides(e)
        )
    counts = np.bincount(e.visited.greedy, minlength=e.visited.values.shape[1])
    share = float(counts.max() / counts.sum())
    status = grade(share, 0.95, 0.999)
    action = e.visited.first_action + counts.argmax()
    text = f"action {action} is the greedy one at {share:.1%} of visited states"
    return Finding("one action", status, share, text, _lower_learning_rate(e) if status != "ok" else "")


def flat_values(e: Evidence) -> Finding | None:
    """Spread of the best Q-value over states, relative to its size: suspect below 0.01, bad below 0.001."""
    if e.visited is None or not np.isfinite(e.visited.values).all():
        return None
    best = np.take_along_axis(e.visited.values, e.visited.greedy[:, np.newaxis], axis=1)
    spread = float(best.std() / max(abs(float(best.mean())), 1e-12))
    status = grade(spread, 0.01, 0.001)
    mean, deviation = format_measured(best.mean()), format_measured(best.std())
    text = f"the best Q-value is {mean} with a standard deviation of {deviation} over states"
    return Finding("flat values", status, spread, text, _lower_learning_rate(e) if status != "ok" else "")


def exploration(e: Evidence) -> Finding | None:
    """Epsilon in the last episode: suspect at 0.2, bad at 0.5.

    A budget that is too short for the schedule of epsilon leaves it high. A noisy network explores without
    epsilon, so that 0 says nothing about it.
    """
    epsilons = e.episodes.get("epsilon", np.empty(0))
    if not len(epsilons) or (e.config.network.noisy and epsilons[-1] == 0):
        return None
    last = float(epsilons[-1])
    status = grade(last, 0.2, 0.5)
    text = f"epsilon was {format_measured(last)} in the last episode"
    return Finding("exploration", status, last, text, _shorter_exploration(e) if status != "ok" else "")


def updates(e: Evidence) -> Finding | None:
    """Gradient steps taken: fewer than 3000 are suspect, fewer than 500 bad."""
    status = grade(e.updates, 3000, 500)
    text = f"{format_number(e.updates)} updates in {format_number(e.env_steps)} environment steps"
    return Finding("updates", status, e.updates, text, _more_updates(e) if status != "ok" else "")


def target(e: Evidence) -> Finding | None:
    """Refreshes of the target network: below 10 suspect, below 1 bad.

    Also suspect: no target network, and fewer than 10 updates between refreshes.
    """
    config = e.config.target
    if isinstance(config, NoTargetConfig):
        text = "there is no target network, so each update changes its own targets"
        return Finding("target network", "suspect", None, text, "target=steps update_every=500")
    counts_episodes = isinstance(config, EpisodesTargetConfig)
    ticks = int(e.result.get("episodes") or 0) if counts_episodes else e.env_steps
    refreshes = ticks / config.every * (config.tau if isinstance(config, SoftTargetConfig) else 1.0)
    between = e.updates / max(refreshes, 1.0)
    times, apart = format_number(round(refreshes)), format_number(round(between))
    text = f"refreshed {times} times, with {apart} updates between refreshes"
    if between < 10 and refreshes >= 1:
        suggestion = f"target=steps update_every={max(500, 20 * e.config.train_every)}"
        return Finding(
            "target network", "suspect", between, text + ": close to no target network", suggestion
        )
    status = grade(refreshes, 10, 1)
    every = min(config.every, max(1, ticks // 20))
    sooner = f"update_every={every}"
    if isinstance(config, SoftTargetConfig):
        sooner += f" target.tau={min(1.0, 20 * every / max(1, ticks)):.2g}"
    return Finding("target network", status, refreshes, text, sooner if status != "ok" else "")


def replay(e: Evidence) -> Finding | None:
    """Capacity of the replay in typical episodes (90% quantile of lengths): below 10 suspect, below 1 bad."""
    lengths = e.episodes.get("length", np.empty(0))
    if e.config.replay.name == "online":
        text = "there is no replay buffer, so each update uses only the latest transition"
        return Finding("replay", "suspect", None, text, "replay=uniform")
    if not len(lengths):
        return None
    typical = float(np.quantile(lengths, 0.9))
    held = e.config.buffer / typical
    status = grade(held, 10, 1)
    size, steps = format_number(e.config.buffer), format_number(round(typical))
    text = f"{size} transitions hold {format_number(round(held, 1))} episodes of {steps} steps"
    larger = f"buffer={math.ceil(20 * typical / 1000)}k"
    return Finding("replay", status, held, text, larger if status != "ok" else "")


def nothing_found(e: Evidence) -> Finding | None:
    """Did training episodes have different returns? If not, there was nothing to learn from."""
    returns = e.episodes.get("return", np.empty(0))
    if len(returns) < 10:
        return None
    lost = len(returns) - len(_finite(returns))
    if lost:
        of = f"{format_number(lost)} of {format_number(len(returns))}"
        text = f"{of} training episodes have a return that is not finite"
        return Finding("reward found", "bad", lost, text)
    spread = float(np.ptp(returns))
    if spread > 0:
        least, most = format_measured(returns.min()), format_measured(returns.max())
        text = f"training episodes earned {least} to {most}"
        return Finding("reward found", "ok", spread, text)
    earned = f"all {format_number(len(returns))} training episodes earned {format_measured(returns[0])}"
    text = f"{earned}: there was nothing to learn from"
    return Finding("reward found", "bad", spread, text, _longer_budget(e))


def improvement(e: Evidence) -> Finding | None:
    """Gain of the best evaluation over the first three, in deviations: suspect up to 2, bad up to 0.5.

    A deviation is the median standard deviation of returns within an evaluation.
    """
    means = _finite(e.evaluations.get("mean_return", np.empty(0)))
    if len(means) < 6:
        return None
    start = float(np.median(means[:3]))
    noise = max(float(np.nanmedian(e.evaluations["std_return"])), 1e-3 * max(abs(start), 1.0))
    gain = (float(means.max()) - start) / noise
    first, best = format_measured(start), format_measured(means.max())
    text = f"the first three evaluations had a median of {first}, the best had {best}"
    status = grade(gain, 2, 0.5)
    return Finding("improvement", status, gain, text, _longer_budget(e) if status != "ok" else "")


def forgetting(e: Evidence) -> Finding | None:
    """Share of the best evaluation's gain that the last evaluations lost: suspect at 0.3, bad at 0.6."""
    known = np.isfinite(e.evaluations.get("mean_return", np.empty(0)))
    if known.sum() < 6:
        return None
    means, steps = e.evaluations["mean_return"][known], e.evaluations["env_step"][known]
    if np.ptp(means) == 0:
        return None
    peak = int(means.argmax())
    last = float(means[peak:][-3:].mean())
    lost = float((means[peak] - last) / (means[peak] - means[: peak + 1].min() or np.inf))
    best = f"the best evaluation, {format_measured(means[peak])}, was at step {format_number(steps[peak])}"
    text = f"{best}; the last ones average {format_measured(last)}"
    status = grade(lost, 0.3, 0.6)
    keep = " checkpoint.keep_best=evaluation" if e.config.checkpoint.keep_best == "none" else ""
    suggestion = _lower_learning_rate(e) + keep
    return Finding("forgetting", status, lost, text, suggestion if status != "ok" else "")


def reward_scale(e: Evidence) -> Finding | None:
    """The largest |reward|: suspect at 10, bad at 1000, unless the loss or clipping bounds its effect.

    Left out where the loss is not one of TD errors. Those of C51 and QR-DQN bound the effect by themselves.
    """
    kind = _loss_of_td_errors(e)
    if e.visited is None or kind is None:
        return None
    largest = float(np.abs(e.visited.rewards).max(initial=0.0))
    agent = e.config.agent
    tamed = kind == "huber" or agent.max_grad_norm is not None or agent.max_grad_value is not None
    status = "ok" if tamed else grade(largest, 10, 1000)
    low, high = format_measured(e.visited.rewards.min()), format_measured(e.visited.rewards.max())
    text = f"rewards between {low} and {high}"
    suggestion = "agent.loss=huber agent.max_grad_norm=10" if status != "ok" else ""
    return Finding("reward scale", status, largest, text, suggestion)


CHECKS: tuple[Callable[[Evidence], Finding | None], ...] = (
    divergence,
    overestimation,
    td_error,
    gradient,
    dead_units,
    one_action,
    flat_values,
    exploration,
    updates,
    target,
    replay,
    nothing_found,
    improvement,
    forgetting,
    reward_scale,
)

_SEVERITY = {"bad": 0, "suspect": 1, "ok": 2}


def run_checks(evidence: Evidence) -> list[Finding]:
    """All findings, the worst first."""
    findings = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    return sorted(findings, key=lambda finding: _SEVERITY[finding.status])


def _is_dqn(e: Evidence) -> bool:
    """Whether the keys of the section `agent` are read; an agent of a user's own reads those it names."""
    return e.config.agent.name == "dqn"


def _loss_of_td_errors(e: Evidence) -> Literal["mse", "huber"] | None:
    """The kind of the recorded loss; None for the losses of other heads and of a user's own agent."""
    return e.config.agent.loss if _is_dqn(e) and isinstance(e.config.network.head, ValuesConfig) else None


def _lower_learning_rate(e: Evidence) -> str:
    return f"lr={e.config.lr / 10:g}"


def _stabilising_overrides(e: Evidence) -> str:
    """Overrides against divergence: a smaller learning rate; a target network and a replay if missing."""
    missing = [
        override
        for override, absent in (
            ("target=steps", e.config.target.name == "none"),
            ("replay=uniform", e.config.replay.name == "online"),
        )
        if absent
    ]
    return " ".join([_lower_learning_rate(e), *missing])


def _lower_values(e: Evidence) -> str:
    """Overrides against overestimation. Double DQN needs a target network to differ from DQN."""
    is_single = _is_dqn(e) and not e.config.agent.double and e.config.target.name != "none"
    return "agent.double=true" if is_single else _stabilising_overrides(e)


def _more_updates(e: Evidence) -> str:
    if e.env_steps < 2 * e.config.agent.learning_starts:
        return f"agent.learning_starts={e.env_steps // 20}"
    return f"train_every={e.config.train_every // 4 or 1}" if e.config.train_every > 1 else _longer_budget(e)


def _longer_budget(e: Evidence) -> str:
    """Each limit of the budget, four times as large."""
    limits = e.config.budget.model_dump(exclude_none=True)
    return " ".join(f"budget.{name}={4 * limit}" for name, limit in limits.items())


def _shorter_exploration(e: Evidence) -> str:
    """Overrides for a schedule of exploration that ends after about half of the trial.

    With a noisy network, null means 0.
    """
    schedule = e.config.exploration
    if e.config.network.noisy:
        return " ".join(f"exploration.{key}=null" for key in EPSILONS if hasattr(schedule, key))
    if isinstance(schedule, ConstantConfig):
        return "exploration.epsilon=0.1"
    if schedule.end >= 0.2:
        return f"exploration.end={EPSILONS['end']}"
    ticks = max(int(e.result.get(schedule.clock.replace("learning_", "")) or 0), 2)
    match schedule:
        case ExponentialConfig():
            return f"exploration.decay={ticks / 6:.3g}"
        case LinearConfig():
            return f"exploration.duration={ticks // 2}"
        case MultiplicativeConfig():
            reached = max(schedule.end, 0.01) / schedule.start if schedule.start else 1.0
            return f"exploration.factor={min(reached, 1.0) ** (2 / ticks):.6g}"
