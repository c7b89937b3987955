"""The agent: it acts, stores transitions and learns.

`build_agent` builds the agent that a configuration names; `Agent` is the interface of all agents, and
`ReplayAgent` a base for agents of one's own. A DQN is updated by the torch learner, or on the CPU by the
compiled learner in the package `fused`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.agent.agent import Agent, Diverged, Learned, build_agent
    from dqn_exp.agent.eligibility import check_learner, choose_learner, fused_obstacle
    from dqn_exp.agent.exploration import build_exploration
    from dqn_exp.agent.learner import build_learner, resolve_device
    from dqn_exp.agent.replay_agent import ReplayAgent

__getattr__ = lazy(__name__, __file__)
