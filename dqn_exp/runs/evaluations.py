"""The learning curve of a trial: its evaluations over one of its clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dqn_exp.scores import Floats

_NONE: Floats = np.empty(0)


class LearningCurve(NamedTuple):
    """The evaluations of one trial."""

    times: Floats  # [m], ascending
    returns: Floats  # [m], mean returns


def learning_curve(evaluations: Mapping[str, Floats], clock: str) -> LearningCurve:
    """The curve in the columns of an evaluations file over `clock` (env_step or episode); empty without."""
    return LearningCurve(evaluations.get(clock, _NONE), evaluations.get("mean_return", _NONE))
