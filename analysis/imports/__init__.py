"""Other people's logs to a sweep of ours: `python -m analysis import PATH --to SWEEP`.

`import_logs` reads what other programs wrote of their training runs and writes a sweep in the format of our
records, which everything here reads like any other. What the logs do not tell stays unknown.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.imports.command import import_logs
    from analysis.imports.trial import ImportedTrial, Told

__getattr__ = lazy(__name__, __file__)
