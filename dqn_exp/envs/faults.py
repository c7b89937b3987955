"""The exception for faulty environments."""


class EnvironmentFault(RuntimeError):
    """An environment returned something invalid. This is a failure, not an outcome of learning."""
