"""Write a network as a checkpoint of stable-baselines3, for `DQN.load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from dqn_exp.export.formats import NotExportable, need
from dqn_exp.networks import MLP
from dqn_exp.trained import Trained

PLAIN = (nn.Sequential, nn.Flatten, nn.Linear, nn.ReLU, nn.Tanh)


def write_sb3(trained: Trained, path: Path) -> None:
    """Write the zip file `path`; raises NotExportable if stable-baselines3's DQN has no such network."""
    _check(trained)
    need({"stable_baselines3": "stable-baselines3"})
    import gymnasium
    from stable_baselines3 import DQN

    config = trained.config
    limit = config.evaluation_env().max_episode_steps
    env = gymnasium.make(
        config.env.id, max_episode_steps=limit if isinstance(limit, int) else None, **config.env.kwargs
    )
    kwargs: dict[str, Any] = {
        "net_arch": list(config.network.hidden),
        "activation_fn": {"relu": nn.ReLU, "tanh": nn.Tanh}[config.network.activation],
    }
    model = DQN(
        "MlpPolicy",
        env,
        learning_rate=config.lr,
        buffer_size=max(config.batch, 1),  # not saved; made anew if training continues
        batch_size=config.batch,
        gamma=config.gamma,
        train_freq=config.train_every,
        policy_kwargs=kwargs,
        seed=config.seed,
        device="cpu",
    )
    layers = [module for module in trained.network.modules() if isinstance(module, nn.Linear)]
    for network in (model.q_net, model.q_net_target):
        theirs = [module for module in network.modules() if isinstance(module, nn.Linear)]
        for own, other in zip(layers, theirs, strict=True):
            other.weight.data.copy_(own.weight.data)
            other.bias.data.copy_(own.bias.data)
    model.save(path)
    env.close()


def _check(trained: Trained) -> None:
    config, network = trained.config, trained.network
    reasons = {
        f"stable-baselines3's DQN does not support network.head={config.network.head.name}": (
            config.network.head.name != "values"
        ),
        "stable-baselines3's networks for images have other layers": trained.images is not None,
        "stable-baselines3's DQN does not support action masks": trained.has_masks,
        "the observations were normalised with running statistics": bool(trained.statistics),
        f"stable-baselines3 does not have env.wrappers={', '.join(config.env.wrappers)}": bool(
            config.env.wrappers
        ),
        "the environment's actions are not numbered from 0": trained.first_action != 0,
    }
    obstacles = [reason for reason, holds in reasons.items() if holds]
    inner = network.layers if isinstance(network, MLP) else None
    unknown = [m for m in (inner.modules() if inner else [network]) if not isinstance(m, PLAIN)]
    if unknown and not obstacles:
        obstacles = [f"stable-baselines3's MlpPolicy has no {type(unknown[0]).__name__}"]
    if obstacles:
        raise NotExportable("; ".join(obstacles))
