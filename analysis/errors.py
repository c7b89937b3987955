"""Errors and warnings of the analysis."""


class AnalysisError(Exception):
    """Bad input; the message says what and where."""


class SkippedWarning(UserWarning):
    """A trial, or a part of one, could not be read."""
