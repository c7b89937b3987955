"""The configuration of one trial: every field with its meaning, unit and range.

Hydra composes plain values from `conf/` and the command line; `dqn_exp.config.parsing` turns them into a
`Config`. A configuration cannot import or call code: parts are chosen by name.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from dqn_exp.config.identity import content, digest
from dqn_exp.config.sizes import parse_size


def _number(value: object) -> object:
    """Reject booleans, which Python would accept as 0 and 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return value


def _not_nan(value: float) -> float:
    if math.isnan(value):
        raise ValueError("must be a number; inf is allowed and never reached")
    return value


def _registered_id(value: str) -> str:
    """The registered form of a game's id: MinAtar/space_invaders-v1 becomes MinAtar/SpaceInvaders-v1."""
    family, _, name = value.partition("/")
    is_small = family in ("MinAtar", "ALE") and name == name.lower()
    game, dash, version = name.rpartition("-")
    return f"{family}/{game.title().replace('_', '')}{dash}{version}" if is_small else value


Count = Annotated[int, BeforeValidator(parse_size), Field(ge=1)]
CountOrZero = Annotated[int, BeforeValidator(parse_size), Field(ge=0)]
Real = Annotated[float, BeforeValidator(_number)]
Finite = Annotated[Real, AfterValidator(_finite)]
Positive = Annotated[Finite, Field(gt=0)]
LearningRate = Annotated[Positive, Field(description="learning rate")]
Decay = Annotated[Real, Field(ge=0, lt=1)]
Fraction = Annotated[Finite, Field(ge=0, le=1)]
ClockName = Literal["episodes", "env_steps", "updates", "learning_episodes"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=True, ser_json_inf_nan="constants")


class EnvConfig(Section):
    id: Annotated[str, AfterValidator(_registered_id)] = Field(
        description="gymnasium id of the environment, such as CartPole-v1"
    )
    game: str | None = Field(
        None, description="game of MinAtar or Atari, such as breakout; it determines env.id"
    )
    kwargs: dict[str, Any] = Field({}, description="keyword arguments of the environment")
    max_episode_steps: Count | Literal["unlimited"] | None = Field(
        None, description="steps after which an episode is truncated; null: the environment's own"
    )
    threshold: Finite | None = Field(
        None, description="mean return that counts as solved; null: the one that gymnasium registers"
    )
    truncation: Literal["bootstrap", "terminal"] = Field(
        "bootstrap", description="value of the state at a time limit: bootstrapped, or 0"
    )
    parallel: Count = Field(1, description="copies of the environment that one trial steps together")
    wrappers: dict[str, dict[str, Any]] = Field(
        {}, description="registered name -> options of each wrapper, innermost first"
    )
    action_masks: bool | None = Field(
        None, description="choose only actions that info['action_mask'] allows; null: if there is a mask"
    )
    images: bool = Field(False, description="keep images (uint8, channels first) instead of vectors")
    normalise: Literal["running"] | None = Field(
        None, description="normalise observations by their running mean and deviation; null: no"
    )


class MunchausenConfig(Section):
    tau: Positive = Field(0.03, description="temperature of the soft policy")
    alpha: Fraction = Field(0.9, description="factor of tau * log-probability in the reward")
    clip: Annotated[Finite, Field(le=0)] = Field(
        -1.0, description="lower bound of tau * log-probability (l_0)"
    )


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _defaults_if_true(value: object) -> object:
    return {True: {}, False: None}[value] if isinstance(value, bool) else value


