"""A running sweep or study in the browser: `python -m analysis watch SWEEP_DIR`.

A light page tells at once what has ended, what runs now and how long it may take; below it stands the report,
drawn again by another process as trials end. Nothing that a browser asks for changes anything.
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.watch.command import watch

__getattr__ = lazy(__name__, __file__)
