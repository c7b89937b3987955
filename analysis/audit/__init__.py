"""Are the records true? `python -m analysis audit SWEEP_DIR` trains some of its trials anew and compares.

`audit` gives the verdict on each; `bound` says how many of all trials may be wrong by so many verdicts.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.audit.command import audit
    from analysis.audit.compare import Verdict
    from analysis.audit.sentences import bound

__getattr__ = lazy(__name__, __file__)
