"""Every key of a trial's configuration changes what the trial leaves behind."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, get_args, get_origin

import pytest

from dqn_exp.config import NOT_OF_THE_TRIAL, schema
from dqn_exp.runs.files import NETWORK
from dqn_exp.runs.metrics import KINDS, metrics_path
from dqn_exp.runs.record import run_trial
from tests.envs.masks import ID
from tests.helpers import make_config

BRIEF: dict[str, Any] = {
    "batch": 16,
    "buffer": 200,
    "lr": 0.01,
    "network__hidden": [8],
    "target": "steps",
    "update_every": 20,
    "budget__env_steps": 300,
    "evaluation__every_steps": 100,
    "evaluation__episodes": 1,
    "evaluation__final_episodes": 1,
    "convergence__threshold": 5.0,
    "convergence__consecutive": 1,
    "convergence__stop": False,
    "metrics__loss_every": 1,
}
LINEAR = {"exploration": "linear", "exploration__clock": "env_steps", "exploration__duration": 200}
EXPONENTIAL = {"exploration": "exponential", "exploration__clock": "env_steps", "exploration__decay": 100}
FACTOR = {"exploration": "multiplicative", "exploration__clock": "env_steps", "exploration__factor": 0.99}
TORCH = {"learner": "torch"}
C51 = {"network__head": {"name": "c51"}}
QR = {"network__head": {"name": "qr", "quantiles": 20}}
MUNCHAUSEN = {"agent__munchausen": {"tau": 0.03, "alpha": 0.9, "clip": -1}}
ADAMW = {"optimizer": "adamw"}
COMBINED = {"replay": "combined"}
PRIORITISED = {"replay": "prioritised", "replay__beta_updates": 100}
MASKED = {"env": "gymnasium", "env__id": ID, "env__kwargs": {"strict": False}, "learner": "torch"}
STOPPED = {"convergence__stop": True}
CHANGES: list[tuple[type[schema.Section], dict[str, Any], dict[str, Any]]] = [
    (schema.Config, {}, {"train_every": 2, "gamma": 0.5, "seed": 1}),
    (schema.EnvConfig, {"learner": "torch"}, {"env__id": "Acrobot-v1", "env__max_episode_steps": 5}),
    (schema.EnvConfig, {**STOPPED, "convergence__threshold": None}, {"env__threshold": 1.0}),
    (schema.EnvConfig, {"env__max_episode_steps": 5}, {"env__truncation": "terminal"}),
    (schema.EnvConfig, {}, {"env__parallel": 2, "env__normalise": "running"}),
    (schema.EnvConfig, MASKED, {"env__action_masks": False}),
    (schema.AgentConfig, {"agent__loss": "mse"}, {"agent__double": True, "agent__loss": "huber"}),
    (schema.AgentConfig, {}, {"agent__max_abs_reward": 0.5}),
    (schema.AgentConfig, {}, {"agent__max_grad_norm": 0.01, "agent__max_grad_value": 0.001}),
    (schema.AgentConfig, {}, {"agent__learning_starts": 150, "agent__updates_per_train": 2}),
    (schema.NetworkConfig, {}, {"network__hidden": [9], "network__activation": "tanh"}),
    (schema.NetworkConfig, {"network__init": "uniform"}, {"network__init": "default"}),
    (schema.NetworkConfig, {"network__init": "uniform"}, {"network__init_scale": 0.1}),
    (schema.NetworkConfig, TORCH, {f"network__{key}": True for key in ("layer_norm", "dueling", "noisy")}),
    (schema.NetworkConfig, {**TORCH, "network__noisy": True}, {"network__noisy_sigma": 0.1}),
    (schema.ValuesConfig, {}, {}),
    (schema.C51Config, C51, {"network__head__atoms": 7}),
    (schema.C51Config, C51, {"network__head__v_min": -9, "network__head__v_max": 9}),
    (schema.QRConfig, QR, {"network__head__quantiles": 7, "network__head__kappa": 0.1}),
    (schema.MunchausenConfig, MUNCHAUSEN, {f"agent__munchausen__{k}": 0.2 for k in ("tau", "alpha")}),
    (schema.MunchausenConfig, MUNCHAUSEN, {"agent__munchausen__clip": -0.01}),
    (schema.UniformConfig, {}, {"buffer": 100, "batch": 15, "replay__n_step": 2}),
    (schema.UniformConfig, {}, {"replay__replacement": False}),
    (schema.CombinedConfig, COMBINED, {"buffer": 100, "batch": 15, "replay__n_step": 2}),
    (schema.CombinedConfig, COMBINED, {"replay__replacement": False}),
    (schema.PrioritisedConfig, PRIORITISED, {"buffer": 100, "batch": 15, "replay__n_step": 2}),
    (schema.PrioritisedConfig, PRIORITISED, {"replay__alpha": 0.1, "replay__priority_floor": 0.5}),
    (schema.PrioritisedConfig, PRIORITISED, {"replay__beta_start": 0.0, "replay__beta_end": 0.7}),
    (schema.PrioritisedConfig, PRIORITISED, {"replay__beta_updates": 10}),
    (schema.OnlineConfig, {"replay": "online"}, {"replay__n_step": 2}),
    (schema.AdamConfig, {}, {"lr": 0.02, "optimizer__beta1": 0.5, "optimizer__beta2": 0.9}),
    (schema.AdamConfig, {}, {"optimizer__eps": 0.1}),
    (schema.AdamWConfig, ADAMW, {"lr": 0.02, "optimizer__beta1": 0.5, "optimizer__beta2": 0.9}),
    (schema.AdamWConfig, ADAMW, {"optimizer__eps": 0.1, "optimizer__weight_decay": 0.5}),
    (schema.RMSpropConfig, {"optimizer": "rmsprop"}, {"lr": 0.02, "optimizer__alpha": 0.5}),
    (schema.RMSpropConfig, {"optimizer": "rmsprop"}, {"optimizer__eps": 0.1, "optimizer__momentum": 0.5}),
    (schema.SGDConfig, {"optimizer": "sgd"}, {"lr": 0.02, "optimizer__momentum": 0.5}),
    (
        schema.ExponentialConfig,
        EXPONENTIAL,
        {"exploration__start": 0.5, "exploration__end": 0.4, "exploration__decay": 10},
    ),
    (schema.ExponentialConfig, EXPONENTIAL, {"exploration__clock": "episodes"}),
    (schema.LinearConfig, LINEAR, {"exploration__start": 0.5, "exploration__end": 0.4}),
    (schema.LinearConfig, LINEAR, {"exploration__duration": 100, "exploration__clock": "episodes"}),
    (
        schema.MultiplicativeConfig,
        FACTOR,
        {"exploration__start": 0.5, "exploration__end": 0.4, "exploration__factor": 0.9},
    ),
    (schema.MultiplicativeConfig, FACTOR, {"exploration__clock": "episodes"}),
    (schema.ConstantConfig, {"exploration": "constant"}, {"exploration__epsilon": 0.5}),
    (schema.EpisodesTargetConfig, {"target": "episodes"}, {"update_every": 1}),
    (schema.StepsTargetConfig, {}, {"update_every": 10}),
    (schema.SoftTargetConfig, {"target": "soft"}, {"update_every": 10, "target__tau": 0.9}),
    (schema.BudgetConfig, {}, {"budget__episodes": 3, "budget__learning_episodes": 3}),
    (schema.BudgetConfig, {}, {"budget__env_steps": 200, "budget__seconds": 1e-9}),
    (schema.EvaluationConfig, {}, {"evaluation__every_episodes": 2, "evaluation__every_steps": 50}),
    (schema.EvaluationConfig, {}, {"evaluation__episodes": 2, "evaluation__final_episodes": 2}),
    (schema.EvaluationConfig, {}, {"evaluation__max_episode_steps": 5}),
    (schema.ConvergenceConfig, STOPPED, {"convergence__threshold": float("inf")}),
    (schema.ConvergenceConfig, STOPPED, {"convergence__consecutive": 2, "convergence__stop": False}),
    (schema.DivergenceConfig, {}, {"divergence__max_abs_q": 0.01}),
]
"""Of each section: settings besides BRIEF, and what is changed about them, one key at a time."""
PLACES = {
    "Config": {"imports", "learner", "device", "init_from"},
    "EnvConfig": {"kwargs", "wrappers", "game", "images"},
    "AgentConfig": {"options"},
    "NetworkConfig": {"options"},
    "ConvolutionConfig": {"channels", "kernel", "stride"},
    "OwnHeadConfig": {"options"},
    "EvaluationEnvConfig": {"kwargs"},
}
"""Where parts of one's own are named, images, and how a trial is computed: these have other tests."""

