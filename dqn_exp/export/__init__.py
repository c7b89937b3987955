"""Models that travel: a trained network as a folder that others can use, without this program too.

`python -m dqn_exp.export TRIAL` writes the folder; `load_model` brings its network back here. A format that
cannot hold a network is `NotExportable`.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.export.folder import load_model
    from dqn_exp.export.formats import NotExportable

__getattr__ = lazy(__name__, __file__)
