"""Are the records true? `python -m analysis audit SWEEP_DIR` trains some trials again and compares.

The room offers `bound`, an upper limit for the share of wrong trials, and the module `command`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.audit.sentences import bound

__getattr__ = lazy(__name__, __file__)
