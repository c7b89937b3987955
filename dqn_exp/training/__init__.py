"""One training run: an iterator of events.

`train` yields what happens; writing it down is the business of others.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.training.evaluate import Score
    from dqn_exp.training.trial import Diverged, EpisodeEnded, Evaluated, Event, LossSampled, Trial, train
    from dqn_exp.training.video import check_video, filmed_environment, play, write_mp4

__getattr__ = lazy(__name__, __file__)
