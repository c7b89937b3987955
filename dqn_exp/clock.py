"""The clock of a trial: the counts that schedules, budgets and records use."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dqn_exp.config import BudgetConfig


def multiples_reached(every: int, now: int, advance: int) -> int:
    """How many multiples of `every` a count has reached that advanced by `advance` to `now`."""
    return now // every - (now - advance) // every


@dataclass
class Clock:
    """What the trial has done so far."""

    episodes: int = 0
    env_steps: int = 0
    updates: int = 0
    learning_episodes: int = 0  # episodes that ended after the first update

    def state(self) -> dict[str, int]:
        return asdict(self)

    def load_state(self, state: dict[str, int]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def spent(self, budget: BudgetConfig) -> bool:
        """Whether any limit of `budget` has been reached."""
        return (
            (budget.env_steps is not None and self.env_steps >= budget.env_steps)
            or (budget.episodes is not None and self.episodes >= budget.episodes)
            or (budget.learning_episodes is not None and self.learning_episodes >= budget.learning_episodes)
        )
