"""The systems of the four documents: their settings, that they run, and the features they need."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.paths import CONF, ROOT
from dqn_exp.config.schema import Config
from dqn_exp.plan.planner import plain_values
from dqn_exp.plan.preflight import resolve_config
from dqn_exp.registry import networks
from dqn_exp.runs.metrics import read_metrics
from dqn_exp.runs.record import Result, run_trial
from tests.helpers import dqn, make_config, make_values, run

EXPONENTIAL = {"start": 1.0, "end": 0.05, "decay": 200, "clock": "episodes"}
NOTEBOOK = {
    "env.id": "CartPole-v0", "network.name": "mlp", "network.hidden": [128], "agent.loss": "mse",
    "optimizer.name": "adam", "lr": 0.05, "buffer": 16384, "batch": 256, "replay.replacement": True,
    "gamma": 0.99, "exploration": EXPONENTIAL, "target.name": "episodes", "target.every": 5,
    "budget.episodes": 400, "budget.env_steps": None, "evaluation.every_episodes": 3,
    "evaluation.every_steps": None, "evaluation.episodes": 5, "evaluation.final_episodes": 20,
    "convergence.threshold": 199, "convergence.consecutive": 1, "convergence.stop": True,
    "env.max_episode_steps": 200,
}  # fmt: skip
DQN_ITSELF = {
    "train_every": 1, "agent.updates_per_train": 1, "agent.double": False, "agent.learning_starts": 0,
    "agent.max_grad_norm": None, "agent.max_grad_value": None, "replay.n_step": 1,
    "network.activation": "relu",
}  # fmt: skip
"""What all four documents do, whatever our defaults become."""
DOCUMENTS: dict[str, dict[str, Any]] = {
    "scratch_sgd": {
        "env.id": "CartPole-v1", "network.hidden": [24, 24], "budget.env_steps": 50_000,
        "network.init": "uniform", "network.init_scale": 0.5, "optimizer.name": "sgd",
        "optimizer.momentum": 0.0, "lr": 0.05, "agent.loss": "mse", "replay.name": "online",
        "replay.batch_size": 1, "gamma": 0.95, "target.name": "none",
        "exploration": {"start": 1.0, "end": 0.01, "factor": 0.995, "clock": "updates"},
    },
    "scratch_adam": {
        "env.id": "CartPole-v1", "network.hidden": [24, 24], "optimizer.name": "adam", "lr": 1e-3,
        "agent.loss": "mse", "replay.name": "uniform", "buffer": 1_000_000, "batch": 20, "gamma": 0.95,
        "target.name": "none",
        "exploration": {"start": 1.0, "end": 0.01, "factor": 0.995, "clock": "updates"},
    },
    "lunarlander_scratch": {
        "env.id": "LunarLander-v3", "env.max_episode_steps": 500, "network.hidden": [8, 32],
        "agent.loss": "huber", "optimizer.name": "adam", "lr": 1e-4, "optimizer.beta1": 0.9,
        "optimizer.beta2": 0.999, "optimizer.eps": 1e-8, "buffer": 10_000, "batch": 128,
        "agent.learning_starts": 10_000, "replay.replacement": False, "gamma": 0.999,
        "exploration": {"start": 1.0, "end": 0.1, "factor": 0.9925, "clock": "learning_episodes"},
        "target.name": "steps", "target.every": 1000, "budget.learning_episodes": 600,
        "budget.env_steps": None, "video.every_episodes": 20,
    },
    "batchnorm": {
        "env.id": "CartPole-v0", "env.max_episode_steps": "unlimited", "network.name": "mlp_batchnorm",
        "network.hidden": [256, 128], "agent.loss": "huber", "agent.max_grad_value": 1.0,
        "optimizer.name": "rmsprop", "lr": 0.01, "optimizer.alpha": 0.99, "optimizer.eps": 1e-8,
        "buffer": 10_000, "batch": 128, "replay.replacement": False, "gamma": 0.999,
        "exploration": {"start": 0.9, "end": 0.05, "decay": 200, "clock": "env_steps"},
        "target.name": "episodes", "target.every": 10, "budget.episodes": 3000,
        "checkpoint.keep_best": "episode",
    },
    "notebook": NOTEBOOK,
    "notebook_study": NOTEBOOK
    | {"lr": 0.1, "target.every": 32, "budget.episodes": 200, "evaluation.final_episodes": 5},
}  # fmt: skip
SWEEPS = {
    "scratch_rescue": 2 * 3 * 2 * 2, "lunarlander": 3 * 2 * 3, "batchnorm": 2 * 3, "noise": 4 * 3,
    "target_weight": 5, "buffer_size": 7, "update_every": 7, "batch_size": 7, "grid_update_batch": 16,
}  # fmt: skip
SHORT = {
    "budget__env_steps": 400, "agent__learning_starts": 50, "video__every_episodes": None,
    "evaluation__every_steps": None, "evaluation__final_episodes": 1,
}  # fmt: skip


def setting(config: Config, key: str) -> Any:
    value = reduce(getattr, key.split("."), config)
    return value.model_dump(exclude={"name"}) if hasattr(value, "model_dump") else value


def run_short(directory: Path, **settings: Any) -> Result:
    return run_trial(make_config(**{**SHORT, **settings}), directory, {})


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_experiment_has_the_settings_of_its_document(name: str) -> None:
    config = resolve_config(make_values(experiment=name))
    expected = DQN_ITSELF | DOCUMENTS[name]
    assert {key: setting(config, key) for key in expected} == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_experiment_runs_and_leaves_its_record(name: str, tmp_path: Path) -> None:
    result = run_short(tmp_path, experiment=name)
    assert result.status in ("exhausted", "diverged")
    assert result.updates > 0
    assert (tmp_path / "network.safetensors").exists()
    assert (tmp_path / "best.safetensors").exists() == (name == "batchnorm")


def test_every_experiment_is_in_the_table() -> None:
    assert {path.stem for path in (CONF / "experiment").glob("*.yaml")} >= set(DOCUMENTS)


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_asks_for_valid_trials_alone(name: str) -> None:
    params = yaml.safe_load((ROOT / "sweeps" / f"{name}.yaml").read_text())["hydra"]["sweeper"]["params"]
    assert params.pop("seed").startswith("range(")
    combinations = [[]]
    for key, values in params.items():
        combinations = [[*c, f"{key}={value}"] for c in combinations for value in _split(str(values))]
    assert len(combinations) == SWEEPS[name]
    hashes = set()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        for overrides in combinations:
            config = resolve_config(plain_values(compose("config", [f"sweeps={name}", *overrides])))
            hashes.add(config.hash())
    assert len(hashes) == SWEEPS[name]


def _split(values: str) -> list[str]:
    """The values of a sweep: commas inside brackets do not divide them."""
    if "[" in values:
        return [f"[{part}]" for part in values.strip("[]").split("],[")]
    return values.split(",")


def test_sgd_on_the_squared_error_halves_the_rate_of_half_the_squared_error() -> None:
    """The document's update by hand: w -= 0.1 * gradient of (Q - target)^2 / 2, for one transition."""
    config = make_config(experiment="scratch_sgd", budget__env_steps=1)
    before = [p.detach().clone() for p in _trial_network(config).parameters()]
    trial, _ = run(config)
    observation, action, reward, next_observation, discount = (c[0] for c in dqn(trial).replay.transitions)
    network = _trial_network(config)
    value = network(torch.from_numpy(observation[None]))[0, int(action)]
    with torch.no_grad():
        target = float(reward) + float(discount) * float(
            network(torch.from_numpy(next_observation[None])).max()
        )
    (0.5 * (value - target) ** 2).backward()
    for was, parameter, now in zip(
        before, network.parameters(), trial.agent.network.parameters(), strict=True
    ):
        assert torch.allclose(was - 0.1 * parameter.grad, now.cpu(), atol=1e-6)


