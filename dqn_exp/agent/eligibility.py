"""Choose the learner from the configuration alone, without importing torch."""

from __future__ import annotations

from itertools import pairwise

from dqn_exp.config import Config, ConfigError

LARGEST_LAYER = 2**19
"""Number of weights between two hidden layers above which torch's matrix products are as fast as ours."""


def choose_learner(config: Config) -> str:
    """The learner's name, torch or fused. `auto` means the fused learner if it applies and is faster."""
    if config.learner != "auto":
        return config.learner
    is_huge = any(above * below > LARGEST_LAYER for above, below in pairwise(config.network.hidden))
    return "torch" if is_huge or fused_obstacle(config) else "fused"


def check_learner(config: Config) -> None:
    """Raise ConfigError if `learner=fused` is configured and does not apply."""
    obstacle = fused_obstacle(config)
    if config.learner == "fused" and obstacle:
        raise ConfigError(f"learner='fused' does not support {obstacle} (or learner=torch, learner=auto)")


def fused_obstacle(config: Config) -> str | None:
    """The setting that rules out the fused learner, and its allowed values; None if the learner applies."""
    if config.agent.name != "dqn":
        return f"agent.name={config.agent.name!r}; allowed: dqn"
    network = config.network
    if network.name not in ("mlp", "cnn"):
        return f"network.name={network.name!r}; allowed: mlp, cnn"
    if network.name == "cnn" and len(network.convolutions) != 1:
        return f"{len(network.convolutions)} layers in network.convolutions; allowed: one"
    if network.name == "mlp" and config.env.images:
        return "network.name='mlp' with env.images=true; allowed: network=cnn, or env.images=false"
    if network.head.name not in ("values", "c51", "qr"):
        return f"network.head={network.head.name}; allowed: values, c51, qr"
    if network.dueling and not network.hidden:
        return "network.dueling=true with network.hidden=[]; allowed: hidden layers"
    if config.agent.munchausen is not None:
        return "agent.munchausen; allowed: null"
    for key in ("layer_norm", "noisy"):
        if getattr(network, key):
            return f"network.{key}=true; allowed: false"
    if config.optimizer.name == "adamw":
        return "optimizer.name='adamw'; allowed: adam, rmsprop, sgd"
    if config.env.action_masks:
        return f"the action masks of env.id={config.env.id}; allowed: env.action_masks=false to ignore them"
    if config.device == "cuda":
        return "device='cuda'; allowed: cpu"
    return None