class AgentConfig(Section):
    """The keys of a DQN. An agent of your own has `options`, and those of the others that it declares."""

    name: str = Field(description="registered name of the algorithm")
    double: bool = Field(False, description="double DQN: select with the online network (1509.06461)")
    loss: Literal["mse", "huber"] = Field(
        "mse",
        description="loss of the TD error with head=values; huber has delta 1. Other heads have their own",
    )
    max_grad_norm: Positive | None = Field(None, description="clip the gradient's norm; null: no clipping")
    max_grad_value: Positive | None = Field(
        None, description="clamp each element of the gradient to +-value; null: no clamping"
    )
    learning_starts: CountOrZero = Field(0, description="env steps before the first update")
    updates_per_train: Count = Field(1, description="gradient updates per training")
    munchausen: Annotated[MunchausenConfig | None, BeforeValidator(_defaults_if_true)] = Field(
        None,
        description="soft targets and log-probabilities added to rewards (2007.14430); null or false: off",
    )
    max_abs_reward: Positive | None = Field(
        None, description="clamp the rewards that are stored to +-value; null: no clamping"
    )
    options: dict[str, Any] = Field({}, description="options of an agent of your own; a DQN has none")


class ValuesConfig(Section):
    """A Q-value for each action."""

    name: Literal["values"]


class C51Config(Section):
    """Logits of a distribution over atoms between v_min and v_max (1707.06887)."""

    name: Literal["c51"]
    atoms: Annotated[Count, Field(ge=2)] = Field(51, description="atoms per action")
    v_min: Finite | None = Field(None, description="return of the lowest atom; null: from returns and gamma")
    v_max: Finite | None = Field(None, description="return of the highest atom; null: from returns and gamma")


class QRConfig(Section):
    """Quantiles of the distribution of returns (1710.10044)."""

    name: Literal["qr"]
    quantiles: Count = Field(200, description="quantiles per action")
    kappa: Annotated[Finite, Field(ge=0)] = Field(1.0, description="delta of the Huber loss; 0: |error|")


class OwnHeadConfig(Section):
    name: str = Field(description="registered name of a head of your own")
    options: dict[str, Any] = Field({}, description="its options")


def _kind_of_head(head: Any) -> str:
    name = head.get("name") if isinstance(head, dict) else getattr(head, "name", None)
    return str(name) if name in ("values", "c51", "qr") else "own"


HeadConfig = Annotated[
    Annotated[ValuesConfig, Tag("values")]
    | Annotated[C51Config, Tag("c51")]
    | Annotated[QRConfig, Tag("qr")]
    | Annotated[OwnHeadConfig, Tag("own")],
    Discriminator(_kind_of_head),
]


class ConvolutionConfig(Section):
    """One layer, without padding."""

    channels: Count
    kernel: Count = Field(description="height and width of the kernel, pixels")
    stride: Count = Field(1, description="pixels from one position of the kernel to the next")


class NetworkConfig(Section):
    name: str = Field(description="registered name of the architecture")
    convolutions: list[ConvolutionConfig] = Field(
        [], description="convolutional layers before the hidden layers"
    )
    hidden: list[Count] = Field(description="units of each hidden layer")
    head: HeadConfig = Field(
        ValuesConfig(name="values"), description="what the network predicts for each action"
    )
    activation: Literal["relu", "tanh"] = Field(
        "relu", description="after each convolution and each hidden layer"
    )
    layer_norm: bool = Field(
        False, description="layer normalisation before each hidden layer's activation (1607.06450)"
    )
    dueling: bool = Field(False, description="separate streams for the value and the advantages (1511.06581)")
    noisy: bool = Field(False, description="linear layers with learned noise (1706.10295)")
    noisy_sigma: Positive = Field(0.5, description="initial deviation of the noise, times 1/sqrt(inputs)")
    init: Literal["default", "uniform", "orthogonal"] = Field(
        "default",
        description="torch's own; uniform(-init_scale, init_scale) everywhere; or orthogonal (1312.6120)",
    )
    init_scale: Positive = Field(0.5, description="bound of the uniform initialisation")
    options: dict[str, Any] = Field(
        {}, description="options of a network of your own; built-in networks have none"
    )


class UniformConfig(Section):
    name: Literal["uniform"]
    capacity: Count = Field(description="transitions kept; the oldest is replaced first")
    batch_size: Count = Field(description="transitions in one update")
    n_step: Count = Field(description="rewards summed before bootstrapping")
    replacement: bool = Field(description="whether a batch may contain a transition twice")