def _trial_network(config: Config) -> torch.nn.Module:
    from dqn_exp.training.run import build_run

    return build_run(config).agent.network


def test_the_document_s_sgd_diverges_and_the_record_says_where(tmp_path: Path) -> None:
    result = run_short(tmp_path, experiment="scratch_sgd", budget__env_steps=50_000)
    assert result.status == "diverged"
    assert result.cause is not None
    assert "at update" in result.cause
    assert result.env_steps < 50_000


def test_the_budget_of_learning_episodes_starts_with_learning(tmp_path: Path) -> None:
    settings = {"agent__learning_starts": 300, "budget__env_steps": None, "budget__learning_episodes": 4}
    result = run_short(tmp_path, **settings)
    columns, rows = read_metrics(tmp_path / "episodes.csv")
    updates = [int(row[columns.index("update")]) for row in rows]
    assert sum(count > 0 for count in updates) == 4
    assert updates[-5] == 0
    assert result.episodes == len(rows)


def test_epsilon_stays_until_learning_begins_and_then_falls_per_episode(tmp_path: Path) -> None:
    settings = {"exploration__clock": "learning_episodes", "exploration__factor": 0.5}
    run_short(tmp_path, exploration="multiplicative", agent__learning_starts=200, **settings)
    columns, rows = read_metrics(tmp_path / "episodes.csv")
    epsilon = [float(row[columns.index("epsilon")]) for row in rows]
    learned = [int(row[columns.index("update")]) > 0 for row in rows]
    first = learned.index(True)
    assert epsilon[: first + 1] == [1.0] * (first + 1)
    assert epsilon[first + 1 : first + 4] == [0.5, 0.25, 0.125]


