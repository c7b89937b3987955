"""The Q-values and actions of a trained network over states: maps, counts of actions, a page with sliders.

The package offers the module `command` (`python -m analysis policy TRIAL`); notebooks use `explorer`.
"""
