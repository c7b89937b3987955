"""Names of the dimensions of observations, and of actions, for known environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analysis.errors import AnalysisError
from dqn_exp.config import did_you_mean


class Naming(NamedTuple):
    """Names for one environment; a map shows the two dimensions `shown` by default."""

    dimensions: tuple[str, ...]
    units: tuple[str, ...]
    actions: tuple[str, ...]
    shown: tuple[int, int]


KNOWN = {
    "CartPole": Naming(
        ("cart position", "cart velocity", "pole angle", "pole angular velocity"),
        ("m", "m/s", "rad", "rad/s"),
        ("push left", "push right"),
        (2, 3),
    ),
    "MountainCar": Naming(
        ("position", "velocity"),
        ("", "per step"),
        ("push left", "no push", "push right"),
        (0, 1),
    ),
    "Acrobot": Naming(
        (
            "cos angle 1",
            "sin angle 1",
            "cos angle 2",
            "sin angle 2",
            "angular velocity 1",
            "angular velocity 2",
        ),
        ("", "", "", "", "rad/s", "rad/s"),
        ("torque -1", "no torque", "torque +1"),
        (4, 5),
    ),
    "LunarLander": Naming(
        (
            "horizontal position",
            "height",
            "horizontal velocity",
            "vertical velocity",
            "angle",
            "angular velocity",
            "left leg contact",
            "right leg contact",
        ),
        ("", "", "", "", "rad", "", "", ""),
        ("no engine", "left engine", "main engine", "right engine"),
        (1, 3),
    ),
}


def name_actions(own: Sequence[str], n_actions: int, first_action: int = 0) -> tuple[str, ...]:
    """The environment's own names of its actions, or their numbers from `first_action` on."""
    return tuple(own) or tuple(f"action {first_action + i}" for i in range(n_actions))


def naming(
    environment_id: str,
    observation_size: int,
    n_actions: int,
    first_action: int = 0,
    own_actions: Sequence[str] = (),
) -> Naming:
    """The names of an environment's dimensions and actions; numbered names if it is unknown.

    `own_actions`: the environment's own names of its actions. Without them, actions of an unknown
    environment are numbered from `first_action` on, like in the environment.
    """
    known = KNOWN.get(environment_id.split("/")[-1].rpartition("-v")[0])
    if known and (len(known.dimensions), len(known.actions)) == (observation_size, n_actions):
        return known
    return Naming(
        tuple(f"observation {i}" for i in range(observation_size)),
        ("",) * observation_size,
        name_actions(own_actions, n_actions, first_action),
        (0, min(1, observation_size - 1)),
    )


def find_dimension(text: str, names: Sequence[str]) -> int:
    """The index of a dimension, from its name or number; raises AnalysisError if there is none."""
    if text in names:
        return names.index(text)
    if text.isdigit() and int(text) < len(names):
        return int(text)
    listing = ", ".join(f"{index} ({name})" for index, name in enumerate(names))
    raise AnalysisError(f"dimension {text!r} is unknown.{did_you_mean(text, names)} Allowed: {listing}")