def test_greedy_episodes_have_a_limit_of_their_own(tmp_path: Path) -> None:
    """Without it the evaluation of an agent that balances for ever would not end."""
    limits = {"env__max_episode_steps": "unlimited", "evaluation__max_episode_steps": 7}
    result = run_short(tmp_path, **limits)
    assert result.final_return == 7.0


def test_noise_and_aims_are_measured_in_every_record(tmp_path: Path) -> None:
    for name, measures in (
        ("cartpole_noisy", ["steps_balanced", "rms_angle", "rms_angular_velocity"]),
        ("cartpole_target", ["steps_balanced", "rms_angle", "rms_angular_velocity", "distance_to_target"]),
    ):
        result = run_short(tmp_path / name, env=name, evaluation__every_episodes=5)
        assert list(result.measures) == measures
        for kind in ("episodes", "evaluations"):
            columns, rows = read_metrics(tmp_path / name / f"{kind}.csv")
            assert columns[-len(measures) :] == measures
            assert all(float(value) > 0 for value in rows[-1][-len(measures) :])


def test_training_can_start_from_the_network_of_another_trial(tmp_path: Path) -> None:
    run_short(tmp_path / "first", env="cartpole")
    warm = {"env": "cartpole_noisy", "init_from": str(tmp_path / "first"), "agent__learning_starts": 400}
    run_short(tmp_path / "second", **warm, budget__env_steps=300)  # ends before its first update
    first, second = ((tmp_path / name / "network.safetensors").read_bytes() for name in ("first", "second"))
    assert first == second


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"network__hidden": [64, 64]}, r"mlp \[128\].*this trial's is mlp \[64, 64\]"),
        ({"network": "mlp_batchnorm"}, "this trial's is mlp_batchnorm"),
        ({"env": "lunarlander"}, "4 numbers and 2 actions.*8 numbers and 4 actions"),
        (
            {"network/head": "c51"},
            r"relu network.head=values for .* relu network.head=c51 \(atoms=51, v_min=0, v_max=100\) for",
        ),
        (
            {"network__dueling": True, "network__noisy": True},
            "relu network.dueling=false network.noisy=false for .*"
            "relu network.dueling=true network.noisy=true for",
        ),
        ({"network__layer_norm": True}, "network.layer_norm=false for .*network.layer_norm=true for"),
    ],
)
def test_another_network_is_refused_before_training(other: Any, words: str, tmp_path: Path) -> None:
    run_short(tmp_path, env="cartpole")
    with pytest.raises(ConfigError, match=f"init_from=.*{words}.*allowed: a trial with an equal network"):
        make_config(init_from=str(tmp_path), **other)


def test_options_of_a_network_of_one_s_own_matter_by_the_weights_they_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(torch.nn.Linear):
        def __init__(self, observations: Any, actions: Any, config: Any) -> None:
            super().__init__(observations.shape[0], int(actions.n), bias=config.options["bias"])

    monkeypatch.setitem(networks._registered, "test_own", Own)
    own: dict[str, Any] = {"network__name": "test_own", "learner": "torch"}
    first = {"bias": True, "scale": 1.0}
    run_short(tmp_path, **own, network__options=first)
    make_config(**own, init_from=str(tmp_path), network__options=first | {"scale": 2.0})
    with pytest.raises(ConfigError) as refused:
        make_config(**own, init_from=str(tmp_path), network__options=first | {"bias": False})
    told = str(refused.value)
    assert told.startswith(f"init_from={tmp_path}: its network has network.options={first}, this trial's ")
    assert "{'bias': False, 'scale': 1.0}; " in told
    assert told.endswith("contains a different network: bias [2], weight [2, 4]; this one is weight [2, 4]")


def test_nothing_is_no_network_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"it has no trial.json; allowed: the directory of a finished trial"
    ):
        make_config(init_from=str(tmp_path))


def test_refusing_a_network_neither_trains_nor_loads_torch(tmp_path: Path) -> None:
    run_short(tmp_path / "first", env="cartpole")
    code = (
        "import json, sys; from dqn_exp.config.parsing import parse_config\n"
        "from dqn_exp.plan.warm_start import check_init_from; config = parse_config(json.load(sys.stdin))\n"
        "try: check_init_from(config)\n"
        "except ValueError as error: print(error)\n"
        "assert 'torch' not in sys.modules"
    )
    values = make_values(init_from=str(tmp_path / "first"), network__hidden=[7])
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    assert "mlp [7]" in done.stdout


def test_a_batch_without_replacement_holds_no_transition_twice() -> None:
    trial, _ = run(make_config(replay__replacement=False, batch=90, budget__env_steps=100))
    for _ in range(20):
        assert len(np.unique(dqn(trial).replay.sample().indices)) == 90
