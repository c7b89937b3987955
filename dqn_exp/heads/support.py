"""The bounds of C51's atoms, if the configuration does not set them."""

from __future__ import annotations

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
    bootstraps from the state in which a time limit cut off the episode. If rewards are clipped by
    `agent.max_abs_reward`, it is r, unless a smaller bound of the rewards is known.
    """
    head = config.network.head
    if not isinstance(head, C51Config):
        return config
    lowest, highest = _bound(config, "v_min"), _bound(config, "v_max")
    if lowest is None or highest is None:
        raise ConfigError(_unknown(config, v_min=lowest, v_max=highest))
    if not lowest < highest:
        raise ConfigError(
            f"network.head.v_min={lowest:g} and network.head.v_max={highest:g}: allowed: v_min < v_max"
        )
    network = config.network.model_copy(
        update={"head": head.model_copy(update={"v_min": lowest, "v_max": highest})}
    )
    return config.model_copy(update={"network": network})


def _bound(config: Config, key: str) -> float | None:
    """A bound of the returns that the agent learns, or None if it is not known."""
    given, (of_returns, of_rewards, outer) = getattr(config.network.head, key), KNOWN[key]
    known, reward = getattr(config.returns, of_returns), getattr(config.returns, of_rewards)
    limit = config.agent.max_abs_reward
    if given is not None:
        return float(given)
    if _rewards_are_changed(config):
        known = reward = None
    if limit is not None:
        known, reward = None, _clipped(reward, limit, outer(-limit, limit))
    if known is not None:
        return float(known)
    if reward is not None and config.gamma < 1:
        return float(outer(0.0, reward / (1 - config.gamma)))
    return None


def _clipped(reward: float | None, limit: float, unknown: float) -> float:
    """The bound `reward` of rewards that are clipped to [-limit, limit]."""
    return unknown if reward is None else max(-limit, min(limit, reward))


def _rewards_are_changed(config: Config) -> str | None:
    """The wrapper that changes rewards, if there is one."""
    return next((name for name in REWARD_WRAPPERS if name in config.env.wrappers), None)


def _unknown(config: Config, **bounds: float | None) -> str:
    missing = [key for key, bound in bounds.items() if bound is None]
    keys, of_returns, of_rewards = (
        " and ".join(names)
        for names in zip(*((f"network.head.{key}", *_sources(key)) for key in missing), strict=True)
    )
    reason = f"no bound of the rewards of {config.env.id} is known"
    others = f"{of_returns}, or with gamma < 1 {of_rewards} or agent.max_abs_reward"
    if wrapper := _rewards_are_changed(config):
        reason = f"env.wrappers.{wrapper} changes the unit of returns"
        others = "or agent.max_abs_reward with gamma < 1"
    elif config.gamma == 1:
        reason, others = "with gamma=1 the return has no bound", f"{of_returns}, or gamma < 1"
    return (
        f"{keys.replace(' and ', '=null and ')}=null, and {reason}; allowed: a number for {keys} "
        f"(it replaces returns beyond it), {others}"
    )


def _sources(key: str) -> tuple[str, str]:
    """The keys of `returns` from which a bound is computed."""
    of_returns, of_rewards, _ = KNOWN[key]
    return f"returns.{of_returns}", f"returns.{of_rewards}"
