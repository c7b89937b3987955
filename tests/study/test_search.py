"""Studies started from the command line: real Hydra runs, killed, shared, pruned, confirmed."""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
import yaml

from analysis import load_runs
from dqn_exp.config import Config
from dqn_exp.launch.pace import Pace, kind
from dqn_exp.runs import directory_lock
from dqn_exp.study.storage import open_storage, proposals
from tests.helpers import make_values
from tests.program import (
    TINY,
    Ended,
    alive,
    descendants,
    finish,
    records,
    run,
    run_here,
    start,
    tree,
    wait_until,
)

STUDY = (
    "-m",
    "hydra/sweeper=optuna",
    *TINY,
    "network.hidden=[16]",
    "evaluation.every_steps=100",
    "learner=torch",
)
SEARCH = ("lr=tag(log,interval(1e-4,1e-2))", "batch=16,32")
PLACE = ("hydra.sweep.dir=study", "hydra.sweeper.study_name=s")
SEEDS = ("seed=1,2", "hydra.launcher.n_jobs=2")
UNCONFIRMED = "confirm.top=0"
ASKED = (
    *SEEDS,
    *("hydra.launcher.n_jobs=1", "hydra.sweeper.n_trials=5", "confirm.top=1", "confirm.seeds=53,54"),
)
HERE = ("hydra/launcher=basic", "hydra.sweeper.n_jobs=1")
"""In this very process, where torch is there already."""
DEFAULTS = make_values()


def here(*arguments: str, cwd: Path) -> Ended:
    ended = run_here(*STUDY, *PLACE, *arguments, cwd=cwd)
    assert ended.code == 0, ended.said
    return ended


def study_in(place: Path) -> optuna.Study:
    open_storage.cache_clear()
    return optuna.load_study(study_name="s", storage=open_storage(str(place / "study" / "journal.log")))


def table(place: Path) -> list[dict[str, str]]:
    with open(place / "study" / "trials.csv") as file:
        return list(csv.DictReader(file))