class CombinedConfig(Section):
    name: Literal["combined"]
    capacity: Count = Field(description="transitions kept; the oldest is replaced first")
    batch_size: Count = Field(description="transitions in one update, the latest among them")
    n_step: Count = Field(description="rewards summed before bootstrapping")
    replacement: bool = Field(description="whether a batch may contain an earlier transition twice")


class PrioritisedConfig(Section):
    name: Literal["prioritised"]
    capacity: Count = Field(description="transitions kept; the oldest is replaced first")
    batch_size: Count = Field(description="transitions in one update")
    n_step: Count = Field(description="rewards summed before bootstrapping")
    alpha: Fraction = Field(description="exponent of the priorities; 0: uniform sampling")
    beta_start: Fraction = Field(description="exponent of the importance weights at the first update")
    beta_end: Fraction = Field(description="exponent of the importance weights after beta_updates")
    beta_updates: Count = Field(description="updates in which the exponent goes from beta_start to beta_end")
    priority_floor: Positive = Field(description="added to every |TD error|")


class OnlineConfig(Section):
    """No replay: each update learns from the latest transition alone."""

    name: Literal["online"]
    n_step: Count = Field(description="rewards summed before bootstrapping")

    @property
    def capacity(self) -> int:
        return 1

    @property
    def batch_size(self) -> int:
        return 1


class AdamConfig(Section):
    name: Literal["adam"]
    lr: LearningRate
    beta1: Decay = Field(0.9, description="decay rate of the mean gradient, per update")
    beta2: Decay = Field(0.999, description="decay rate of the mean squared gradient, per update")
    eps: Positive = Field(1e-8, description="added to the root of the mean squared gradient")


class AdamWConfig(Section):
    name: Literal["adamw"]
    lr: LearningRate
    beta1: Decay = Field(0.9, description="decay rate of the mean gradient, per update")
    beta2: Decay = Field(0.999, description="decay rate of the mean squared gradient, per update")
    eps: Positive = Field(1e-8, description="added to the root of the mean squared gradient")
    weight_decay: Annotated[Finite, Field(ge=0)] = Field(
        0.01, description="share of the weights, times lr, that each update subtracts"
    )


class RMSpropConfig(Section):
    name: Literal["rmsprop"]
    lr: LearningRate
    alpha: Decay = Field(0.99, description="decay rate of the mean squared gradient, per update")
    eps: Positive = Field(1e-8, description="added to the root of the mean squared gradient")
    momentum: Decay = Field(0.0, description="share of the last step that is added to the next; 0: none")


class SGDConfig(Section):
    name: Literal["sgd"]
    lr: LearningRate
    momentum: Decay = Field(0.0, description="share of the last step that is added to the next; 0: none")


class ExponentialConfig(Section):
    name: Literal["exponential"]
    start: Fraction = Field(description="epsilon at the start; null: 1, or 0 with network.noisy=true")
    end: Fraction = Field(description="final epsilon; null: 0.05, or 0 with network.noisy=true")
    decay: Positive = Field(description="counts in which epsilon - end falls to 1/e")
    clock: ClockName = Field(description="the count that epsilon depends on")


class LinearConfig(Section):
    name: Literal["linear"]
    start: Fraction = Field(description="epsilon at the start; null: 1, or 0 with network.noisy=true")
    end: Fraction = Field(description="final epsilon; null: 0.05, or 0 with network.noisy=true")
    duration: Count = Field(description="counts after which epsilon is end")
    clock: ClockName = Field(description="the count that epsilon depends on")


class MultiplicativeConfig(Section):
    name: Literal["multiplicative"]
    start: Fraction = Field(description="epsilon at the start; null: 1, or 0 with network.noisy=true")
    end: Fraction = Field(description="final epsilon; null: 0.05, or 0 with network.noisy=true")
    factor: Annotated[Real, Field(gt=0, le=1)] = Field(
        description="epsilon is multiplied by it at each count"
    )
    clock: ClockName = Field(description="the count that epsilon depends on")


class ConstantConfig(Section):
    name: Literal["constant"]
    epsilon: Fraction = Field(description="share of random actions; null: 0.1, or 0 with network.noisy=true")


