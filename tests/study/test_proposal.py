"""One proposal: its seeds train exactly as they would alone, and stop together when it is pruned."""

from __future__ import annotations

import json
import math
from pathlib import Path

import optuna
import pytest

from dqn_exp.borrowed import trial_id
from dqn_exp.config.schema import Config
from dqn_exp.runs.record import record_trial, run_trial
from dqn_exp.study.objective import MEASURES, Aggregate, Objective
from dqn_exp.study.proposal import Proposal, SeedFailed, run_proposal
from dqn_exp.study.space import Repetition
from dqn_exp.study.storage import open_storage
from tests.helpers import make_config
from tests.program import records

NONE = {"_target_": "optuna.pruners.NopPruner"}
TINY = {
    "budget__env_steps": 600,
    "batch": 32,
    "network__hidden": [16],
    "evaluation__every_steps": 100,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "learner": "torch",
}


def seeds(*numbers: int, **settings: object) -> tuple[Config, ...]:
    return tuple(make_config(**{**TINY, **settings, "seed": number}) for number in numbers)


class Bench:
    """A study on disk and proposals in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.location = folder, str(folder / "journal.log")
        self.study = optuna.create_study(
            study_name="s", storage=open_storage(self.location), direction="maximize"
        )

    def proposal(
        self,
        configs: tuple[Config, ...],
        pruner: dict[str, object] | None = None,
        objective: str = "aulc",
        environments: tuple[str, ...] = (),
    ) -> Proposal:
        """Of trials in these environments, or in one."""
        trial = self.study.ask()
        environments = environments or ("",) * len(configs)
        return Proposal(
            trial.number,
            self.folder / f"{trial.number:04d}",
            tuple(
                Repetition(config.seed, environment)
                for config, environment in zip(configs, environments, strict=True)
            ),
            (),
            configs,
            (Objective(MEASURES[objective], Aggregate.mean, any(environments)),),
            self.location,
            "s",
            trial_id(trial),
            pruner or NONE,
            {},
        )

    def earlier(self, values: dict[int, float], value: float) -> None:
        self.study.add_trial(optuna.create_trial(intermediate_values=values, value=value))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def statuses(proposal: Proposal) -> list[str]:
    return [json.loads((d / "result.json").read_text())["status"] for d in proposal.directories]


def test_seeds_in_lockstep_are_bit_identical_to_seeds_alone(bench: Bench) -> None:
    configs = seeds(3, 4)
    proposal = bench.proposal(configs)
    verdict = run_proposal(proposal)
    for config, directory in zip(configs, proposal.directories, strict=True):
        run_trial(config, bench.folder / "alone" / str(config.seed), {})
        assert records(directory) == records(bench.folder / "alone" / str(config.seed))
    assert verdict.statuses == ["exhausted", "exhausted"]
    assert verdict.values == pytest.approx([sum(verdict.scores["aulc"]) / 2])
    reported = bench.study.get_trials()[0].intermediate_values
    assert list(reported) == [100, 200, 300, 400, 500, 600]
    assert reported[600] == pytest.approx(verdict.values[0])


def test_a_proposal_goes_on_where_its_records_end(bench: Bench) -> None:
    """One seed is finished and one was cut short when another trial of the study takes them over."""
    configs = seeds(3, 4, checkpoint__every_seconds=0)
    whole = run_proposal(bench.proposal(configs))
    again = bench.proposal(configs)
    run_trial(configs[0], again.directories[0], {})
    events = record_trial(configs[1], again.directories[1], {})
    for _ in range(20):
        next(events)
    events.close()  # type: ignore[attr-defined]
    assert statuses(again) == ["exhausted", "interrupted"]
    assert run_proposal(again) == whole
    first, second = bench.study.get_trials()
    assert second.intermediate_values == first.intermediate_values


def test_a_pruned_proposal_stops_all_seeds_at_one_moment(bench: Bench) -> None:
    bench.earlier(dict.fromkeys(range(100, 700, 100), 1e6), 1e6)
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 1, "n_warmup_steps": 300}
    proposal = bench.proposal(seeds(3, 4), pruner)
    verdict = run_proposal(proposal)
    assert (verdict.values, verdict.statuses, verdict.pruned_at) == (None, ["pruned", "pruned"], 300)
    cause = json.loads((proposal.directories[0] / "result.json").read_text())["cause"]
    assert cause.startswith("pruned at env step 300: ")
    assert cause.endswith("over 2 seeds")


def test_pruning_looks_at_the_mean_of_the_seeds(bench: Bench) -> None:
    """What was reached before by both seeds together is not worse than itself."""
    configs = seeds(3, 4)
    run_proposal(bench.proposal(configs))
    first = bench.study.get_trials()[0]
    bench.study.tell(0, 1.0)
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 1}
    assert run_proposal(bench.proposal(configs, pruner)).values is not None
    assert first.intermediate_values == bench.study.get_trials()[1].intermediate_values


@pytest.mark.parametrize(
    ("pruner", "options"),
    [
        ("MedianPruner", {"n_startup_trials": 2}),
        ("SuccessiveHalvingPruner", {"min_resource": 100, "reduction_factor": 2}),
        ("HyperbandPruner", {"min_resource": 100, "max_resource": "auto", "reduction_factor": 2}),
        ("PatientPruner", {"wrapped_pruner": None, "patience": 1}),
    ],
)
def test_every_pruner_gives_up_some(pruner: str, options: dict[str, object], bench: Bench) -> None:
    """Learning rates from none to far too much, over two seeds each."""
    chosen = {"_target_": f"optuna.pruners.{pruner}", **options}
    kept = []
    for lr in (1e-3, 1e-8, 1e-2, 3.0, 1e-6, 10.0):
        proposal = bench.proposal(seeds(0, 1, lr=lr), chosen)
        verdict = run_proposal(proposal)
        kept.append(verdict.values is not None)
        if verdict.values is None:
            bench.study.tell(proposal.number, state=optuna.trial.TrialState.PRUNED)
            assert 100 <= (verdict.pruned_at or 0) < 600
        else:
            bench.study.tell(proposal.number, verdict.values)
    assert not all(kept)
    assert any(kept)


SHORTER = {"env": "acrobot", "budget__env_steps": 300, "evaluation__every_steps": 60}
"""Half as long, and evaluated five times."""


def test_environments_in_lockstep_are_at_the_same_share_of_their_budgets(bench: Bench) -> None:
    """Both are what they are alone; what they have reached together is told every 120 of 600 steps."""
    configs = seeds(3) + seeds(3, **SHORTER)
    proposal = bench.proposal(configs, environments=("cartpole", "acrobot"))
    verdict = run_proposal(proposal)
    assert [directory.name for directory in proposal.directories] == [
        "env=cartpole,seed=3",
        "env=acrobot,seed=3",
    ]
    for config, directory in zip(configs, proposal.directories, strict=True):
        run_trial(config, bench.folder / "alone" / config.env.id, {})
        assert records(directory) == records(bench.folder / "alone" / config.env.id)
    assert list(verdict.scores) == ["aulc.cartpole", "aulc.acrobot"]
    assert verdict.by_environment == {"aulc": {name[5:]: of[0] for name, of in verdict.scores.items()}}
    assert verdict.values == pytest.approx([sum(of[0] for of in verdict.scores.values()) / 2])
    reported = bench.study.get_trials()[0].intermediate_values
    assert list(reported) == [120, 240, 360, 480, 600]
    assert reported[600] == pytest.approx(verdict.values[0])


def test_all_environments_are_given_up_at_the_same_share(bench: Bench) -> None:
    bench.earlier(dict.fromkeys(range(120, 720, 120), 1e6), 1e6)
    pruner = {"_target_": "optuna.pruners.MedianPruner", "n_startup_trials": 1, "n_warmup_steps": 240}
    configs = seeds(3) + seeds(3, **SHORTER)
    proposal = bench.proposal(configs, pruner, environments=("cartpole", "acrobot"))
    verdict = run_proposal(proposal)
    assert (verdict.values, verdict.statuses) == (None, ["pruned", "pruned"])
    steps = [json.loads((d / "result.json").read_text())["env_steps"] for d in proposal.directories]
    assert steps == [300, 120]  # the first evaluation of each from 240 of 600 steps on
    cause = json.loads((proposal.directories[1] / "result.json").read_text())["cause"]
    assert cause.startswith("pruned at env step 240: ")


def test_wilcoxon_gives_up_between_seeds(bench: Bench) -> None:
    pruner = {"_target_": "optuna.pruners.WilcoxonPruner", "p_threshold": 0.1, "n_startup_steps": 2}
    bench.earlier({0: 1e5, 1: 1.1e5, 2: 1.2e5, 3: 1.3e5, 4: 1.4e5}, 1e5)
    proposal = bench.proposal(seeds(0, 1, 2, 3, 4, budget__env_steps=200), pruner)
    verdict = run_proposal(proposal)
    assert verdict.values is None
    assert verdict.statuses == ["exhausted"] * 4 + ["running"]  # p = 1/16 after four seeds
    assert not proposal.directories[4].exists()


def test_divergence_is_an_outcome(bench: Bench) -> None:
    calm, wild = seeds(3), seeds(4, lr=1e6)
    verdict = run_proposal(bench.proposal(calm + wild))
    assert verdict.statuses == ["exhausted", "diverged"]
    assert verdict.values == [-math.inf]
    assert math.isfinite(verdict.scores["aulc"][0])


def test_divergence_is_reported_under_a_budget_of_episodes(bench: Bench) -> None:
    budget = {"budget__env_steps": None, "budget__episodes": 8}
    by_episodes = {**budget, "evaluation__every_steps": None, "evaluation__every_episodes": 1}
    run_proposal(bench.proposal(seeds(3, **by_episodes) + seeds(4, **by_episodes, lr=1e6)))
    reported = bench.study.get_trials()[0].intermediate_values
    assert list(reported) == list(range(1, 9))
    assert math.isfinite(reported[1])
    assert reported[8] == -math.inf


def test_one_seed_that_raises_interrupts_the_others(bench: Bench) -> None:
    import tests.launch.fragile  # noqa: F401

    fragile = {"env": "gymnasium", "env__id": "probe/Fragile-v0", "env__kwargs": {"trouble": "error"}}
    broken = seeds(4, **fragile, convergence__threshold=475)
    proposal = bench.proposal(seeds(3) + broken)
    with pytest.raises(SeedFailed, match="seed=4: RuntimeError: the pole broke"):
        run_proposal(proposal)
    assert statuses(proposal) == ["interrupted", "failed"]
    assert "the pole broke" in (proposal.directory / "trial.log").read_text()
