"""Hydra plugins: a search path, launchers and two sweepers, which call `dqn_exp.launch` and `.study`."""