def outcomes(place: Path) -> list[tuple[object, ...]]:
    """Parameters and scores of the proposals that count, in the order in which they were made."""
    counted = [row for row in table(place) if row["counted"] == "True"]
    keys = [key for key in counted[0] if key.startswith(("params.", "aulc"))]
    return sorted(tuple(row[key] for key in ("state", *keys)) for row in counted)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of five proposals, one after another, with its confirmation."""
    place = tmp_path_factory.mktemp("undisturbed")
    here(*SEARCH, *ASKED, cwd=place)
    return place


def test_what_a_study_leaves(undisturbed: Path) -> None:
    study, place = study_in(undisturbed), undisturbed / "study"
    best = yaml.safe_load((place / "optimization_results.yaml").read_text())
    assert best == {
        "name": "optuna",
        "best_params": study.best_params,
        "best_value": study.best_value,
        "best_number": study.best_trial.number,
    }
    assert [row["state"] for row in table(undisturbed)] == ["complete"] * 5
    runs = load_runs(place)
    searched = runs[runs["run"].str.startswith("trials/")]
    assert Counter(searched["seed"]) == {1: 5, 2: 5}
    for trial in study.get_trials():
        rows = searched[searched["run"].str.startswith(f"trials/{trial.number:04d}/")]
        assert set(rows["lr"]) == {trial.params["lr"]}
        assert set(rows["batch"]) == {trial.params["batch"]}
    overrides = yaml.safe_load((place / "trials/0000/seed=1/.hydra/overrides.yaml").read_text())
    assert f"lr={study.trials[0].params['lr']!r}" in overrides
    assert list((place / "processes").iterdir()) == []


def test_the_best_configuration_can_be_run(undisturbed: Path, tmp_path: Path) -> None:
    """With the very command that the file names, it is the proposal that won, to the last bit."""
    place = undisturbed / "study"
    ended = run_here(
        "--config-dir", str(place), "experiment=best", "seed=1", "hydra.run.dir=again", cwd=tmp_path
    )
    assert ended.code == 0, ended.said
    number = study_in(undisturbed).best_trial.number
    assert records(tmp_path / "again") == records(place / "trials" / f"{number:04d}" / "seed=1")
    assert "--config-dir 'study' experiment=best" in (place / "experiment" / "best.yaml").read_text()


def test_the_confirmation_is_paired_on_fresh_seeds(undisturbed: Path) -> None:
    study, place = study_in(undisturbed), undisturbed / "study"
    content = json.loads((place / "confirm" / "confirmation.json").read_text())
    assert (content["search_seeds"], content["seeds"]) == ([1, 2], [53, 54])
    default, winner = content["configurations"]
    assert (default["name"], default["number"], default["difference"]) == ("default", None, {})
    assert (winner["number"], winner["params"]) == (study.best_trial.number, study.best_params)
    assert winner["search"] == {"aulc": study.best_value}
    assert content["bounds"] == {"aulc": [0, 500], "final_return": [0, 500], "steps_to_convergence": [0, 400]}
    pairs = zip(winner["scores"]["aulc"], default["scores"]["aulc"], strict=True)
    differences = [a - b for a, b in pairs]
    assert len({0.0, *differences}) == 3  # seeds on which the two learn differently
    told = winner["difference"]["aulc"]
    assert told["mean"] == pytest.approx(sum(differences) / 2)
    assert (told["low"], told["high"], told["p_holm"]) == (None, None, None)  # of two seeds
    assert winner["converged"] == {"steps_to_convergence": [False, False]}
    runs = load_runs(place).set_index("run")
    for seed in (53, 54):
        row = runs.loc[f"confirm/default,seed={seed}"]
        assert (row["lr"], row["batch"], row["seed"]) == (DEFAULTS["lr"], DEFAULTS["batch"], seed)
    assert study.user_attrs["confirmation"] == content


def test_what_another_study_has_trained_is_taken(undisturbed: Path, tmp_path: Path) -> None:
    """Also for the confirmation; where a pruner is to see them train, proposals train."""
    (tmp_path / "cwd").mkdir()
    taken = f"2 of 2 trials taken from {undisturbed}/study/trials/"
    ended = here(*SEARCH, *ASKED, f"reuse=[{undisturbed}/study]", cwd=tmp_path / "cwd")
    assert [line[:12] for line in ended.out.splitlines() if taken in line] == [
        f"proposal {n}: " for n in range(5)
    ]
    assert f"4 of 4 trials taken from {undisturbed}/study/confirm" in ended.out
    assert outcomes(tmp_path / "cwd") == outcomes(undisturbed)
    content = [
        json.loads((place / "study" / "confirm" / "confirmation.json").read_text())
        for place in (tmp_path / "cwd", undisturbed)
    ]
    assert content[0] == content[1]
    asked = ("hydra.sweeper.n_trials=1", UNCONFIRMED, "hydra/sweeper/pruner=median", "hydra.sweep.dir=pruned")
    ended = here(*SEARCH, *ASKED, f"reuse=[{undisturbed}/study]", *asked, cwd=tmp_path / "cwd")
    assert "taken" not in ended.out


def test_a_dry_run_tells_what_a_study_is_sure_to_take(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials of points that give every value, and of the default in the confirmation."""

    def measured(configs: Sequence[Config], at_a_time: int) -> dict[str, Pace]:
        return {kind(config): Pace(0.1, 0.01, 20.0) for config in configs}

    monkeypatch.setattr("dqn_exp.launch.dry_run.measure_kinds", measured)
    (tmp_path / "cwd").mkdir()
    lr, batch = (study_in(undisturbed).trials[3].params[key] for key in ("lr", "batch"))
    points = f"hydra.sweeper.start=[{{lr: {lr!r}, batch: {batch}}}, {{batch: {batch}}}]"
    asked = (*SEARCH, *ASKED, points, f"reuse=[{undisturbed}/study]", "dry_run=true")
    told = here(*asked, cwd=tmp_path / "cwd").out
    searched, confirmed = (f"2 from {undisturbed}/study/{folder}" for folder in ("trials/0003", "confirm"))
    assert f"4 of 4 trials known before the search can be taken: {searched}; {confirmed} (reuse=none" in told
    pruned = here(*asked, "hydra/sweeper/pruner=median", cwd=tmp_path / "cwd").out
    assert f"2 of 2 trials known before the search can be taken from {undisturbed}/study/confirm" in pruned
    assert "can be taken" not in here(*asked, "reuse=none", UNCONFIRMED, cwd=tmp_path / "cwd").out
    assert list((tmp_path / "cwd").iterdir()) == []


def test_the_same_command_runs_only_what_is_missing(undisturbed: Path, tmp_path: Path) -> None:
    """Five and then two more are seven as if they had been asked for at once."""
    here(*SEARCH, *SEEDS, "hydra.launcher.n_jobs=1", "hydra.sweeper.n_trials=3", UNCONFIRMED, cwd=tmp_path)
    before = {
        name: data for name, data in tree(tmp_path / "study" / "trials").items() if name.endswith("csv")
    }
    ended = here(
        *SEARCH, *SEEDS, "hydra.launcher.n_jobs=1", "hydra.sweeper.n_trials=5", UNCONFIRMED, cwd=tmp_path
    )
    assert ended.out.count("proposal ") == 3  # two proposals and the line about the best
    after = tree(tmp_path / "study" / "trials")
    assert {name: after[name] for name in before} == before
    assert outcomes(tmp_path) == outcomes(undisturbed)
    again = here(
        *SEARCH, *SEEDS, "hydra.launcher.n_jobs=1", "hydra.sweeper.n_trials=5", UNCONFIRMED, cwd=tmp_path
    )
    assert again.out.count("proposal ") == 1


