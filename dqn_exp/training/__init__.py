"""One training run as an iterator of events.

`build_run` builds the parts of a configuration; `train` runs the training and yields events. The package
`dqn_exp.runs` writes the events to disk.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.agent import Learned
    from dqn_exp.training.evaluate import Score
    from dqn_exp.training.run import EpisodeEnded, Evaluated, Event, Run, build_run, train
    from dqn_exp.training.video import check_video, film, filmed_environment, write_mp4

__getattr__ = lazy(__name__, __file__)
