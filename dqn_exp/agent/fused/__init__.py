"""The fused learner: DQN updates of multilayer perceptrons, compiled by numba."""

from dqn_exp.agent.fused.learner import FusedLearner

__all__ = ["FusedLearner"]
