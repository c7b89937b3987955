"""Checks of a configuration by itself: an error if it cannot learn anything, warnings if it is doubtful."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from dqn_exp.agent import fused_obstacle
from dqn_exp.config import Config, ConfigError, ConstantConfig
from dqn_exp.text import format_number, format_value


def check_prospects(config: Config) -> None:
    """Raise ConfigError if the budget of a resolved configuration ends before the first update."""
    agent, batch, every = config.agent, config.batch, config.train_every
    first = _first_update(config)
    if agent.name == "dqn" and first > longest(config):
        raise ConfigError(
            f"agent.learning_starts={agent.learning_starts}, batch={batch}, train_every={every}: the first "
            f"update would come at environment step {first}, and {_limits(config)} ends the trial before "
            f"it; allowed: an earlier first update, or a larger budget"
        )


def _first_update(config: Config) -> int:
    """The environment step of the first update: the end of the first round in which training is due."""
    n, every = config.env.parallel, config.train_every
    before = math.ceil(max(config.agent.learning_starts, config.batch) / n) * n - n  # still too early
    return math.ceil((before // every + 1) * every / n) * n


def longest(config: Config) -> float:
    """The most environment steps of a trial of a resolved configuration, or inf."""
    budget, limit, n = config.budget, config.env.max_episode_steps, config.env.parallel
    rounds = math.inf
    if budget.env_steps:
        rounds = math.ceil(budget.env_steps / n)
    if budget.episodes and isinstance(limit, int):
        rounds = min(rounds, math.ceil(budget.episodes / n) * limit)
    return n * rounds


def doubts(configs: Iterable[Config]) -> list[str]:
    """Warnings about settings that are allowed but probably unintended; each kind of warning once."""
    texts: dict[Doubt, str] = {}
    for config in configs:
        for doubt in DOUBTS:
            if doubt not in texts and (text := doubt(config)):
                texts[doubt] = text
    return list(texts.values())


def print_doubts(configs: Collection[Config]) -> None:
    """Print the warnings about `configs`, and why some of them cannot have the fast learner."""
    for text in doubts(configs):
        print(f"Warning: {text}", flush=True)
    if obstacles := slow_by(configs):
        reasons = ", ".join(f"{what} ({n})" for what, n in obstacles.items())
        print(
            f"learner=auto: the torch learner, which is slower, trains the trials with {reasons}", flush=True
        )


def slow_by(configs: Iterable[Config]) -> dict[str, int]:
    """What rules out the fused learner where `learner=auto`, and in how many of `configs`."""
    dqns = (config for config in configs if config.learner == "auto" and config.agent.name == "dqn")
    obstacles = (fused_obstacle(config) for config in dqns)
    return Counter(obstacle.partition(";")[0] for obstacle in obstacles if obstacle)


Doubt = Callable[[Config], str | None]
"""Returns a warning about a resolved configuration and what to set instead, or None."""


def _too_few_evaluations(config: Config) -> str | None:
    rule, evaluation = config.convergence, config.evaluation
    periods = {"every_steps": evaluation.every_steps, "every_episodes": evaluation.every_episodes}
    given = [f"evaluation.{name}={period}" for name, period in periods.items() if period]
    fitting = _evaluations_at_most(config)
    if not given or rule.threshold == math.inf or fitting >= rule.consecutive:
        return None
    return (
        f"no trial can converge: at most {fitting:.0f} evaluations ({', '.join(given)}) fit into "
        f"{_limits(config)}, and convergence.consecutive={rule.consecutive} in a row are needed; "
        f"evaluate more often, or lower convergence.consecutive"
    )


def _evaluations_at_most(config: Config) -> float:
    evaluation, steps = config.evaluation, longest(config)
    episodes = min(config.budget.episodes or math.inf, steps)  # an episode has at least one step
    pairs = ((steps, evaluation.every_steps), (episodes, evaluation.every_episodes))
    most = sum(most // period if most < math.inf else most for most, period in pairs if period)
    return min(most, steps / config.env.parallel)


def _no_time_limit(config: Config) -> str | None:
    if config.env.max_episode_steps != "unlimited" or config.evaluation.max_episode_steps:
        return None
    most = format_number(float(config.evaluation_env().max_episode_steps or 0))
    return (
        f"{config.env.id} has no time limit: a greedy episode that does not end by itself takes {most} "
        f"steps, and the {config.evaluation.episodes} of each evaluation may take longer than the training; "
        f"set evaluation.max_episode_steps, or env.max_episode_steps for both"
    )


def _endless_training(config: Config) -> str | None:
    budget = config.budget
    if config.env.max_episode_steps != "unlimited" or budget.env_steps or budget.seconds:
        return None
    return (
        f"{config.env.id} has no time limit: the budget counts episodes, and an episode may never end; "
        f"set budget.env_steps or env.max_episode_steps"
    )


def _late_sums(config: Config) -> str | None:
    n = config.env.parallel
    first = n * (math.ceil(config.batch / n) + config.replay.n_step - 1)
    if config.replay.n_step == 1 or first <= longest(config):
        return None
    return (
        f"replay.n_step={config.replay.n_step}: unless episodes end earlier, the first batch={config.batch} "
        f"transitions are complete at environment step {first}, and {_limits(config)} ends the trial before; "
        f"set a smaller replay.n_step"
    )


def _rising_epsilon(config: Config) -> str | None:
    exploration = config.exploration
    if isinstance(exploration, ConstantConfig) or exploration.end <= exploration.start:
        return None
    remedy = "a smaller exploration.end"
    if config.network.noisy:
        remedy = "exploration.end=0: with network.noisy=true the noise explores"
    return (
        f"epsilon rises from exploration.start={exploration.start:g} to "
        f"exploration.end={exploration.end:g}; set {remedy}"
    )


DOUBTS: tuple[Doubt, ...] = (
    *(_too_few_evaluations, _no_time_limit, _endless_training, _late_sums),
    _rising_epsilon,
)


def _limits(config: Config) -> str:
    """The configured limits of the budget, as text."""
    limits = {key: limit for key, limit in config.budget.model_dump().items() if limit is not None}
    return ", ".join(f"budget.{key}={format_value(limit)}" for key, limit in limits.items())
