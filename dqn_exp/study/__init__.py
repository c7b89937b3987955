"""What to try next: an Optuna study over several seeds.

`run_study` searches, confirms and writes the results; `open_storage` and `proposals` read a study.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.study.claims import proposals
    from dqn_exp.study.results import trials_csv_of
    from dqn_exp.study.search import run_study
    from dqn_exp.study.storage import is_url, open_storage, quiet

__getattr__ = lazy(__name__, __file__)
