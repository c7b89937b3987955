"""Eight processes share one study on a database server, and are killed again and again."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from dqn_exp.study.storage import DIRECTORY, open_storage, proposals
from tests.program import TINY, alive, descendants, finish, start, wait_until

PROCESSES, EACH, KILLS = 8, 25, 12
TOTAL = PROCESSES * EACH


@pytest.mark.slow
def test_two_hundred_proposals_are_run_once_each_whoever_is_killed(postgres: str, tmp_path: Path) -> None:
    study = (
        "hydra/sweeper=optuna",
        "hydra/sweeper/sampler=random",
        "hydra/sweeper/pruner=none",
        f"hydra.sweeper.n_trials={TOTAL}",
        f"hydra.sweeper.storage='{postgres}'",
        "hydra.sweeper.study_name=many",
        f"hydra.sweep.dir={tmp_path / 'study'}",
    )
    tiny = (*TINY, "budget.env_steps=100", "evaluation.every_steps=50", "network.hidden=[8]")
    command = (
        "-m",
        *tiny,
        *study,
        "lr=tag(log,interval(1e-4,1e-2))",
        "seed=1",
        "confirm.top=0",
        "reuse=none",
    )

    def begin(number: int) -> subprocess.Popen[str]:
        place = tmp_path / f"process{number}"
        place.mkdir(exist_ok=True)
        return start(*command, "hydra.launcher.n_jobs=1", cwd=place)

    draw = random.Random(5)
    running = [begin(number) for number in range(PROCESSES)]
    trials = tmp_path / "study" / "trials"
    for kill in range(1, KILLS + 1):
        wait_until(lambda: len(list(trials.glob("*/*/result.json"))) > kill * TOTAL // (KILLS + 2), 1800)  # noqa: B023
        number = draw.randrange(PROCESSES)
        family = descendants(running[number].pid)
        running[number].kill()
        running[number].wait()
        wait_until(lambda: not alive(family))  # noqa: B023
        running[number] = begin(number)
        time.sleep(draw.random())
    ends = [finish(process, tmp_path / f"process{n}", 1800) for n, process in enumerate(running)]
    assert [ended.code for ended in ends] == [0] * PROCESSES, "\n".join(ended.err for ended in ends)

    found = optuna.load_study(study_name="many", storage=open_storage(postgres)).get_trials(deepcopy=False)
    counted = proposals(found)
    assert len(counted) == TOTAL
    assert all(trial.state is TrialState.COMPLETE for trial in counted)
    assert len({trial.params["lr"] for trial in counted}) == TOTAL
    assert len({trial.user_attrs[DIRECTORY] for trial in counted}) == TOTAL
    assert len(list(trials.iterdir())) == TOTAL
    assert sum(trial.state is TrialState.COMPLETE for trial in found) == TOTAL