def test_killed_at_random_times_it_ends_with_the_same_proposals(undisturbed: Path, tmp_path: Path) -> None:
    command = (
        *STUDY,
        *PLACE,
        *SEARCH,
        *SEEDS,
        "hydra.launcher.n_jobs=1",
        "hydra.sweeper.n_trials=5",
        UNCONFIRMED,
        "checkpoint.every_seconds=0",
    )
    draw = random.Random(1)
    for limit in sorted(draw.randrange(6, 55) for _ in range(2)):
        driver = start(*command, cwd=tmp_path)
        wait_until(lambda: evaluations(tmp_path) > limit or driver.poll() is not None)  # noqa: B023
        family = descendants(driver.pid)
        driver.kill()
        driver.wait()
        wait_until(lambda: not alive(family))  # noqa: B023
    with open(tmp_path / "study" / "journal.log", "ab") as journal:
        journal.write(b'{"op_code":7,"worker_id":"')  # and one writer was in the middle of a line
    ended = run(*command, cwd=tmp_path)
    assert ended.code == 0, ended.said
    assert [row[:-1] for row in outcomes(tmp_path)] == [row[:-1] for row in outcomes(undisturbed)]
    trials = study_in(tmp_path).get_trials()
    assert len(proposals(trials)) == 5
    dead = [trial for trial in trials if trial.state is optuna.trial.TrialState.FAIL]
    assert len(dead) >= 1
    assert all(trial.user_attrs["died"] for trial in dead)


def evaluations(place: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in place.rglob("evaluations.csv"))


