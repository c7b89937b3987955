"""Bad input is found before anything is written, and reported in one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Ended, run_here

# command line -> what the message must say
SINGLE = {
    "buffer=1000G": ["buffer=1000000000000: ", "this machine does not grant; allowed: a smaller buffer"],
    "imports.x=3": ["imports.x=3: imports is a list and has no key x; allowed: 'imports=[...]'"],
    "lr=1e-3 optimizer.lr=1e-2": ["lr and optimizer.lr are two names of the same value"],
    "buffer=-5": ["buffer=-5", "greater than or equal to 1"],
    "replay=online batch=32": ["batch=32: replay=online has no key batch; allowed: batch=1, or another"],
    "target=none update_every=5": ["target=none has no key update_every", "update_every=null"],
    "agent.learning_starts=200k": ["agent.learning_starts=200000", "budget.env_steps=100k", "allowed: "],
    "buffer=1G budget.env_steps=1G": ["of 1 trial at a time need", "48 GB", "is free"],
    "buffer=100 batch=200": ["batch=200 is larger than buffer=100", "allowed: batch <= buffer"],
    "buffer=abc": ["buffer='abc'", "500, 17k, 1M"],
    "replay.alpha=0.4": ["replay.alpha is not a key. Allowed", "It is a key of replay=prioritised\n"],
    "bufer=500": ["bufer is not a key", "Did you mean 'buffer'?"],
    "evaluation.episode=3": ["evaluation.episode is not a key", "Did you mean 'episodes'?"],
    "exploration=linear exploration.decay=3": ["exploration.decay is not a key", "duration"],
    "env=cartpol": ["env=cartpol: unknown", "Did you mean 'cartpole'?", "lunarlander"],
    "env=gymnasium": ["env.id is missing"],
    "env=gymnasium env.id=CartPoll-v1": ["env.id=CartPoll-v1 is unknown", "Did you mean 'CartPole-v"],
    "env=gymnasium env.id=Pendulum-v1": ["discrete actions"],
    "convergence.threshold=high": ["convergence.threshold='high'", "number"],
    "gamma=1.5": ["gamma=1.5", "less than or equal to 1"],
    "seed=null": ["seed=None"],
    "imports=[no_such_module]": ["imports='no_such_module'", "modules that Python finds"],
    "device=cuda": ["device='cuda'", "allowed: cpu"],
    "init_from=/nowhere": ["init_from=/nowhere", "allowed: the directory of a finished trial"],
    "env.kwargs.depth=3": ["+env.kwargs.depth="],
    "+network._target_=os.system": ["_target_='os.system' is refused"],
    "buffer=[1,": ["buffer=[1,", "as one word, without spaces"],
    "lr=1e-3, seed=1": ["lr=1e-3,: ", "as one word, without spaces"],
    "hydra.run.dir=out(1)": ["Unknown function 'out'", """text in quotes: 'hydra.run.dir="out(1)"'\n"""],
    "'lr=1'": ["'lr=1': ", "the same without these quotes"],
    "agent.options.tau=0.1": ["agent.options.tau does not exist yet; write +agent.options.tau="],
    "+agent.options.tau=3": ["agent.options.tau=3: agent.name=dqn is built in", "allowed: agent.options={}"],
    "+network.options.x=1": ["network.options.x=1: network.name=mlp is", "allowed: network.options={}"],
    "observers.diary.name=x": ["write +observers.diary.name="],
    "network.options.factor=2": ["write +network.options.factor="],
    "env.wrapper.noise.scale=2": ["env.wrapper is not a key. Did you mean 'wrappers'?", "Allowed in env: "],
    "network.head=c52": ["network.head=c52: unknown. Did you mean 'c51'? Allowed: c51, qr, values\n"],
    "network.head=null": ["network.head=null: null is not an option of network.head. Allowed: c51, qr"],
    "network.head.atoms=7": ["network.head.atoms is not a key. Allowed in", "key of network.head=c51\n"],
    "network.head.name=median": ["network.head.name: 'median' is unknown", "Allowed: c51, qr, "],
    "network.head=c51 gamma=1": ["network.head.v_max=null, and with gamma=1", "number for network.head.v_m"],
    "network.noisy=true learner=fused": ["learner='fused' does not support network.noisy=true; allowed"],
    "network.head=c51 agent.munchausen=true": ["network.head=c51 cannot be combined with agent.munchaus"],
    "agent.munchausen.tau=0.1": ["agent.munchausen.tau does not exist yet; write +agent.munchausen.tau="],
    "lr.start=2": ["lr is a value and has no keys of its own"],
    "agent.options={tau:3}": ["agent.options takes its keys one by one: +agent.options.NAME=VALUE"],
    "buffer=500,17k": ["buffer=500,17k", "--multirun"],
    "zip=[buffer,batch]": ["zip=['buffer', 'batch']: a single trial has no axes", "allowed: -m"],
    "dry_run=perhaps": ["dry_run=perhaps: allowed: true, false"],
    "hydra.run.dri=x": ["hydra.run.dri is not a key", "Did you mean 'dir'?"],
    "experiment=null": ["experiment=null: null is not an option of experiment", "no experiment="],
    "env=null": ["env=null: null is not an option of env. Allowed: acrobot"],
    "+env.kwargs.render_mode=human": ["env.kwargs.render_mode=human would show every", "video TRIAL"],
    "evaluation.env.kwargs.gravity=3": ["+evaluation.env.kwargs.gravity="],
    "+evaluation.env.kwargs.gravty=3": ["evaluation.env.kwargs={'gravty': 3}: ", "gravty", "cannot be made"],
    "+env.wrappers.TransformReward.func=abs": ["env.wrappers.TransformReward needs a function (func)"],
}  # fmt: skip
SWEEPS = {
    "hydra/launcher=paralel": ["hydra/launcher=paralel: unknown", "Did you mean 'parallel'?"],
    "seed=0,1 buffer=500,-5,17k": ["buffer=-5", "in buffer=-5,seed=0"],
    "seed=0 batch=10,30k lr=0.1,1e-3": ["batch=30000 is larger than buffer=20000"],
    "replay=online batch=16,32": ["batch=16: replay=online has no key batch; allowed: batch=1"],
    "replay=online,uniform batch=32": ["batch=32: replay=online has no key batch", "in replay=online,seed=0"],
    "seed=0 batch=64,200k buffer=200k": ["batch=200000", "the first update", "in batch=200k"],
    "seed=0,1 buffer=1G budget.env_steps=1G": ["buffer=1000000000", "96 GB", "is free"],
    "replay=uniform,prioritised replay.alpha=0.4": ["replay.alpha is not a key", "of replay=prioritised\n"],
    "hydra/sweeper=optuna lr=0.1,0.2 buffer=1k,1G budget.env_steps=1G": ["buffer=1000000000", "is free"],
    "hydra/sweeper=optuna lr=0.1,0.2 agent.learning_starts=200k": ["agent.learning_starts=200000"],
    "bufer=500,17k": ["bufer is not a key", "Did you mean 'buffer'?"],
    "exploration=linear,exponential exploration.decay=3": ["exploration=linear has no decay", "duration"],
    "env=cartpole,cartpol": ["env=cartpol: unknown"],
    "sweeps=no_such": ["sweeps=no_such: unknown", "buffer_size"],
    "lr=interval(0,1)": ["lr=interval(0,1)", "hydra/sweeper=optuna"],
    "seed=range(0)": ["seed has no values"],
    "lr=1e-3,1e-3": ["lr=0.001,0.001: 0.001 is given twice"],
    "buffer=17k,17000": ["buffer=17k,17000: 17k and 17000 are the same value"],
    "lr=0.1,0.2 hydra.sweep.dir=out/${lr}": ["hydra.sweep.dir=out/${lr}: out/0.001 for", "out/0.1 for"],
    "hydra/sweeper/pruner=median lr=1,2": ["hydra/sweeper/pruner is an option of studies"],
    "hydra.sweeper.n_trials=3 lr=1,2": ["hydra.sweeper.n_trials is an option of studies"],
    "hydra/sweeper=optuna hydra.sweeper.n_trial=3": ["hydra.sweeper.n_trial is not a key", "'n_trials'"],
    "sweeps=tune_cartpole hydra.sweeper.n_trial=3": ["hydra.sweeper.n_trial is not a key", "'n_trials'"],
    "lr=1e-3,1e-2 objective=aulc": ["objective=aulc applies to studies", "hydra/sweeper=optuna"],
    "buffer=500,1k replay.capacity=7k": ["buffer and replay.capacity are two names of the same value"],
    "hydra.launcher.n_job=2": ["hydra.launcher.n_job is not a key", "Did you mean 'n_jobs'?"],
    "hydra.launcher.n_jobs=abc": ["hydra.launcher.n_jobs='abc'", "number of trials at a time"],
    "hydra.launcher.n_jobs=0": ["hydra.launcher.n_jobs=0"],
    "hydra.launcher.patience=1": ["hydra.launcher.patience=1", "allowed: seconds", "or null"],
    "hydra.launcher.retries=-1": ["hydra.launcher.retries=-1"],
    "zip=[buffer,batch] buffer=1k,2k batch=1,2,3": ["buffer 2, batch 3", "allowed: equal numbers"],
    "zip=[buffer,bach] buffer=1k,2k batch=1,2": ["bach is no axis here", "Did you mean 'batch'?"],
    "hydra/sweeper=optuna zip=[lr,batch] lr=1,2 batch=1,2": ["zip pairs the axes of a plain sweep"],
    "dry_run=true,false seed=0": ["dry_run=true,false", "allowed: one value"],
    "dry_run=1 seed=0": ["dry_run=1: allowed: true, false"],
    "buffer=1,,2": ["buffer=1,,2"],
    "experiment=null,notebook": ["experiment=null,notebook: null is not an option of experiment"],
    "env=gymnasium env.id=Pendulum-v1,CartPole-v1": ["discrete actions", "+env.wrappers.discretise.bins=3"],
    "network.hidden=[64],[0]": ["network.hidden.0=0"],
}  # fmt: skip


def check(ended: Ended, says: list[str], place: Path) -> None:
    assert ended.code == 2, ended.said
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for part in says:
        assert part in ended.err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("command", SINGLE)
def test_one_trial(command: str, tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    check(run_here(*command.split(), cwd=place), SINGLE[command], place)


@pytest.mark.parametrize("command", SWEEPS)
def test_a_sweep(command: str, tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.mkdir()
    check(run_here("-m", *command.split(), cwd=place), SWEEPS[command], place)


def test_every_problem_of_a_sweep_is_named_once(tmp_path: Path) -> None:
    ended = run_here("-m", "buffer=-1,500", "gamma=0.9,2", "seed=0,1", cwd=tmp_path)
    assert ended.err.count("buffer=-1:") == 2  # alone, and together with gamma=2
    assert ended.err.count("gamma=2") >= 1


def test_a_part_that_cannot_be_built_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "own_network.py").write_text(
        "from dqn_exp.registry import networks\n"
        "@networks.register('own')\n"
        "def build(observation_size, n_actions, config):\n"
        "    raise KeyError('width')\n"
    )
    ended = run_here("-m", "imports=[own_network]", "network.name=own", cwd=tmp_path)
    assert ended.code == 2, ended.said
    assert "KeyError: 'width'" in ended.err
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such", "No module named 'no_such'; allowed: modules that Python finds from here"),
        ("\nlamda x: x", "SyntaxError: "),
        ("\n\nundefined", "own_parts.py:3: NameError: name 'undefined' is not defined; allowed: modules"),
        ("from torch import nothing", "ImportError: cannot import name 'nothing' from 'torch'"),
        ("import sys\nsys.exit(4)", "own_parts.py:2: SystemExit: 4; allowed: modules that can be imported"),
    ],
)
def test_a_module_that_cannot_be_imported(code: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "own_parts.py").write_text(code)
    ended = run_here("imports=[own_parts]", cwd=tmp_path)
    assert ended.code == 2, ended.said
    assert ended.err.startswith("imports='own_parts': ")
    assert says in ended.err
    assert len(ended.err.splitlines()) <= 2
    assert not (tmp_path / "outputs").exists()


def test_a_network_of_another_shape_is_found_first(tmp_path: Path) -> None:
    (tmp_path / "own_network.py").write_text(
        "from torch import nn\nfrom dqn_exp.registry import networks\n"
        "networks.register('own')(lambda *sizes: nn.Linear(4, 3))\n"
    )
    ended = run_here("imports=[own_network]", "network.name=own", cwd=tmp_path)
    assert ended.code == 2, ended.said
    assert ended.err.startswith("network.name=own returned [1, 3] for observations [1, 4]; expected [1, 2]")
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_who_asks_for_the_traceback_gets_it(mode: list[str], tmp_path: Path) -> None:
    ended = run_here(*mode, "buffer=-5", cwd=tmp_path, HYDRA_FULL_ERROR="1")
    assert ended.code != 0
    assert "Traceback" in ended.err
    assert "buffer=-5" in ended.err


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run_here("-m", "seed=0", "hydra.sweep.dir=file/sweep", cwd=tmp_path)
    assert ended.code == 2
    assert ended.err == "file/sweep: Not a directory\n"
