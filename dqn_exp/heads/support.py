"""The bounds of C51's atoms, if the configuration does not set them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dqn_exp.config import C51Config, Config, ConfigError

REWARD_WRAPPERS = ("NormalizeReward", "ClipReward", "TransformReward")
"""With these, rewards have another unit than those that the section `returns` describes."""
KNOWN = {"v_min": ("lowest", "lowest_reward", min), "v_max": ("highest", "highest_reward", max)}
"""For each bound: its key in `returns`, the key of the step reward's bound, and the function that picks the
outer of two values."""


def resolve_support(config: Config) -> Config:
    """`config` with numbers as bounds of C51's atoms; raises ConfigError if a bound is not known.

    A bound that is null is computed from the section `returns`: it is the bound of the discounted return if
    that is given, otherwise it follows from the bound r of the reward of a step. The highest return is then
    max(0, r / (1 - gamma)), the lowest min(0, r / (1 - gamma)). Time limits do not matter, because an update
    bootstraps from the state in which a time limit cut off the episode.

    If `agent.max_abs_reward` clips rewards, it bounds r too, and the bound nearer to 0 counts. A wrapper that
    changes rewards makes `returns` meaningless.
    """
    head = config.network.head
    if not isinstance(head, C51Config):
        return config
    bounds = {key: bound for key in KNOWN if (bound := _bound(config, key)) is not None}
    if missing := [key for key in KNOWN if key not in bounds]:
        raise ConfigError(_unknown(config, missing))
    lowest, highest = bounds["v_min"], bounds["v_max"]
    if not lowest < highest:
        raise ConfigError(
            f"network.head.v_min={lowest:g} and network.head.v_max={highest:g}: allowed: v_min < v_max"
        )
    network = config.network.model_copy(update={"head": head.model_copy(update=bounds)})
    return config.model_copy(update={"network": network})


def _bound(config: Config, key: str) -> float | None:
    """A bound of the returns that the agent learns, or None if it is not known."""
    given, (of_returns, of_rewards, outer) = getattr(config.network.head, key), KNOWN[key]
    known, reward = getattr(config.returns, of_returns), getattr(config.returns, of_rewards)
    limit = config.agent.max_abs_reward
    if given is not None:
        return float(given)
    if _changes_rewards(config):
        known = reward = None
    if limit is not None:
        reward = outer(-limit, limit) if reward is None else max(-limit, min(limit, reward))
    bounds = [] if known is None else [float(known)]
    if reward is not None and config.gamma < 1:
        bounds.append(float(outer(0.0, reward / (1 - config.gamma))))
    if limit is not None:
        bounds.sort(key=abs)
    return bounds[0] if bounds else None


def _changes_rewards(config: Config) -> str | None:
    """The wrapper that changes rewards, if there is one."""
    return next((name for name in REWARD_WRAPPERS if name in config.env.wrappers), None)


def _unknown(config: Config, missing: Sequence[str]) -> str:
    """What is missing, why, and what is allowed instead."""
    keys = [f"network.head.{key}" for key in missing]
    sources = f"{_joined('returns.' + KNOWN[key][0] for key in missing)}, or with gamma < 1 " + (
        f"{_joined('returns.' + KNOWN[key][1] for key in missing)} or agent.max_abs_reward"
    )
    reason = f"no bound of the rewards of {config.env.id} is known"
    if wrapper := _changes_rewards(config):
        reason = f"env.wrappers.{wrapper} changes the unit of returns"
        sources = "or with gamma < 1 agent.max_abs_reward"
    elif config.gamma == 1:
        reason = "with gamma=1 the return has no bound"
    return (
        f"{_joined(f'{key}=null' for key in keys)}, and {reason}; allowed: a number for {_joined(keys)} "
        f"(it replaces returns beyond it), {sources}"
    )


def _joined(words: Iterable[str]) -> str:
    return " and ".join(words)
