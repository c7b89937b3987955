"""One gymnasium environment in the form that the training loop needs, without repeated checks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from math import isfinite
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces

from dqn_exp.config import ConfigError, EnvConfig, did_you_mean
from dqn_exp.envs.faults import EnvironmentFault
from dqn_exp.envs.generators import SharedGenerators, forgets_its_seed, seed_generator
from dqn_exp.envs.images import image_encoder
from dqn_exp.envs.masking import MaskBehindObservation
from dqn_exp.envs.packages import register_package
from dqn_exp.envs.wrapping import wrap
from dqn_exp.masks import MaskedBox

Encoder = Callable[[Any], Any]


class Environment:
    """An environment with actions 0..n-1 whose observations are vectors or images.

    observation_space:
    - Box float32[D]: Discrete observations are one-hot, others are flattened;
    - MaskedBox float32[D + A] if the action mask is respected;
    - ImageBox uint8[C, H, W] if `images`.

    action_space: Discrete(n), from 0.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        max_episode_steps: float,
        name: str = "env",
        images: bool = False,
        truncation_is_terminal: bool = False,
    ) -> None:
        """`truncation_is_terminal`: an episode that a time limit cuts off counts as terminated, too."""
        self._env, self.name = env, name
        self._env_step = env.step
        self._encode, self.observation_space = (image_encoder if images else _encoder)(env, name)
        actions = cast(spaces.Discrete, env.action_space)
        self._shape = self.observation_space.shape
        self.action_space = spaces.Discrete(int(actions.n))
        self._first_action = np.int64(actions.start)  # numpy's integers, as the space itself draws them
        self._limit, self._cut_is_terminal = max_episode_steps, truncation_is_terminal
        self._length = 0
        self.layers = layers_of(env)
        self._shared, self._forgets_its_seed = SharedGenerators(self.layers), False
        self.stateful = [layer for layer in self.layers if hasattr(layer, "load_state")]
        self.learning = [layer for layer in self.layers if hasattr(layer, "freeze")]
        self._with_lives = [layer for layer in self.layers if hasattr(layer, "lost_life")]
        self.lost_life = False
        """Whether a wrapper reports a lost life in the latest step; learning treats it as a termination."""
        self._measured = [layer for layer in self.layers if hasattr(layer, "measures")]
        self.measure_names = [name for layer in self._measured for name in layer.measure_names]

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode; returns its first observation, valid until the next call.

        The episode depends only on `seed` and on its actions, even if the environment draws from the global
        generators or does not seed its own. Raises EnvironmentFault.
        """
        shared, self._length = self._shared, 0
        if not shared.needed:
            return self._reset(seed)
        shared.begin(seed)
        observation: np.ndarray = shared.call(self._reset, seed)
        shared.has_begun()
        self._env_step = partial(shared.call, self._env.step) if shared.needed else self._env.step
        return observation

    def _reset(self, seed: int) -> np.ndarray:
        if self._forgets_its_seed:
            seed_generator(self._env, seed)
        before = [layer.state() for layer in self.stateful]
        returned = self._env.reset(seed=seed)
        if not self._forgets_its_seed and forgets_its_seed(self._env, seed):
            self._forgets_its_seed = True
            for layer, state in zip(self.stateful, before, strict=True):
                layer.load_state(state)
            return self._reset(seed)
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise self._fault("reset", returned, "(observation, info)")
        self.reset_info: Mapping[str, Any] = returned[1]
        observation: np.ndarray = self._encode(returned[0])
        if observation.shape != self.observation_space.shape:
            raise self._fault("reset", returned, f"an observation of {self._env.observation_space}")
        return observation

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool]:
        """Returns next observation (valid until the next call), reward, terminated, truncated.

        Raises EnvironmentFault if the environment returns anything else or a reward that is not finite.
        """
        returned = self._env_step(self._first_action + action)
        try:
            observation, reward, terminated, truncated, _ = returned
            earned = float(reward)
        except (TypeError, ValueError):
            expected = "(observation, reward, terminated, truncated, info) with a number for reward"
            raise self._fault("step", returned, expected) from None
        self._length += 1
        if self._with_lives:
            self.lost_life = any(layer.lost_life for layer in self._with_lives)
        encoded = self._encode(observation)
        if encoded.shape != self._shape:
            raise self._fault("step", returned, f"an observation of {self._env.observation_space}")
        if not isfinite(earned):
            raise EnvironmentFault(f"{self.name}: its step {self._length} returned the reward {earned}")
        cut = truncated or self._length >= self._limit
        return encoded, earned, terminated or (cut and self._cut_is_terminal), cut

    def _fault(self, call: str, returned: Any, expected: str) -> EnvironmentFault:
        text = repr(returned)
        text = text if len(text) <= 200 else f"{text[:200]} ..."
        return EnvironmentFault(f"{self.name}: its {call} returned {text}; expected {expected}")

    def measures(self) -> dict[str, float]:
        """The quality measures of the episode so far, from the wrappers that offer `measures`."""
        return {name: value for layer in self._measured for name, value in layer.measures().items()}

    @property
    def action_names(self) -> tuple[str, ...]:
        """The environment's names of its actions, in lower case; empty if it has none."""
        meanings = [
            layer.get_action_meanings for layer in self.layers if hasattr(layer, "get_action_meanings")
        ]
        names = tuple(name.lower() for name in meanings[0]()) if meanings else ()
        return names if len(names) == self.action_space.n else ()

    @property
    def first_action(self) -> int:
        """The environment's own number of action 0."""
        return int(self._first_action)

    @property
    def render_modes(self) -> list[str]:
        return list(self._env.metadata.get("render_modes", []))

    @property
    def frames_per_second(self) -> float:
        """The rate at which rendered pictures should be shown."""
        return float(self._env.metadata.get("render_fps", 30))

    def render(self) -> np.ndarray:
        """A picture of the current state, uint8[height, width, 3]; needs render_mode="rgb_array"."""
        return np.asarray(self._env.render())

    def close(self) -> None:
        self._env.close()