@pytest.mark.parametrize("kind", ["journal", pytest.param("postgres", marks=pytest.mark.slow)])
def test_two_terminals_share_one_study(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue("postgres") if kind == "postgres" else None
    shared = () if url is None else (f"hydra.sweeper.storage='{url}'",)
    arguments = (
        *STUDY,
        *PLACE,
        *SEARCH,
        *SEEDS,
        "hydra.launcher.n_jobs=1",
        "hydra.sweeper.n_trials=7",
        *shared,
        "confirm.top=1",
        "confirm.seeds=53,54",
    )
    ends = in_two_terminals(arguments, tmp_path)
    assert [ended.code for ended in ends] == [0, 0], ends[0].said + ends[1].said
    assert all("aulc on 2 seeds that the search did not see" in ended.out for ended in ends)
    rows = table(tmp_path)
    counted = [row for row in rows if row["counted"] == "True"]
    assert [row["state"] for row in counted] == ["complete"] * 7
    ran = [line.split(":")[0] for ended in ends for line in ended.out.splitlines() if "] proposal " in line]
    numbers = sorted(int(line.split()[-1]) for line in ran)
    assert numbers == sorted(int(row["number"]) for row in counted)
    assert len(list((tmp_path / "study" / "trials").iterdir())) == 7


OVER = (
    "objective.over=[cartpole,acrobot]",
    "objective=final_return",
    "lr=tag(log,interval(1e-4,1e-2))",
    "seed=1,2",
    "hydra.sweeper.n_trials=2",
)
SCALE = {"CartPole-v1": (22.6, 475.0), "Acrobot-v1": (-498.7, -100.0)}
"""Random play and threshold: conf/env/."""


@pytest.fixture(scope="module")
def over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study over two environments with its confirmation and report."""
    place = tmp_path_factory.mktemp("over")
    here(*OVER, "confirm.top=1", "confirm.seeds=5,6", "report=true", *HERE, cwd=place)
    return place


def normalised(row: pd.Series[Any]) -> float:
    random_play, threshold = SCALE[row["env.id"]]
    return float((row["final_return"] - random_play) / (threshold - random_play))


def test_every_proposal_trains_on_all_environments(over: Path) -> None:
    """Its score is the mean over environments of what its seeds reached on the scale of each."""
    place = over / "study"
    runs = load_runs(place)
    runs["score"] = runs.apply(normalised, axis=1)
    rows = table(over)
    assert [row["state"] for row in rows] == ["complete"] * 2
    for row in rows:
        own = runs[runs["run"].str.startswith(f"trials/{row['directory']}/")]
        assert Counter(own["env.id"]) == dict.fromkeys(SCALE, 2)
        means = own.groupby("env.id", observed=True)["score"].mean()
        assert float(row["final_return.cartpole"]) == pytest.approx(means["CartPole-v1"])
        assert float(row["final_return.acrobot"]) == pytest.approx(means["Acrobot-v1"])
        assert float(row["final_return"]) == pytest.approx(means.mean())
        second = own.set_index("run").loc[f"trials/{row['directory']}/env=acrobot,seed=2"]
        assert float(row["final_return.acrobot.1"]) == pytest.approx(second["score"])
    best = yaml.safe_load((place / "optimization_results.yaml").read_text())
    (winner,) = [row for row in rows if int(row["number"]) == best["best_number"]]
    assert best["best_by_environment"]["final_return"]["acrobot"] == float(winner["final_return.acrobot"])
    assert "2 environments x 2 seeds" in over.with_suffix(".out").read_text()


def test_the_winner_is_confirmed_in_all_environments(over: Path) -> None:
    place = over / "study"
    content = json.loads((place / "confirm" / "confirmation.json").read_text())
    default, winner = content["configurations"]
    runs = load_runs(place).set_index("run")
    runs["score"] = runs.apply(normalised, axis=1)
    for row in (default, winner):
        of_each = {
            name: [runs.loc[f"confirm/{row['name']},env={name},seed={seed}", "score"] for seed in (5, 6)]
            for name in ("cartpole", "acrobot")
        }
        for name, scores in of_each.items():
            assert row["scores"][f"final_return.{name}"] == pytest.approx(scores)
        together = [(a + b) / 2 for a, b in zip(*of_each.values(), strict=True)]
        assert row["scores"]["final_return"] == pytest.approx(together)
    assert set(winner["search"]) == {"final_return", "final_return.cartpole", "final_return.acrobot"}
    assert set(winner["converged"]) == {"steps_to_convergence.cartpole", "steps_to_convergence.acrobot"}
    page = (place / "report" / "index.html").read_text()
    assert "<h2>Environments</h2>" in page
    assert "the best, does worst in" in page
    drawn = {path.stem for path in (place / "report" / "figures").glob("*.png")}
    assert {"environments_final_return", "confirmation_final_return.acrobot"} <= drawn


def test_the_best_of_all_environments_can_be_run_in_each(over: Path, tmp_path: Path) -> None:
    place = over / "study"
    best = study_in(over).best_trial.number
    for name in ("acrobot", "cartpole"):
        arguments = ("experiment=best", f"env={name}", "seed=2", f"hydra.run.dir={name}")
        ended = run_here("--config-dir", str(place), *arguments, cwd=tmp_path)
        assert ended.code == 0, ended.said
        theirs = place / "trials" / f"{best:04d}" / f"env={name},seed=2"
        assert records(tmp_path / name) == records(theirs)


def test_a_study_over_environments_goes_on_where_it_was_killed(over: Path, tmp_path: Path) -> None:
    command = (*STUDY, *PLACE, *OVER, UNCONFIRMED, "hydra.launcher.n_jobs=1", "checkpoint.every_seconds=0")
    driver = start(*command, cwd=tmp_path)
    wait_until(lambda: evaluations(tmp_path) > 15 or driver.poll() is not None)
    family = descendants(driver.pid)
    driver.kill()
    driver.wait()
    wait_until(lambda: not alive(family))
    ended = run_here(*command, cwd=tmp_path)
    assert ended.code == 0, ended.said
    again, undisturbed = (
        [row for row in table(place) if row["counted"] == "True"] for place in (tmp_path, over)
    )
    assert [row["state"] for row in again] == ["complete"] * 2
    keys = [key for key in undisturbed[0] if key.startswith(("params.", "final_return"))]
    assert [[row[key] for key in keys] for row in again] == [
        [row[key] for key in keys] for row in undisturbed
    ]
    assert len(table(tmp_path)) == 3  # one was claimed twice
    other = run_here(*command, "objective.over=[acrobot,cartpole]", cwd=tmp_path)
    assert other.code == 2
    assert "objective.over=acrobot,cartpole (was cartpole,acrobot)" in other.err


def test_a_study_ends_once_its_confirmation_has(undisturbed: Path) -> None:
    """Another terminal, whose proposals are all done, while the first one confirms."""
    place = undisturbed / "study"

    def confirm_for_a_while() -> None:
        with directory_lock(place):
            ready.set()
            said = undisturbed.with_suffix(".out")
            wait_until(lambda: "Waiting for another" in said.read_text())
            assert not json.loads((place / "sweep.json").read_text())["complete"]
            assert "Best: " not in said.read_text()

    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    undisturbed.with_suffix(".out").touch()
    other = fork.Process(target=confirm_for_a_while)
    other.start()
    ready.wait()
    here(*SEARCH, *SEEDS, "hydra.sweeper.n_trials=5", "confirm.top=1", "confirm.seeds=53,54", cwd=undisturbed)
    other.join()
    assert other.exitcode == 0
    recorded = json.loads((place / "sweep.json").read_text())
    assert recorded["complete"]
    trained = len(list(place.rglob("trial.json")))
    assert recorded["study"]["most_trials"] == trained


def test_a_killed_worker_costs_only_its_own_proposal(tmp_path: Path) -> None:
    """It is run again once, in the same directory; the other one is not touched."""
    fragile = (
        "imports=[tests.launch.fragile]",
        "env=gymnasium",
        "env.id=probe/Fragile-v0",
        "+env.kwargs.trouble=kill_once",
        "convergence.threshold=475",
    )
    ended = here(
        *SEARCH,
        "seed=1",
        "hydra.launcher.n_jobs=2",
        "hydra.sweeper.n_trials=3",
        UNCONFIRMED,
        *fragile,
        cwd=tmp_path,
    )
    assert "its process died; trying again" in ended.out
    rows = table(tmp_path)
    assert Counter(row["state"] for row in rows) == {"complete": 3, "fail": 1}
    (again,) = [row for row in rows if row["retry_of"]]
    (dead,) = [row for row in rows if row["state"] == "fail"]
    assert again["directory"] == dead["directory"]
    assert again["params.lr"] == dead["params.lr"]


def test_failures_are_shown_at_once_and_stop_the_study(tmp_path: Path) -> None:
    (tmp_path / "healed").unlink(missing_ok=True)
    fragile = (
        "imports=[tests.launch.fragile]",
        "env=gymnasium",
        "env.id=probe/Fragile-v0",
        "+env.kwargs.trouble=error",
        "convergence.threshold=475",
    )
    command = (
        *STUDY,
        *PLACE,
        *SEARCH,
        "seed=1",
        "hydra.sweeper.n_trials=3",
        UNCONFIRMED,
        *fragile,
    )
    ended = run_here(*command, "hydra.launcher.n_jobs=1", cwd=tmp_path)
    assert ended.code == 1
    assert "proposal 0: failed: seed=1: RuntimeError: the pole broke (log: " in ended.out
    assert "Stopped: 1 of 3 proposals failed, and hydra.sweeper.max_failure_rate=0." in ended.out
    assert len(table(tmp_path)) == 1
    tolerant = run_here(*command, *HERE, "hydra.sweeper.max_failure_rate=1", cwd=tmp_path)
    assert tolerant.code == 1
    assert [row["counted"] for row in table(tmp_path)].count("True") == 3
    (tmp_path / "healed").touch()
    healed = run_here(*command, *HERE, cwd=tmp_path)
    assert healed.code == 0, healed.said
    assert [row["state"] for row in table(tmp_path) if row["counted"] == "True"] == ["complete"] * 3


def test_diverging_proposals_are_never_the_best(tmp_path: Path) -> None:
    """Of two learning rates one sends every network out of the finite range."""
    grid = ("seed=1", "hydra/sweeper/sampler=grid", "objective=final_return", *HERE)
    ended = here("lr=1e-3,1e6", *grid, "confirm.seeds=5,6", cwd=tmp_path)
    assert "best so far: lr=0.001" in ended.out
    scores = {row["params.lr"]: float(row["final_return"]) for row in table(tmp_path)}
    assert scores["1000000.0"] == -float("inf")
    assert DEFAULTS["lr"] == 1e-3  # the winner is the default: it is run once, and not compared with itself
    content = json.loads((tmp_path / "study" / "confirm" / "confirmation.json").read_text())
    (only,) = content["configurations"]
    assert (only["name"], only["number"], only["difference"]) == ("default", 0, {})
    assert only["search"] == {"final_return": scores["0.001"]}
    assert "Proposal 0 is the default configuration itself" in ended.out
    only = tmp_path / "only"
    only.mkdir()
    ended = here("lr=1e6,1e7", *grid, cwd=only)
    assert "No proposal has a finite score" in ended.out
    found = yaml.safe_load((only / "study" / "optimization_results.yaml").read_text())
    assert found == {"name": "optuna", "solutions": []}


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid", "qmc", "cmaes", "gp", "nsgaii"])
def test_every_sampler_proposes(sampler: str, tmp_path: Path) -> None:
    space = (*SEARCH, "gamma=interval(0.9,0.99)")
    if sampler == "grid":
        space = ("lr=1e-3,1e-2", "batch=range(16,20,2)")
    few = {"tpe": "n_startup_trials=2", "gp": "n_startup_trials=2", "nsgaii": "population_size=2"}
    more = [f"hydra.sweeper.sampler.{few[sampler]}"] if sampler in few else []
    chosen = (f"hydra/sweeper/sampler={sampler}", "hydra.sweeper.n_trials=4", "budget.env_steps=100")
    here(*space, *more, *chosen, "seed=1", *HERE, UNCONFIRMED, cwd=tmp_path)
    points = {(row["params.lr"], row["params.batch"]) for row in table(tmp_path)}
    assert [row["state"] for row in table(tmp_path)] == ["complete"] * 4
    assert len(points) == 4 or sampler == "nsgaii"  # which breeds from two parents here
    drawn = [row["drawn"] for row in table(tmp_path)]
    n_random = {"random": 4, "tpe": 2, "gp": 2, "nsgaii": 2, "cmaes": 1}.get(sampler, 0)
    assert drawn[:n_random] == ["random"] * n_random
    names = {"grid": "grid", "qmc": "qmc", "tpe": "TPESampler", "gp": "GPSampler", "nsgaii": "NSGAIISampler"}
    assert set(drawn[n_random:]) <= {names.get(sampler, "CmaEsSampler")}


def test_pruning_works_across_processes(tmp_path: Path) -> None:
    """What one terminal has reported lets the other one give up, and it says where."""
    pruner = ("hydra/sweeper/pruner=asha", "hydra.sweeper.pruner.min_resource=100")
    more = (
        "hydra.sweeper.pruner.reduction_factor=2",
        "hydra/sweeper/sampler=grid",
        "hydra.launcher.n_jobs=1",
    )
    command = (*STUDY, *PLACE, "lr=range(1,9)", "seed=1,2", *pruner, *more, UNCONFIRMED)
    ends = in_two_terminals(command, tmp_path)
    assert [ended.code for ended in ends] == [0, 0], ends[0].said + ends[1].said
    pruned = [row for row in table(tmp_path) if row["state"] == "pruned"]
    assert pruned
    runs = load_runs(tmp_path / "study").set_index("run")
    for row in pruned:
        seeds = runs[runs.index.str.startswith(f"trials/{row['directory']}/")]
        assert set(seeds["status"]) <= {"pruned", "diverged"}
        assert max(seeds["env_steps"]) == int(row["pruned_at"])
    processes = {trial.user_attrs["process"] for trial in proposals(study_in(tmp_path).get_trials())}
    assert len(processes) == 2


def in_two_terminals(command: tuple[str, ...], place: Path) -> list[Ended]:
    """The same command at the same time in two places, with one directory for both."""
    terminals = {}
    for name in ("one", "two"):
        (place / name).mkdir()
        terminals[name] = start(*command, f"hydra.sweep.dir={place}/study", cwd=place / name)
    return [finish(process, place / name) for name, process in terminals.items()]


def test_several_objectives_give_a_pareto_front(tmp_path: Path) -> None:
    here(
        *SEARCH,
        "seed=1",
        "objective=[aulc,steps_to_convergence]",
        "convergence.threshold=12",
        "report=true",
        "hydra.sweeper.n_trials=4",
        "confirm.seeds=5,6",
        *HERE,
        "confirm.top=1",
        cwd=tmp_path,
    )
    found = yaml.safe_load((tmp_path / "study" / "optimization_results.yaml").read_text())
    study = study_in(tmp_path)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert {s["number"]: s["values"] for s in found["solutions"]} == {
        t.number: t.values for t in study.best_trials
    }
    assert "Objectives against each other" in (tmp_path / "study" / "report" / "index.html").read_text()


def test_a_space_with_one_point(tmp_path: Path) -> None:
    """The same proposal again has the same score: it is not trained again."""
    here(
        "lr=choice(0.001)",
        "seed=1",
        "hydra.sweeper.n_trials=3",
        *HERE,
        UNCONFIRMED,
        cwd=tmp_path,
    )
    assert [row["state"] for row in table(tmp_path)] == ["complete"] * 3
    assert len({row["aulc"] for row in table(tmp_path)}) == 1
    assert len(list((tmp_path / "study" / "trials").iterdir())) == 1


def test_points_to_start_with_and_queued_ones(tmp_path: Path) -> None:
    """Typed values as Python has them, where the choices are texts; each point is tried once."""
    space = ("network.hidden=[16],[8,8]", "agent.max_grad_norm=null,10", "agent.double=false,true", "seed=1")
    start = "hydra.sweeper.start=[{network.hidden: [8,8], agent.max_grad_norm: null, agent.double: true}]"
    few = ("budget.env_steps=100", UNCONFIRMED, *HERE)
    here(*space, start, "hydra.sweeper.n_trials=1", *few, cwd=tmp_path)
    queued = {"network.hidden": [16], "agent.max_grad_norm": None, "agent.double": False}
    study_in(tmp_path).enqueue_trial(queued)
    here(*space, start, "hydra.sweeper.n_trials=2", *few, cwd=tmp_path)
    found = [tuple(trial.params.values()) for trial in study_in(tmp_path).get_trials()]
    assert found == [("[8,8]", None, True), ("[16]", None, False)]
    assert [row["drawn"] for row in table(tmp_path)] == ["queued", "queued"]
    runs = load_runs(tmp_path / "study").set_index("run")
    assert runs.loc["trials/0000/seed=1", "network.hidden"] == "8-8"
    assert not runs.loc["trials/0001/seed=1", "agent.double"]


def test_other_launchers_run_batches(tmp_path: Path) -> None:
    ended = run(
        *STUDY,
        *PLACE,
        *SEARCH,
        "seed=1,2",
        "hydra/launcher=basic",
        "hydra.sweeper.n_jobs=2",
        "confirm.top=1",
        "hydra.sweeper.n_trials=3",
        "confirm.seeds=5,6",
        cwd=tmp_path,
    )
    assert ended.code == 0, ended.said
    assert [row["state"] for row in table(tmp_path)] == ["complete"] * 3
    assert len(load_runs(tmp_path / "study")) == 3 * 2 + 2 * 2
    assert not (tmp_path / "outputs").exists()


def test_ctrl_c_and_continue(tmp_path: Path) -> None:
    command = (*STUDY, *PLACE, *SEARCH, *SEEDS, "hydra.sweeper.n_trials=2", UNCONFIRMED)
    driver = start(*command, "budget.env_steps=10M", "evaluation.every_steps=1k", cwd=tmp_path)
    wait_until(lambda: len(list(tmp_path.glob("study/trials/*/*/episodes.csv"))) >= 2)
    family = descendants(driver.pid)
    driver.send_signal(signal.SIGINT)
    ended = finish(driver, tmp_path)
    assert ended.code == 128 + signal.SIGINT
    assert "Interrupted. The same command continues." in ended.err
    wait_until(lambda: not alive(family))
    assert set(load_runs(tmp_path / "study")["status"]) == {"interrupted"}


LR = "lr=tag(log,interval(1e-4,1e-2))"
BAD = {
    "hydra.sweeper.direction=maximise": "Did you mean 'maximize'?",
    "hydra.sweeper.direction=minimize": "objective=aulc needs maximize",
    "hydra.sweeper.n_trials=0": "hydra.sweeper.n_trials=0: must be greater than or equal to 1",
    "hydra.sweeper.n_trials=some": "hydra.sweeper.n_trials='some'",
    "hydra.sweeper.max_failure_rate=2": "hydra.sweeper.max_failure_rate=2",
    f"hydra.sweeper.study_name='{'é' * 101}'": "must have at most 200 bytes, and has 202",
    "hydra.sweeper.study_name=a/b": "must be usable as the name of a directory",
    "hydra.sweeper.storage=sqlite://": "exists in memory only",
    "hydra.sweeper.custom_search_space=nowhere.f": "hydra.sweeper.custom_search_space=nowhere.f",
    "hydra/sweeper/sampler=bayes": "Did you mean 'cmaes'?",
    "hydra/sweeper/sampler=grid": "lr: the grid sampler cannot enumerate an interval",
    "+hydra.sweeper.sampler.colour=red": "colour=red",
    "hydra.sweeper.sampler._target_=os.system": "hydra.sweeper.sampler._target_=os.system",
    "hydra.sweeper.sampler.seed=x": "hydra.sweeper.sampler.seed=x",
    "objective=auc": "Did you mean 'aulc'?",
    "objective.aggregate=median": "objective.aggregate: 'median' is unknown",
    "confirm.seeds=range(3,8)": "confirm.seeds: 3, 4 are also in seed",
    "confirm.top=-1": "confirm.top=-1",
    "evaluation.every_steps=null": "objective=aulc needs evaluations",
    "lr=interval(-1,1)": "lr=-1.0: must be greater than 0",
    "buffer=interval(10,100k)": "batch=32 is larger than buffer=10",
    "lr=0.1": "the search space is empty",
    "hydra.sweeper.start=[{lr: 5}]": "hydra.sweeper.start: lr=5.0: allowed: 0.0001 to 0.01",
    "hydra.sweeper.start=[{lt: 1e-3}]": "hydra.sweeper.start: the search space: 'lt' is unknown",
    "hydra.sweep.dir=out/${lr}": "hydra.sweep.dir=out/${lr}: out/0.001 for the sweep",
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_writes_nothing(bad: str, tmp_path: Path) -> None:
    ended = run_here("-m", "hydra/sweeper=optuna", *TINY, LR, bad, cwd=tmp_path)
    assert ended.code == 2, ended.said
    assert BAD[bad] in ended.err
    assert "Traceback" not in ended.said
    assert list(tmp_path.iterdir()) == []


def test_a_pruner_that_could_never_prune_is_refused(tmp_path: Path) -> None:
    unseen = ("hydra/sweeper/pruner=median", "objective=final_return", "evaluation.every_steps=null")
    ended = run_here("-m", "hydra/sweeper=optuna", *TINY, LR, *unseen, cwd=tmp_path)
    assert ended.code == 2, ended.said
    assert "hydra/sweeper/pruner needs evaluations during training" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    """A `cmaes` that cannot be found, as on a machine where it is not installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n_find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'cmaes' else _find(name, *rest)\n"
    )
    hidden = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    ended = run(
        "-m",
        "hydra/sweeper=optuna",
        *TINY,
        LR,
        "hydra/sweeper/sampler=cmaes",
        cwd=tmp_path,
        environment=hidden,
    )
    assert ended.code == 2
    assert "CmaEsSampler needs the package cmaes, which is not installed" in ended.err
    assert not (tmp_path / "outputs").exists()


