"""The agent: how it explores, how it learns, and when its target network follows.

`build_learner` makes the learner that a configuration asks for: torch for any network, or the compiled one
of the room `fused`, which updates plain MLPs on the CPU.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.agent.eligibility import check_learner
    from dqn_exp.agent.exploration import build_schedule
    from dqn_exp.agent.learner import Learner, build_learner, resolve_device
    from dqn_exp.agent.target import TargetUpdate

__getattr__ = lazy(__name__, __file__)
