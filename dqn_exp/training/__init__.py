"""One training run: an iterator of events.

`build_run` makes the parts of a configuration and `train` yields what happens; writing it down is the
business of others.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.agent import Learned
    from dqn_exp.training.evaluate import Score
    from dqn_exp.training.run import EpisodeEnded, Evaluated, Event, Run, build_run, train
    from dqn_exp.training.video import check_video, film, filmed_environment, write_mp4

__getattr__ = lazy(__name__, __file__)
