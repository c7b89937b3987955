"""What to try next: an Optuna study over several seeds.

`run_study` searches, confirms and writes the results; the room `storage` opens and reads studies.
`dqn_exp.study(...)` is the function of that name in `dqn_exp.api`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import called_as, lazy

if TYPE_CHECKING:
    from dqn_exp.study.confirm import Judgement
    from dqn_exp.study.search import Studied, run_study

__getattr__ = lazy(__name__, __file__)
called_as(__name__, "dqn_exp.api")
