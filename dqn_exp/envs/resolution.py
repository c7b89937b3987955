"""Fill in what a configuration leaves to the environment: time limit, masks and threshold."""

from __future__ import annotations

from dqn_exp.config import ConfigError, EnvConfig
from dqn_exp.envs.environment import find_spec
from dqn_exp.envs.tryout import Facts, try_out, try_out_in_subprocess


def resolve_environment(
    config: EnvConfig, threshold: float | None, in_subprocess: bool = False
) -> tuple[EnvConfig, float]:
    """The configuration with the environment's own time limit and masks filled in, and the threshold.

    Tries the environment out, in a separate process if `in_subprocess`. Raises ConfigError if the environment
    is unknown, cannot be used, or has no threshold.
    """
    spec = find_spec(config.id)
    facts = _facts(config, in_subprocess)
    resolved = {
        "max_episode_steps": config.max_episode_steps or spec.max_episode_steps or "unlimited",
        "action_masks": _masks(config, facts),
    }
    if threshold is None and "NormalizeReward" in config.wrappers:
        raise ConfigError(
            "env.wrappers.NormalizeReward changes the unit of returns, and so the meaning of a threshold; "
            "allowed: convergence.threshold=a number in that unit (inf: never)"
        )
    for own in (threshold, config.threshold, spec.reward_threshold):
        if own is not None:
            return config.model_copy(update=resolved), float(own)
    raise ConfigError(
        f"convergence.threshold=null, but {config.id} registers no threshold; "
        f"allowed: a number (inf: never), here or as env.threshold"
    )


def check_evaluation_environment(
    training: EnvConfig, evaluation: EnvConfig, in_subprocess: bool = False
) -> None:
    """Raise ConfigError if `evaluation` cannot be used or has other observations, actions or masks."""
    trained, evaluated = _facts(training, in_subprocess), _facts(evaluation, in_subprocess)
    if evaluated != trained:
        raise ConfigError(f"it has {_describe(evaluated)}; allowed: as in training, {_describe(trained)}")


def observed_shape(config: EnvConfig, in_subprocess: bool = False) -> tuple[int, ...]:
    """The shape of the observations of the environment of the resolved `config`, without masks."""
    return _facts(config, in_subprocess).observed


def _facts(config: EnvConfig, in_subprocess: bool) -> Facts:
    if config.kwargs.get("render_mode") == "human":
        raise ConfigError(
            "env.kwargs.render_mode=human would show every training step on a screen; allowed: "
            "video.every_episodes=20, or afterwards python -m analysis video TRIAL"
        )
    return try_out_in_subprocess(config) if in_subprocess else try_out(config)


def _masks(config: EnvConfig, facts: Facts) -> bool | None:
    """The configured value; True if none is configured and the environment gives masks."""
    return True if config.action_masks is None and facts.has_masks else config.action_masks


def _describe(facts: Facts) -> str:
    numbers = " x ".join(map(str, facts.observed))
    masks = " with masks" if facts.has_masks else ""
    return f"observations of {numbers} numbers and {facts.n_actions} actions{masks}"
