"""The error that this package raises on purpose."""

from ingest.errors import IngestError


class ReportError(IngestError):
    """The report cannot be written; the message says what was expected, what was found and what to do."""
