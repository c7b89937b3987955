"""Thin adapters that Hydra discovers; the work is done in dqn_exp.launch."""
