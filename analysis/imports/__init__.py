"""Import logs of other programs as a sweep: `python -m analysis import PATH --to SWEEP`.

`import_logs` reads the logs of other programs' training runs and writes a sweep in the format of our records,
which all commands read like any other sweep. Values that the logs do not contain stay unknown.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.imports.command import import_logs
    from analysis.imports.trial import ImportedTrial, RunFacts

__getattr__ = lazy(__name__, __file__)
