"""The figures of a study, one function for each.

They show scores (`history`, `intermediate_values`, `by_environment`, `pareto`), parameters (`slices`,
`contour`, `parallel_coordinates`, `importance_bars`), and the winners on fresh seeds (`confirmation`).
"""

from typing import TYPE_CHECKING

from dqn_exp.faces import lazy

if TYPE_CHECKING:
    from analysis.study.figures.importances import importance_bars
    from analysis.study.figures.parameters import contour, parallel_coordinates, slices
    from analysis.study.figures.search import by_environment, history, intermediate_values, pareto
    from analysis.study.figures.winners import confirmation

__getattr__ = lazy(__name__, __file__)
