"""The storage of studies: open it so that a killed process does no damage, and read it.

`open_storage` opens a journal or a database, `proposals` selects the trials that count, `trials_csv_of` is
the table of all trials. The package `analysis` reads studies only through this package.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.study.storage.opening import (
        dashboard_command,
        exclusive_turn,
        is_server,
        is_url,
        locate,
        open_storage,
        printable,
        quiet,
    )
    from dqn_exp.study.storage.trials import (
        BY_ENVIRONMENT,
        CAUSE,
        DIED,
        DIRECTORY,
        DRAWN,
        INDEPENDENT,
        KEY,
        PROCESS,
        QUEUED,
        RETRY_OF,
        WITHDRAWN,
        WITNESSES,
        is_withdrawn,
        on_grid,
        parameters,
        proposals,
        score_name,
        scores_by_environment,
        trials_csv_of,
        typed,
    )

__getattr__ = lazy(__name__, __file__)
