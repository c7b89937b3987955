"""The agent: how it acts, what it remembers and how it learns.

`build_agent` makes the one that a configuration names; `Agent` is what it must offer. A DQN learns by
the torch learner, or by the compiled one of the room `fused`, which updates plain MLPs on the CPU.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.agent.agent import Agent, Diverged, Learned, build_agent
    from dqn_exp.agent.eligibility import check_learner, choose_learner
    from dqn_exp.agent.exploration import build_exploration
    from dqn_exp.agent.learner import build_learner, resolve_device

__getattr__ = lazy(__name__, __file__)
