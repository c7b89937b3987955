"""Hydra's syntax is converted into Optuna's distributions, and parameters back into overrides."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from dqn_exp.config.errors import ConfigError
from dqn_exp.config.sizes import plain_calls
from dqn_exp.study.distributions import suggest
from dqn_exp.study.space import Space, read_space
from dqn_exp.study.storage import open_storage

DEFAULTS = OmegaConf.create(
    {"buffer": "20k", "batch": 128, "lr": 1e-3, "gamma": 0.99, "network": {"hidden": [128]}}
)


def space(*lines: str) -> Space:
    return read_space(
        OverridesParser.create().parse_overrides([plain_calls(line) for line in lines]), DEFAULTS
    )


@pytest.mark.parametrize(
    "line",
    [
        "objective.over=cartpole,acrobot",
        "objective=aulc,final_return",
        "report=true,false",
        "track=tensorboard,mlflow",
    ],
)
def test_what_is_of_the_whole_study_is_not_searched(line: str) -> None:
    with pytest.raises(ConfigError, match="it applies to the whole study; allowed: one value, or a list"):
        space(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("lr=interval(1e-4,1e-2)", FloatDistribution(1e-4, 1e-2)),
        ("lr=tag(log, interval(1e-4,1e-2))", FloatDistribution(1e-4, 1e-2, log=True)),
        ("lr=int(interval(1,5))", IntDistribution(1, 5)),
        ("gamma=interval(0,1)", FloatDistribution(0, 1)),
        ("batch=interval(16,256)", IntDistribution(16, 256)),  # a key that counts
        ("buffer=interval(1k,100k)", IntDistribution(1000, 100_000)),
        ("buffer=tag(log,interval(1k,1M))", IntDistribution(1000, 1_000_000, log=True)),
        ("buffer=tag(log,int(interval(1Ki,16Ki)))", IntDistribution(1024, 16_384, log=True)),
        ("batch=range(16,64,16)", IntDistribution(16, 48, step=16)),  # Hydra leaves the stop out
        ("buffer=range(1k,4k,1k)", IntDistribution(1000, 3000, step=1000)),
        ("buffer=500,17k,100k", CategoricalDistribution((500, 17_000, 100_000))),
        ("gamma=0.9,0.99", CategoricalDistribution((0.9, 0.99))),
        ("batch=choice(32,64)", CategoricalDistribution((32, 64))),
        ("network=mlp,mlp_batchnorm", CategoricalDistribution(("mlp", "mlp_batchnorm"))),
        ("network.hidden=[64,64],[128]", CategoricalDistribution(("[64,64]", "[128]"))),
        ("agent.max_grad_norm=null,10", CategoricalDistribution((None, 10))),
        ("agent.max_grad_norm=NULL,1e1,17k", CategoricalDistribution((None, 10, 17_000))),
        ("agent.double=true,False", CategoricalDistribution((True, False))),
        ("+env.kwargs.a=auto,0.5,[64],'10'", CategoricalDistribution(("auto", 0.5, "[64]", "'10'"))),
        ("+env.kwargs.a=true,1", CategoricalDistribution(("True", "1"))),  # would be equal
    ],
)
def test_syntax(line: str, expected: optuna.distributions.BaseDistribution) -> None:
    (found,) = space(line).distributions.values()
    assert found == expected


def test_an_earlier_versions_texts_are_gone_on_with() -> None:
    found = space("agent.max_grad_norm=null,10", "agent.double=true,false", "buffer=500,17k")
    texts = {
        "agent.max_grad_norm": ("null", "10"),
        "agent.double": ("True", "False"),
        "buffer": (500, 17_000),
    }
    written = {key: CategoricalDistribution(choices) for key, choices in texts.items()}
    assert found.written == written
    earlier = optuna.create_trial(
        params={key: choices[0] for key, choices in texts.items()}, distributions=written, value=0.0
    )
    assert found.as_stored([earlier]).distributions == written
    now = optuna.create_trial(params=found.grid()[0], distributions=dict(found.distributions), value=0.0)
    assert found.as_stored([now]) == found.as_stored([]) == found


def test_types_are_kept_in_the_storage(location: str) -> None:
    """As Optuna's own tools see them, and back to the command line."""
    found = space("agent.max_grad_norm=null,10", "agent.double=true,false", "network.hidden=[64],[64,64]")
    storage = open_storage(location)
    study = optuna.create_study(
        study_name="s", storage=storage, sampler=optuna.samplers.RandomSampler(seed=0)
    )
    for point in found.grid():
        study.enqueue_trial(point)
        trial = study.ask()
        for key, distribution in found.distributions.items():
            suggest(trial, key, distribution)
    open_storage.cache_clear()
    stored = [
        trial.params for trial in optuna.load_study(study_name="s", storage=open_storage(location)).trials
    ]
    assert stored == found.grid()
    assert {type(value) for params in stored for value in params.values()} == {type(None), int, bool, str}
    assert found.overrides(stored[0], 1) == [
        "agent.max_grad_norm=null", "agent.double=true", "network.hidden=[64]", "seed=1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "lr=interval(1e-2,1e-4)",
        "lr=tag(log,interval(0,1))",
        "batch=range(5,5)",
        "lr=interval(0,inf)",
        "lr=tag(log,interval(-1,1))",
    ],
)
def test_bad_spaces_name_what_is_allowed(line: str) -> None:
    with pytest.raises(ConfigError, match=r"lr=|batch=") as caught:
        space(line)
    assert "allowed: choices, range" in str(caught.value)


