"""The bounds of C51's atoms, if the configuration does not set them."""

from __future__ import annotations

from dqn_exp.config import C51Config, Config, ConfigError


def resolve_support(config: Config) -> Config:
    """`config` with numbers as bounds of C51's atoms; raises ConfigError if a bound is not known.

    A bound that is null is computed from the section `returns`: it is the bound of the discounted return if
    that is given, otherwise it follows from the bound r of the reward of a step. The highest return is then
    max(0, r / (1 - gamma)), the lowest min(0, r / (1 - gamma)). Time limits do not matter, because an update
    bootstraps from the state in which a time limit cut off the episode.
    """
    head = config.network.head
    if not isinstance(head, C51Config):
        return config
    lowest, highest = _bound(config, "v_min"), _bound(config, "v_max")
    if not lowest < highest:
        raise ConfigError(
            f"network.head.v_min={lowest:g} and network.head.v_max={highest:g}: allowed: v_min < v_max"
        )
    network = config.network.model_copy(
        update={"head": head.model_copy(update={"v_min": lowest, "v_max": highest})}
    )
    return config.model_copy(update={"network": network})


KNOWN = {"v_min": ("lowest", "lowest_reward", min), "v_max": ("highest", "highest_reward", max)}
"""For each bound: its key in `returns`, the key of the step reward's bound, and the function that picks the
outer of two values."""


def _bound(config: Config, key: str) -> float:
    given, (of_returns, of_rewards, outer) = getattr(config.network.head, key), KNOWN[key]
    known, reward = getattr(config.returns, of_returns), getattr(config.returns, of_rewards)
    if given is not None:
        return float(given)
    unit_is_kept = "NormalizeReward" not in config.env.wrappers
    if unit_is_kept and known is not None:
        return float(known)
    if unit_is_kept and reward is not None and config.gamma < 1:
        return float(outer(0.0, reward / (1 - config.gamma)))
    reason = f"no bound of the rewards of {config.env.id} is known"
    if not unit_is_kept:
        reason = "env.wrappers.NormalizeReward changes the unit of returns"
    elif reward is not None:
        reason = "with gamma=1 the return has no bound"
    raise ConfigError(
        f"network.head.{key}=null, and {reason}; allowed: network.head.{key}=a number (it replaces "
        f"returns beyond it), returns.{of_returns}=a number, or returns.{of_rewards} with gamma < 1"
    )
