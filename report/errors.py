"""The error that this package raises on purpose."""

from warehouse.errors import ProjectError


class ReportError(ProjectError):
    """The report cannot be written; the message says what was expected, what was found and what to do."""
