"""A running sweep or study in the browser: `python -m analysis watch SWEEP_DIR`.

A light page shows at once the ended and running trials and the time left. Below it is the report, which
another process draws again as trials end. The server only reads; no request of a browser changes anything.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.watch.command import watch

__getattr__ = lazy(__name__, __file__)