def make_environment(config: EnvConfig, render_mode: str | None = None) -> Environment:
    """Build the environment of `config`; raises ConfigError if it cannot be made or used.

    gymnasium's checking wrappers are left out. `Environment` applies the time limit.
    """
    spec = copy.deepcopy(find_spec(config.id))
    limit = config.max_episode_steps or spec.max_episode_steps or "unlimited"
    spec.order_enforce, spec.disable_env_checker = False, True
    kwargs = {**config.kwargs, **({"render_mode": render_mode} if render_mode else {})}
    try:
        env = gymnasium.make(spec, max_episode_steps=-1, **kwargs)
    except Exception as error:
        raise ConfigError(
            f"env.id={config.id} with env.kwargs={config.kwargs} cannot be made: {error}"
        ) from error
    if env.unwrapped.spec is not None and limit != "unlimited":
        env.unwrapped.spec.max_episode_steps = limit  # read by wrappers that add the time to observations
    _check_actions_quickly(env.unwrapped)
    name = f"env.id={config.id}"
    for wrapper, wrapper_options in config.wrappers.items():
        env = wrap(env, wrapper, wrapper_options)
    if config.normalise == "running":
        env = wrap(env, "NormalizeObservation", {})
    _check_actions(env, name)
    if config.action_masks:
        if config.images:
            raise ConfigError(
                f"env.images=true, and {name} has action masks, which need vectors as observations; "
                f"allowed: env.images=false, or env.action_masks=false (masks are ignored)"
            )
        env = MaskBehindObservation(env, *_encoder(env, name), name)
    longest = float("inf") if limit == "unlimited" else limit
    return Environment(env, longest, name, config.images, config.truncation == "terminal")


def _check_actions(env: gymnasium.Env[Any, Any], name: str) -> None:
    actions = getattr(env, "action_space", None)
    if isinstance(actions, spaces.Discrete):
        return
    help_ = ""
    if isinstance(actions, spaces.Box):
        help_ = ", or a wrapper: +env.wrappers.discretise.bins=3"
    elif isinstance(actions, spaces.MultiDiscrete | spaces.MultiBinary):
        help_ = ", or a wrapper: +env.wrappers.flatten_actions={}"
    raise ConfigError(f"{name} has actions {actions}; allowed: environments with discrete actions{help_}")


