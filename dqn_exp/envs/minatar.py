"""A wrapper for MinAtar's games."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

MEANINGS = ("noop", "left", "up", "right", "down", "fire")
"""The meanings of MinAtar's actions, by number."""
PIXELS = 32
"""The side of one cell of the game in a picture, in pixels."""


class MinAtarGame(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Saves the state that a game keeps between episodes, and renders pictures of a visible size.

    With sticky actions, the first step of an episode may repeat the last action of the previous episode. No
    seed determines that action, so it is part of the state.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._game: Any = getattr(env.unwrapped, "game", None)
        if not hasattr(self._game, "last_action"):
            raise ValueError(f"{env} is not a game of MinAtar; allowed: env=minatar")

    def state(self) -> dict[str, Any]:
        return {"last_action": int(self._game.last_action)}

    def load_state(self, state: dict[str, Any]) -> None:
        self._game.last_action = state["last_action"]

    def get_action_meanings(self) -> list[str]:
        """The names of the actions, by the method name that ale-py's games use."""
        return [MEANINGS[action] for action in self.env.unwrapped.action_set]  # type: ignore[attr-defined]

    def render(self) -> np.ndarray:  # type: ignore[override]
        """A picture uint8[320, 320, 3]."""
        cells = np.round(255 * np.asarray(self.env.render())).astype(np.uint8)
        return cells.repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
