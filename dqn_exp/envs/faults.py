"""What is raised where it is not learning that went wrong."""


class EnvironmentFault(RuntimeError):
    """An environment that does not keep to its contract: no outcome of learning."""
