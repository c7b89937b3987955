"""Real games of MinAtar and Atari: they continue exactly, and scores are those of the game itself."""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
import numpy as np
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.envs import make_environment, make_environments
from dqn_exp.envs.packages import PACKAGES, register_package
from dqn_exp.images import ImageBox
from dqn_exp.training.run import EpisodeEnded
from tests.helpers import dqn, make_config, run

BRIEF: dict[str, Any] = {
    "budget__env_steps": 300,
    "batch": 8,
    "train_every": 10,
    "network__hidden": [8],
    "evaluation__final_episodes": 1,
    "evaluation__max_episode_steps": 50,
}
GAMES = {"asterix": 4, "breakout": 4, "freeway": 7, "seaquest": 10, "space_invaders": 6}
"""Channels of MinAtar's games."""


@pytest.mark.parametrize("game", GAMES)
def test_minatar_shows_what_the_game_shows(game: str) -> None:
    config = make_config(env="minatar", env__game=game)
    assert config.env.id == f"MinAtar/{game.title().replace('_', '')}-v1"
    env = make_environment(config.env, render_mode="rgb_array")
    own = gymnasium.make(config.env.id)
    space = env.observation_space
    assert isinstance(space, ImageBox)
    assert (space.shape, space.largest, space.stack) == ((GAMES[game], 10, 10), 1, 1)
    assert env.action_space.n == own.action_space.n  # type: ignore[attr-defined]
    seen, expected = [env.reset(3)], [own.reset(seed=3)[0]]
    for action in [1, 0, 2, 1, 1]:
        seen.append(env.step(np.int64(action))[0])
        expected.append(own.step(action)[0])
    np.testing.assert_array_equal(seen, np.moveaxis(expected, -1, 1))
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((320, 320, 3), np.uint8)
    assert len(np.unique(picture[::32, ::32].reshape(-1, 3), axis=0)) > 1
    assert env.frames_per_second == 10


def test_the_action_that_may_stick_over_the_end_of_an_episode_is_kept() -> None:
    """A step sticks with probability 0.1: of 60 first steps some repeat what the last episode ended with."""
    config = make_config(env="minatar").env
    trained = make_environments(config, lambda _, episode: episode)
    actions = np.random.default_rng(0).integers(3, size=400)
    state: Any = None
    for number, action in enumerate(actions):
        trained.observe()
        trained.step(np.array([action]))
        if number % 3 == 0:
            state = trained.state()
            other = make_environments(config, lambda _, episode: episode)
            assert other.load_state(state)


def test_a_lost_life_ends_what_is_learned_and_not_the_game() -> None:
    """Breakout has five lives; who never moves loses them all, and scores what the game says."""
    settings = {**BRIEF, "budget__env_steps": None, "budget__episodes": 2, "train_every": 10**6}
    config = make_config(env="atari", env__game="breakout", exploration="constant", **settings)
    trial, events = run(config)
    replay = dqn(trial).replay
    ends = int((replay.transitions.discount[: len(replay)] == 0).sum())
    episodes = [event for event in events if isinstance(event, EpisodeEnded)]
    assert len(episodes) == 2
    assert ends == 5 * len(episodes)
    assert sum(event.total_return for event in episodes) == replay.transitions.reward[: len(replay)].sum()


class Lives(gymnasium.Env[np.ndarray, int]):
    """Three lives, one of which goes in every second step; each step scores 7."""

    observation_space = gymnasium.spaces.Box(0, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return np.zeros(1, np.float32), {"lives": 3}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        lives = 3 - self._steps // 2
        return np.zeros(1, np.float32), 7.0, lives == 0, False, {"lives": lives}


gymnasium.register("games/Lives-v0", Lives)  # type: ignore[arg-type]


def test_discounts_are_zero_where_a_life_is_lost() -> None:
    config = make_config(
        **{"env": "gymnasium", "env__id": "games/Lives-v0", "convergence__threshold": 1},
        env__wrappers={"life_loss": {}},
        learner="torch",
        agent__max_abs_reward=1,
        budget__env_steps=12,
        evaluation__final_episodes=1,
    )
    trial, events = run(config)
    columns = dqn(trial).replay.transitions
    assert columns.discount[:12].tolist() == np.float32([0.99, 0] * 6).tolist()
    assert columns.reward[:12].tolist() == [1] * 12
    assert [event.total_return for event in events if isinstance(event, EpisodeEnded)] == [42, 42]
    assert trial.evaluate(1).returns == [42]


@pytest.mark.parametrize("name", ["life_loss", "minatar"])
def test_wrappers_of_games_are_refused_around_others(name: str) -> None:
    with pytest.raises(ConfigError, match=r"CartPole.*; allowed: "):
        make_config(env__wrappers={name: {}})


@pytest.mark.parametrize(("namespace", "extra"), [("MinAtar", "minatar"), ("ALE", "atari")])
def test_a_missing_package_is_told_with_what_brings_it(
    namespace: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gymnasium, "registry", {})
    monkeypatch.setitem(sys.modules, PACKAGES[namespace].module, None)
    with pytest.raises(
        ConfigError, match=rf"^env.id={namespace}/X-v1 needs .*pip install 'dqn_exp\[{extra}\]"
    ):
        register_package(f"{namespace}/X-v1")
