"""The fused learner: DQN updates of networks of dense layers, optionally behind one convolution, in numba."""

from dqn_exp.agent.fused.learner import FusedLearner

__all__ = ["FusedLearner"]
