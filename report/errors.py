"""The error that this package raises on purpose."""


class ReportError(Exception):
    """The report cannot be written; the message says what was expected, what was found and what to do."""
