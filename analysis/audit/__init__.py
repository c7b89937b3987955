"""Are the records true? `python -m analysis audit SWEEP_DIR` trains some trials again and compares.

`audit` returns the verdict on each trial. `bound` returns an upper limit for the share of wrong trials.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.audit.command import audit
    from analysis.audit.compare import AuditVerdict
    from analysis.audit.sentences import bound

__getattr__ = lazy(__name__, __file__)
