"""Optuna studies over several seeds.

`run_study` searches, confirms and writes the results; the package `storage` opens and reads studies. A call
`dqn_exp.study(...)` runs the function `study` of `dqn_exp.api`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.study.confirm import Judgement
    from dqn_exp.study.run import Studied, run_study

__getattr__ = lazy(__name__, __file__)
