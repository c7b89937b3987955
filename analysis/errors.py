"""Why there is nothing to analyse."""


class AnalysisError(Exception):
    """Bad input; the message says what and where."""


class SkippedWarning(UserWarning):
    """A trial, or a part of one, could not be read."""