class EpisodesTargetConfig(Section):
    name: Literal["episodes"]
    every: Count = Field(description="episodes between hard copies")


class StepsTargetConfig(Section):
    name: Literal["steps"]
    every: Count = Field(description="env steps between hard copies")


class SoftTargetConfig(Section):
    name: Literal["soft"]
    every: Count = Field(description="env steps between refreshes")
    tau: Annotated[Real, Field(gt=0, le=1)] = Field(description="share of the online network in each refresh")


class NoTargetConfig(Section):
    """No target network: updates bootstrap from the online one."""

    name: Literal["none"]

    @property
    def every(self) -> None:
        return None


class BudgetConfig(Section):
    episodes: Count | None = Field(description="episodes after which the trial ends; null: no limit")
    env_steps: Count | None = Field(description="env steps after which the trial ends; null: no limit")
    learning_episodes: Count | None = Field(
        None, description="episodes since the first update after which the trial ends; null: no limit"
    )
    seconds: Positive | None = Field(
        None, description="seconds of training, in all attempts, after which the trial ends; null: no limit"
    )

    def covers(self, other: BudgetConfig) -> bool:
        """Whether every limit of this budget is at least that of `other`."""
        limits = zip(self.model_dump().values(), other.model_dump().values(), strict=True)
        return all(ours is None or (theirs is not None and ours >= theirs) for ours, theirs in limits)


class EvaluationEnvConfig(Section):
    kwargs: dict[str, Any] = Field(default={}, description="added to env.kwargs; replaces equal keys")


class EvaluationConfig(Section):
    every_episodes: Count | None = Field(
        description="training episodes between evaluations; null: not by episodes"
    )
    every_steps: Count | None = Field(description="env steps between evaluations; null: not by steps")
    episodes: Count = Field(description="greedy episodes per evaluation")
    final_episodes: Count = Field(description="greedy episodes after training")
    max_episode_steps: Count | None = Field(
        None, description="steps after which a greedy episode is cut off; null: as in training"
    )
    env: EvaluationEnvConfig = Field(
        EvaluationEnvConfig(), description="how the environment of greedy episodes differs"
    )


class ConvergenceConfig(Section):
    threshold: Annotated[Real, AfterValidator(_not_nan)] | None = Field(
        description="mean return to reach; null: the environment's own, inf: never"
    )
    consecutive: Count = Field(description="evaluations in a row that must reach it")
    stop: bool = Field(description="end the trial once it has converged")


class DivergenceConfig(Section):
    max_abs_q: Positive = Field(description="a trial with a larger |Q| counts as diverged")


class CheckpointConfig(Section):
    every_seconds: Annotated[Real, Field(ge=0)] = Field(
        description="shortest time between checkpoints; 0: one after every event"
    )
    keep_best: Literal["none", "evaluation", "episode"] = Field(
        description="also keep the network of the best evaluation or of the longest episode"
    )
    keep_final: bool = Field(False, description="keep the final state, so that a larger budget can continue")


class MetricsConfig(Section):
    loss_every: Count = Field(description="updates between samples of the loss")


class VideoConfig(Section):
    every_episodes: Count | None = Field(description="training episodes between films; null: no films")


ReplayConfig = UniformConfig | CombinedConfig | PrioritisedConfig | OnlineConfig
OptimizerConfig = AdamConfig | AdamWConfig | RMSpropConfig | SGDConfig
ExplorationConfig = ExponentialConfig | LinearConfig | MultiplicativeConfig | ConstantConfig
TargetConfig = EpisodesTargetConfig | StepsTargetConfig | SoftTargetConfig | NoTargetConfig

SHORT_NAMES = {
    "replay.capacity": "buffer",
    "replay.batch_size": "batch",
    "target.every": "update_every",
    "optimizer.lr": "lr",
}
"""Keys that also have a short name for the same value."""

EPSILONS = {"start": 1.0, "end": 0.05, "epsilon": 0.1}
"""The values of keys of `exploration` that are null, if the network has no noisy layers."""


