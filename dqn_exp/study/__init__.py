"""What to try next: an Optuna study over several seeds.

`run_study` searches, confirms and writes the results; the room `storage` opens and reads studies.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.study.confirm import Judgement
    from dqn_exp.study.search import run_study

__getattr__ = lazy(__name__, __file__)
