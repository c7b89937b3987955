"""The text of `python -m dqn_exp --help`; groups and options are read from the existing files."""

from __future__ import annotations

import textwrap
from pathlib import Path

from dqn_exp.config import CONF, ROOT

WIDTH = 110
INDENT = 16
NOT_A_GROUP = "hydra"
"""The folder of conf/ with Hydra's own options."""

REMARKS = {
    "env": "gymnasium: env.id=ANY-v0, any environment with discrete actions",
    "network": "'network.hidden=[64,64]'  network.dueling=true  network.noisy=true  network.layer_norm=true",
    "network.head": "predicts a Q-value or a distribution of returns for each action; network.head.atoms=21",
    "replay": "replay.n_step=3",
    "target": "target.tau=0.005",
    "seeds": "used with seed=until_decided; 'seeds.looks=[8,12,16,20,30]'  'seeds.margin=[0.8,1.25]'",
    "objective": "what a study (hydra/sweeper=optuna) optimises",
    "experiment": "named configurations: experiment=notebook",
    "sweeps": "named sweeps: -m sweeps=buffer_size",
}
"""The remark on each group, shown below its options."""

BEGINNING = """\
dqn_exp - how does a hyperparameter change the way a DQN learns, and how sure may you be?

  python -m dqn_exp                                        # one trial with the default configuration
  python -m dqn_exp -m buffer=500,17k,100k                 # a sweep: 3 values x 5 seeds, and a report
  python -m dqn_exp -m sweeps=buffer_size 'seed=range(3)'  # a named sweep from sweeps/, with other seeds

Without -m every key takes one value: key=value. With -m a key may take several, key=a,b,c or 'key=range(5)',
and every combination is trained. Quote arguments that contain ( ) [ ] or spaces: the shell interprets them.
Stop at any time: the same command continues.

Short axis names (sizes such as 17k, 1M, 16Ki, 2e4 work wherever a count is expected)
  buffer        replay capacity, transitions
  batch         transitions per update
  update_every  target refresh period (target=steps: environment steps; target=episodes: episodes)
  train_every   environment steps between trainings
  lr            learning rate
  gamma         discount per step
  seed          seed of a trial; by default a sweep runs seeds 0-4 of every configuration;
                seed=until_decided: as many seeds as are needed to compare the values of one axis

Groups (group=option)
"""

END = """
Options
  budget.env_steps=50k budget.episodes=400              the first one reached ends the trial
  budget.seconds=600                                    limit of training time in seconds
  evaluation.every_steps=1k evaluation.every_episodes=3 evaluation.episodes=5
  convergence.threshold=475 convergence.consecutive=3 convergence.stop=true
  agent.loss=mse|huber agent.max_grad_norm=10 agent.learning_starts=1k agent.munchausen=true
  learner=auto|torch|fused  device=auto|cpu|cuda
  'imports=[my_module]'                                 your own module that registers parts
  init_from=TRIAL_DIR                                   start with the network of a trial or an SB3 model.zip
  checkpoint.keep_best=none|evaluation|episode video.every_episodes=20
  'zip=[buffer,batch]'                                  with -m: pair the values of these axes in order
  hydra.launcher.n_jobs=8                               trials at a time (default: one per core)
  hydra/launcher=parallel|dask|ray|slurm                where trials run: docs/cluster.md
  hydra.launcher.patience=300                           restart a trial after so many seconds without a step
  checkpoint.keep_final=true                            keep the final state, to continue with a larger budget
  hydra.sweep.dir=outputs/my_sweep                      directory of the sweep (default: below outputs/)
  reuse=none                                            train also what outputs/ has (default: take it)
  shard=3/16                                            the third of 16 parts of a sweep: docs/cluster.md
  'track=[tensorboard,mlflow,wandb]'                    trackers that follow each trial: docs/trackers.md
  dry_run=true                                          show the trials, their time and memory; run nothing
  report=false                                          no report at the end of a sweep

All other keys have dotted names; these commands list them:
  python -m dqn_exp --cfg job           # the whole configuration
  python -m dqn_exp --hydra-help        # Hydra's own flags

Results
  python -m analysis report SWEEP_DIR     # figures, tables and one HTML page
  python -m analysis table SWEEP_DIR      # one row per trial, CSV
  python -m analysis plan SWEEP_DIR       # how many seeds, trials and hours a question needs
  python -m analysis robustness SWEEP_DIR # does the answer hold with other thresholds and measures?
  python -m analysis watch SWEEP_DIR      # a running sweep in the browser
  python -m analysis audit SWEEP_DIR      # train random trials again to check the records
  python -m analysis import PATH --to SWEEP_DIR   # logs of other programs as a sweep
  python -m analysis policy TRIAL_DIR     # maps of the network's Q-values and actions
  python -m analysis video TRIAL_DIR      # an mp4 of greedy episodes
  python -m analysis diagnose TRIAL_DIR   # why a trial did not learn
  python -m analysis study STORAGE NAME   # figures of an Optuna study
  python -m dqn_exp.export TRIAL_DIR      # a model folder: safetensors, ONNX, stable-baselines3
"""


def help_text() -> str:
    """The whole text, including the options in conf/ and sweeps/ of the working directory."""
    groups = "".join(_paragraph(name, options) for name, options in config_groups().items())
    return BEGINNING + groups + END


def config_groups() -> dict[str, list[str]]:
    """The options of each config group on the search path of this program."""
    groups: dict[str, set[str]] = {}
    folders = [(p, p.relative_to(conf)) for conf in (CONF, Path("conf")) for p in conf.glob("**/")]
    for folder, name in [*folders, *((root / "sweeps", Path("sweeps")) for root in (ROOT, Path()))]:
        if options := {path.stem for path in folder.glob("*.yaml")}:
            groups.setdefault(".".join(name.parts), set()).update(options)
    return {
        name: sorted(options)
        for name, options in sorted(groups.items())
        if name.partition(".")[0] not in ("", NOT_A_GROUP)
    }


def _paragraph(name: str, options: list[str]) -> str:
    words = " ".join(options)
    lines = textwrap.wrap(
        words, WIDTH, initial_indent=f"  {name}".ljust(INDENT), subsequent_indent=" " * INDENT
    )
    remark = REMARKS.get(name)
    return "\n".join([*lines, *([" " * INDENT + remark] if remark else [])]) + "\n"
