"""Environments: made from their configuration, as the training loop wants them."""

from dqn_exp.envs.environment import Environment, make_environment, resolve_environment

__all__ = ["Environment", "make_environment", "resolve_environment"]
