"""Games with several lives."""

from __future__ import annotations

from typing import Any

import gymnasium


class LifeLoss(gymnasium.Wrapper[Any, Any, Any, Any]):
    """What follows the loss of a life counts nothing for what is learned; the episode is still the game.

    As DQN Zoo has it: the discount is 0 there. So returns are scores of whole games, also in training, and
    later lives are played from where the game has come to. Needs `info["lives"]`, as Atari's games have it.
    """

    lost_life = False
    """In the latest step, which did not end the game."""

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        if "lives" not in info:
            raise ValueError(f"{self.env} says nothing in info['lives']; allowed: games with lives")
        self._lives, self.lost_life = int(info["lives"]), False
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, self._lives = self._lives, int(info["lives"])
        self.lost_life = self._lives < before
        return observation, reward, terminated, truncated, info
