"""A wrapper for games with several lives."""

from __future__ import annotations

from typing import Any

import gymnasium


class LifeLoss(gymnasium.Wrapper[Any, Any, Any, Any]):
    """For learning, the loss of a life terminates; the episode still goes on to the end of the game.

    The discount is 0 at the loss of a life, as in DQN Zoo. Returns are therefore scores of whole games, in
    training too, and each later life starts where the game stands. Needs `info["lives"]`, as in Atari games.
    """

    lost_life = False
    """Whether a life was lost in the latest step."""

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        if "lives" not in info:
            raise ValueError(f"{self.env} gives no info['lives']; allowed: games with lives")
        self._lives, self.lost_life = int(info["lives"]), False
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, self._lives = self._lives, int(info["lives"])
        self.lost_life = self._lives < before
        return observation, reward, terminated, truncated, info