Remains = tuple[list[bytes], str, list[float]]


@cache
def remains(settings: str) -> Remains:
    """The files of a trial with these settings, and how it ended."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        result = run_trial(make_config(**json.loads(settings)), directory, {})
        files = [*(metrics_path(directory, kind) for kind in KINDS), directory / NETWORK]
        return [path.read_bytes() for path in files], result.status, result.final_returns


CASES = [(base, key, value) for _, base, changes in CHANGES for key, value in changes.items()]


@pytest.mark.parametrize(("base", "key", "value"), CASES)
def test_a_key_changes_the_trial(base: dict[str, Any], key: str, value: Any) -> None:
    settings = {**BRIEF, **base}
    assert remains(json.dumps(settings)) != remains(json.dumps({**settings, key: value}))


def test_no_key_is_left_out() -> None:
    short = {short: key.partition(".")[2] for key, short in schema.SHORT_NAMES.items()}
    changed: dict[str, set[str]] = {}
    for section, _, changes in CHANGES:
        keys = {short.get(key, key.rpartition("__")[2]) for key in changes}
        changed.setdefault(section.__name__, set()).update(keys)
    for section in sections():
        keys = {key for key, field in section.model_fields.items() if not is_section(field.annotation)}
        left = keys - {"name"} - PLACES.get(section.__name__, set()) - NOT_OF_THE_TRIAL
        assert changed.get(section.__name__, set()) == left, section.__name__


def sections() -> list[type[schema.Section]]:
    """All that decide what happens in a trial."""
    found = schema.Section.__subclasses__()
    return [s for s in found if s.__name__.removesuffix("Config").lower() not in NOT_OF_THE_TRIAL]


def is_section(annotation: Any) -> bool:
    kinds = [
        get_args(k)[0] if get_origin(k) is Annotated else k for k in get_args(annotation) or [annotation]
    ]
    return any(isinstance(kind, type) and issubclass(kind, schema.Section) for kind in kinds)
