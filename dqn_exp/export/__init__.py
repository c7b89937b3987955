"""Export a trained network as a folder that others can use, also without this program.

`python -m dqn_exp.export TRIAL` writes the folder; `load_model` loads its network again. `NotExportable` is
raised if a format cannot represent a network.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from dqn_exp.export.folder import load_model
    from dqn_exp.export.formats import NotExportable

__getattr__ = lazy(__name__, __file__)
