"""The exception for faulty environments."""


class EnvironmentFault(RuntimeError):
    """An environment violates gymnasium's interface. This is a failure, not an outcome of learning."""