def test_a_study_with_choices_stored_as_text_goes_on(tmp_path: Path) -> None:
    """As earlier versions stored them."""
    command = ("agent.max_grad_norm=null,10", "hydra/sweeper/sampler=random", "seed=1", *HERE, UNCONFIRMED)
    here(*command, "hydra.sweeper.n_trials=1", cwd=tmp_path)
    journal = tmp_path / "study" / "journal.log"
    typed, as_text = (json.dumps(json.dumps(choices))[1:-1] for choices in ([None, 10], ["null", "10"]))
    assert typed in journal.read_text()
    journal.write_text(journal.read_text().replace(typed, as_text))
    open_storage.cache_clear()
    here(*command, "hydra.sweeper.n_trials=3", cwd=tmp_path)
    assert {trial.params["agent.max_grad_norm"] for trial in study_in(tmp_path).trials} <= {"null", "10"}
    assert [row["state"] for row in table(tmp_path)] == ["complete"] * 3


def test_another_question_in_the_same_place_is_refused(undisturbed: Path) -> None:
    before = tree(undisturbed)
    for changed, named in (
        (
            "lr=interval(0.1,0.2)",
            "a different sweep or study: lr=interval(0.1,0.2) (was tag(log,interval(0.0001,0.01)));",
        ),
        ("batch=16,48", "a different sweep or study: batch=16,48 (was 16,32);"),
        ("gamma=0.5", f"a different sweep or study: gamma=0.5 (was {DEFAULTS['gamma']});"),
    ):
        ended = run_here(*STUDY, *PLACE, *SEARCH, *SEEDS, changed, cwd=undisturbed)
        assert ended.code == 2
        assert named in ended.err
    elsewhere = ("hydra.sweep.dir=other", f"hydra.sweeper.storage={undisturbed}/study/journal.log")
    ended = run_here(*STUDY, *PLACE, *SEARCH, "seed=1,2,3", *elsewhere, cwd=undisturbed)
    assert ended.code == 2
    assert "has a study of this name with another seed: seed=1,2,3 (was 1,2);" in ended.err
    assert tree(undisturbed) == before


