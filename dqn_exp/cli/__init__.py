"""The command line: run one trial, a sweep or a study, and print its results.

This package may import from both `dqn_exp` and `analysis`, as may `api`, `export` and `_plugins`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.cli.command_line import OF_A_STUDY, OF_THE_COMMAND, check_params, read_command
    from dqn_exp.cli.help import help_text
    from dqn_exp.cli.looks import ReportJudge
    from dqn_exp.cli.messages import explain, is_open
    from dqn_exp.cli.process import as_found, run_hydra, worker_server
    from dqn_exp.cli.single import check_single, prepare_single_run
    from dqn_exp.cli.study import StudyAnalyst
    from dqn_exp.cli.summary import Summary

__getattr__ = lazy(__name__, __file__)