def test_seeds_are_replicates_and_single_values_are_fixed() -> None:
    found = space(
        "env=lunarlander", "lr=0.1,0.2", "seed=range(3)", "confirm.seeds=7,9", "env=acrobot", "confirm.top=1"
    )
    assert list(found.distributions) == ["lr"]
    assert found.fixed == ("env=acrobot",)  # the later one counts
    assert found.replicates == {"seed": (0, 1, 2), "confirm.seeds": (7, 9)}
    assert found.overrides({"lr": 0.2}, 1) == ["env=acrobot", "lr=0.2", "seed=1"]


@pytest.mark.parametrize("line", ["seed=interval(0,5)", "seed=1,1", "seed=-1", "seed=x", "confirm.seeds=[]"])
def test_bad_seeds(line: str) -> None:
    with pytest.raises(ConfigError, match=r"different whole numbers|allowed: whole numbers|each value once"):
        space(line)


def test_a_grid_is_every_combination() -> None:
    points = space("batch=range(1,4)", "gamma=0.9,0.99").grid()
    assert points == [{"batch": b, "gamma": g} for b in (1, 2, 3) for g in (0.9, 0.99)]
    with pytest.raises(ConfigError, match="cannot enumerate an interval"):
        space("lr=interval(0,1)").grid()


def test_extremes_hold_every_end_and_every_choice() -> None:
    found = space("batch=interval(16,256)", "network=mlp,mlp_batchnorm")
    points = found.extremes(np.random.default_rng(0))
    assert points == [{"batch": b, "network": n} for b in (16, 256) for n in ("mlp", "mlp_batchnorm")]
    many = space(*(f"+env.kwargs.k{i}=0,1,2" for i in range(8)))
    assert len(many.extremes(np.random.default_rng(0))) == 100


def test_what_is_suggested_lies_in_the_space() -> None:
    found = space("lr=tag(log,interval(1e-4,1e-2))", "batch=range(16,64,16)", "buffer=500,17k")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    for _ in range(30):
        trial = study.ask()
        for key, distribution in found.distributions.items():
            suggest(trial, key, distribution)
        assert 1e-4 <= trial.params["lr"] <= 1e-2
        seen.add((trial.params["batch"], trial.params["buffer"]))
    assert seen == {(batch, buffer) for batch in (16, 32, 48) for buffer in (500, 17_000)}


SEARCHED = ("network.hidden=[64,64],[128]", "agent.max_grad_norm=null,10", "agent.double=false,true")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"network.hidden": [64, 64]}, {"network.hidden": "[64,64]"}),
        ({"network.hidden": "[64, 64]"}, {"network.hidden": "[64,64]"}),
        ({"agent.max_grad_norm": None}, {"agent.max_grad_norm": None}),
        ({"agent.max_grad_norm": 10.0}, {"agent.max_grad_norm": 10}),
        ({"agent.double": False}, {"agent.double": False}),
        ({"agent.double": "true"}, {"agent.double": True}),
        ({"buffer": "17k"}, {"buffer": 17_000}),
        ({"batch": "64"}, {"batch": 64}),
        ({"lr": "1e-3"}, {"lr": 1e-3}),
        ({"lr": 1}, {"lr": 1.0}),
    ],
)
def test_typed_values_are_the_choices_that_they_mean(
    given: dict[str, object], expected: dict[str, object]
) -> None:
    found = space(*SEARCHED, "buffer=500,17k", "batch=interval(16,256)", "lr=interval(1e-4,1)")
    assert found.converted(given) == expected
    for key, value in expected.items():
        assert (
            found.distributions[key].to_external_repr(found.distributions[key].to_internal_repr(value))
            == value
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network.hidden": [7]}, r"^network.hidden=\[7\]: allowed: \[64,64\], \[128\]$"),
        ({"agent.double": 0}, "^agent.double=0: allowed: false, true$"),
        ({"lr": "high"}, "^lr=high: .*; allowed: a number$"),
        ({"gama": 1}, "the search space: 'gama' is unknown"),
    ],
)
def test_what_is_not_of_the_space(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        space(*SEARCHED, "lr=interval(1e-4,1)").converted(given)
    with pytest.raises(ConfigError, match=r"^lr=2: allowed: 0.0001 to 1.0$"):
        space("lr=interval(1e-4,1)").refuse_outside({"lr": 2})


def test_keys_of_ones_own_are_left_to_who_adds_them() -> None:
    assert space("lr=1,2").converted({"lr": 1.0, "mine": [3]}, may_have_more=True) == {"lr": 1, "mine": [3]}


def test_steps_are_tenths_and_not_almost() -> None:
    found = space("gamma=range(0.1,0.5,0.1)")
    assert found.distributions["gamma"] == FloatDistribution(0.1, 0.4, step=0.1)
    assert found.grid() == [{"gamma": g} for g in (0.1, 0.2, 0.3, 0.4)]
    assert found.overrides({"gamma": 0.1 + 2 * 0.1}, 0) == ["gamma=0.3", "seed=0"]


def test_a_log_scale_has_no_steps() -> None:
    for line in ("batch=tag(log,range(16,65,16))", "lr=tag(log,range(0.1,0.5,0.1))"):
        with pytest.raises(ConfigError, match="a range on a log scale cannot have a step"):
            space(line)
    assert space("batch=tag(log,range(1,9))").distributions == {"batch": IntDistribution(1, 8, log=True)}


def test_a_choice_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^buffer=17k,17000: 17k and 17000 are the same value"):
        space("buffer=17k,17000")


@pytest.mark.parametrize("line", ["seeds=until_decided", "seeds.looks=[8,12]"])
def test_looks_are_no_part_of_a_study(line: str) -> None:
    with pytest.raises(ConfigError, match="applies to plain sweeps"):
        space("lr=0.1,0.2", line)