def test_the_default_name_is_found_again(tmp_path: Path) -> None:
    for count in ("1", "2"):
        ended = run_here(
            *STUDY, *SEARCH, "seed=1", f"hydra.sweeper.n_trials={count}", *HERE, UNCONFIRMED, cwd=tmp_path
        )
        assert ended.code == 0, ended.said
    run_here(*STUDY, *SEARCH, "seed=2", *HERE, "hydra.sweeper.n_trials=1", UNCONFIRMED, cwd=tmp_path)
    names = sorted(path.name for path in (tmp_path / "outputs" / "studies").iterdir())
    assert len(names) == 2
    assert all(name.startswith("study-") for name in names)


def test_another_storage_has_another_directory(tmp_path: Path) -> None:
    """Proposal 0 of another sampler would find the trials of this one in its place."""
    for storage, sampler in (("null", "random"), ("sqlite:///study.db", "qmc")):
        options = ("hydra.sweeper.n_trials=1", f"hydra/sweeper/sampler={sampler}", *HERE, UNCONFIRMED)
        ended = run_here(
            *STUDY, *SEARCH, "seed=1", *options, f"hydra.sweeper.storage={storage}", cwd=tmp_path
        )
        assert ended.code == 0, ended.said
    assert len(list((tmp_path / "outputs" / "studies").iterdir())) == 2


def test_a_search_space_of_ones_own(tmp_path: Path) -> None:
    """The official option: a function that suggests further parameters, here one that depends on another."""
    (tmp_path / "my_space.py").write_text(
        "def space(cfg, trial):\n"
        "    if trial.params['batch'] == 16:\n"
        "        trial.suggest_float('gamma', 0.5, 0.6)\n"
    )
    here(
        "batch=16,32",
        "hydra/sweeper/sampler=random",
        "hydra.sweeper.custom_search_space=my_space.space",
        "seed=1",
        "hydra.sweeper.n_trials=4",
        *HERE,
        UNCONFIRMED,
        cwd=tmp_path,
    )
    for row in table(tmp_path):
        assert bool(row["params.gamma"]) == (row["params.batch"] == "16")