def _check_actions_quickly(env: gymnasium.Env[Any, Any]) -> None:
    """Speed up the validity check that environments make of each action: a third of a step of CartPole."""
    space = vars(env).get("action_space")
    if isinstance(space, spaces.Discrete):
        actions, check = frozenset(range(int(space.start), int(space.start + space.n))), space.contains
        space.contains = lambda x: (type(x) is np.int64 and x in actions) or check(x)  # type: ignore[method-assign]


def find_spec(environment_id: str) -> gymnasium.envs.registration.EnvSpec:
    """gymnasium's specification of an environment; raises ConfigError if the id is unknown."""
    if environment_id == "???":
        raise ConfigError("env.id is missing; allowed: env.id=NAME-vN, such as env.id=FrozenLake-v1")
    register_package(environment_id)
    try:
        return gymnasium.spec(environment_id)
    except gymnasium.error.Error as error:
        hint = did_you_mean(environment_id, gymnasium.registry)
        raise ConfigError(
            f"env.id={environment_id} is unknown.{hint} Allowed: any environment that gymnasium "
            f"or a module in imports=[...] registers ({error})"
        ) from error


def layers_of(env: gymnasium.Env[Any, Any]) -> list[Any]:
    """The environment and its wrappers, innermost first."""
    layers: list[Any] = [env]
    while isinstance(layers[-1], gymnasium.Wrapper):
        layers.append(layers[-1].env)
    return layers[::-1]


def _encoder(env: gymnasium.Env[Any, Any], name: str) -> tuple[Encoder, spaces.Box]:
    """The function that converts an observation to a vector, and the space of the vectors."""
    space = getattr(env, "observation_space", None)
    if isinstance(space, MaskedBox):
        return _as_array, space
    if isinstance(space, spaces.Box):
        return (_as_array if len(space.shape) == 1 else _flatten), _vectors(space.low, space.high)
    if isinstance(space, spaces.Discrete):
        rows, first = np.eye(int(space.n), dtype=np.float32), int(space.start)

        def one_hot(state: Any) -> Any:
            index = state - first
            if not 0 <= index < len(rows):
                raise EnvironmentFault(f"the observation {state} is not in {space}")
            return rows[index]

        return one_hot, _vectors(rows[0] * 0, rows[0] * 0 + 1)
    if space is None or not _can_be_flattened(space):
        raise ConfigError(_unflattenable(space, name))
    flat = cast(spaces.Box, spaces.flatten_space(space))
    return lambda observation: spaces.flatten(space, observation), _vectors(flat.low, flat.high)


def _can_be_flattened(space: spaces.Space[Any]) -> bool:
    try:
        return isinstance(spaces.flatten_space(space), spaces.Box)
    except NotImplementedError:  # a type of space that gymnasium does not know
        return False


def _unflattenable(space: spaces.Space[Any] | None, name: str) -> str:
    """The message that names the parts that cannot be flattened, and the wrapper that removes them."""
    parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {}
    wrong = [key for key, part in parts.items() if not _can_be_flattened(part)]
    if not wrong or len(wrong) == len(parts):
        return (
            f"{name} has observations {space}, which cannot be flattened to a vector of numbers; "
            f"allowed: a wrapper that turns them into numbers, in a module named in imports=[...]"
        )
    listed = ", ".join(f"{key!r}, {parts[key]}" for key in wrong)
    rest = ",".join(str(key) for key in parts if key not in wrong)
    return (
        f"{name} has observations with {listed}, which cannot be flattened to numbers; "
        f"allowed: a wrapper that leaves these out: +env.wrappers.FilterObservation.filter_keys=[{rest}]"
    )


def _vectors(low: np.ndarray, high: np.ndarray) -> spaces.Box:
    return spaces.Box(low.ravel().astype(np.float32), high.ravel().astype(np.float32), dtype=np.float32)


def _as_array(observation: Any) -> Any:
    return observation if isinstance(observation, np.ndarray) else np.asarray(observation)


def _flatten(observation: Any) -> np.ndarray:
    return np.reshape(observation, -1)