class ReturnsConfig(Section):
    """What is known about an environment's returns before any training. C51, studies and reports use it."""

    lowest_reward: Annotated[Finite | None, Field(description="lowest reward; null: unknown")] = None
    highest_reward: Annotated[Finite | None, Field(description="highest reward; null: unknown")] = None
    lowest: Annotated[
        Finite | None, Field(description="lowest discounted return that is distinguished; null: unknown")
    ] = None
    highest: Annotated[
        Finite | None, Field(description="highest discounted return that is distinguished; null: unknown")
    ] = None
    random: Annotated[Finite | None, Field(description="mean return of random play; null: unknown")] = None


class Config(Section):
    """The configuration of one trial, with its seed."""

    train_every: Count = Field(description="env steps between trainings")
    gamma: Fraction = Field(description="discount per step")
    seed: CountOrZero = Field(description="seed of all random draws of the trial; a sweep runs 0 to 4")
    imports: list[str] = Field(description="modules imported first, to register parts of your own")
    init_from: str | None = Field(
        description="start with the network of this trial directory or stable-baselines3 zip file; null: no"
    )
    learner: Literal["auto", "torch", "fused"] = Field(
        description="torch: for any network; fused: faster, for some networks; auto: fused where it applies"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(description="device of the network; auto: the CPU")
    report: bool = Field(description="write a report at the end of a multirun")
    env: EnvConfig
    agent: AgentConfig
    network: NetworkConfig
    replay: Annotated[ReplayConfig, Field(discriminator="name")]
    optimizer: Annotated[OptimizerConfig, Field(discriminator="name")]
    exploration: Annotated[ExplorationConfig, Field(discriminator="name")]
    target: Annotated[TargetConfig, Field(discriminator="name")]
    budget: BudgetConfig
    evaluation: EvaluationConfig
    convergence: ConvergenceConfig
    divergence: DivergenceConfig
    checkpoint: CheckpointConfig
    metrics: MetricsConfig
    video: VideoConfig
    returns: ReturnsConfig = ReturnsConfig()
    observers: dict[str, dict[str, Any]] = Field(
        {}, description="registered name -> options of each observer of your own"
    )
    track: Annotated[list[str], BeforeValidator(_as_list)] = Field(
        [], description="trackers that follow the trial: tensorboard, mlflow, wandb, or your own"
    )
    tracking: dict[str, dict[str, Any]] = Field({}, description="tracker -> its options")

    @property
    def buffer(self) -> int:
        """Replay capacity, transitions."""
        return self.replay.capacity

    @property
    def batch(self) -> int:
        """Batch size, transitions."""
        return self.replay.batch_size

    @property
    def update_every(self) -> int | None:
        """Target refresh period, in the unit of `target`; None without a target network."""
        return self.target.every

    @property
    def lr(self) -> float:
        """Learning rate."""
        return self.optimizer.lr

    @model_validator(mode="before")
    @classmethod
    def _short_names_are_aliases(cls, values: Any) -> Any:
        """Drop the short names; composing the configuration has copied their values to the long names."""
        return {key: value for key, value in dict(values).items() if key not in SHORT_NAMES.values()}

    @model_validator(mode="before")
    @classmethod
    def _epsilon_is_null(cls, values: dict[str, Any]) -> Any:
        """Replace null values of epsilon: by 0 if the network is noisy, otherwise by `EPSILONS`."""
        network, exploration = values.get("network"), values.get("exploration")
        if not isinstance(exploration, dict):
            return values
        is_noisy = isinstance(network, dict) and network.get("noisy") is True
        known = {key: 0.0 if is_noisy else default for key, default in EPSILONS.items()}
        return {
            **values,
            "exploration": {k: known.get(k) if v is None else v for k, v in exploration.items()},
        }

    @model_validator(mode="before")
    @classmethod
    def _options_of_what_tracks(cls, values: dict[str, Any]) -> Any:
        """Keep the options of only those trackers that follow the trial."""
        track, tracking = _as_list(values.get("track")), values.get("tracking")
        if not (isinstance(tracking, dict) and isinstance(track, list | None)):
            return values
        return {**values, "tracking": {name: tracking[name] for name in track or () if name in tracking}}

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        replay = self.replay
        if replay.batch_size > replay.capacity:
            raise ValueError(
                f"batch={replay.batch_size} is larger than buffer={replay.capacity}; allowed: batch <= buffer"
            )
        if self.env.parallel > replay.capacity:
            raise ValueError(
                f"env.parallel={self.env.parallel} is larger than buffer={replay.capacity}: each step stores "
                f"one transition per copy; allowed: env.parallel <= buffer"
            )
        if self.network.name == "mlp_batchnorm" and replay.batch_size == 1:
            raise ValueError(
                "network.name='mlp_batchnorm' cannot learn from batch=1, which has no variance; "
                "allowed: batch >= 2"
            )
        if self.agent.munchausen is not None:
            self._refuse_beside_munchausen()
        if all(limit is None for limit in self.budget.model_dump().values()):
            raise ValueError(
                "budget.episodes, budget.env_steps, budget.learning_episodes and budget.seconds are all "
                "null; allowed: at least one limit"
            )
        self._images_fit()
        if ":" in self.env.id:
            raise ValueError(
                f"env.id={self.env.id!r} names a module; allowed: an environment's id, "
                f"with the module that registers it in imports=[...]"
            )
        return self

    def _refuse_beside_munchausen(self) -> None:
        """Reject what Munchausen targets cannot be combined with.

        They are one-step expectations over actions, computed by the target network alone.
        """
        others = {
            "agent.double=true": (self.agent.double, "false"),
            f"replay.n_step={self.replay.n_step}": (self.replay.n_step > 1, "1"),
            "network.head=c51": (self.network.head.name == "c51", "values, qr"),
        }
        for setting, (is_set, allowed) in others.items():
            if is_set:
                raise ValueError(f"{setting} cannot be combined with agent.munchausen; allowed: {allowed}")

    def _images_fit(self) -> None:
        env, network = self.env, self.network
        if network.name == "cnn" and not env.images:
            raise ValueError(
                f"network.name='cnn' needs images, but env.images=false makes vectors of those of {env.id}; "
                f"allowed: env.images=true, or network=mlp"
            )
        if network.convolutions and network.name.startswith("mlp"):
            raise ValueError(
                f"network.name={network.name!r} does not use network.convolutions; allowed: network=cnn"
            )
        if env.normalise and (env.images or "NormalizeObservation" in env.wrappers):
            other = "env.images=true" if env.images else "env.wrappers.NormalizeObservation"
            raise ValueError(
                f"env.normalise={env.normalise} cannot be combined with {other}; allowed: one of them"
            )

    def evaluation_env(self) -> EnvConfig:
        """The environment of greedy episodes: that of training, with `evaluation.env` and its time limit.

        Without any time limit, a greedy episode has at most `budget.env_steps` steps (100 000 if null).
        A policy that never ends its episode, such as an untrained one in CliffWalking, must not block the
        trial. There is a single copy, which plays one episode after another; with several copies, short
        episodes would end first and be counted more often.
        """
        limit: int | str | None = self.evaluation.max_episode_steps or self.env.max_episode_steps
        if limit == "unlimited":
            limit = self.budget.env_steps or 100_000
        kwargs = {**self.env.kwargs, **self.evaluation.env.kwargs}
        return self.env.model_copy(update={"max_episode_steps": limit, "kwargs": kwargs, "parallel": 1})

    def record(self) -> dict[str, Any]:
        """Plain nested values, including the short names, as recorded in `trial.json`."""
        return {**{name: getattr(self, name) for name in SHORT_NAMES.values()}, **self.model_dump()}

    def content(self) -> dict[str, Any]:
        """Plain nested values of all keys that influence the trial."""
        return content(self)

    def hash(self) -> str:
        """Twelve hexadecimal digits that are equal for two trials if they train in the same way."""
        return digest(content(self))
