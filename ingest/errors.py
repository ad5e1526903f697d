"""What may go wrong with files on their way into the raw database."""

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.errors import ProjectError


class SourceError(ProjectError):
    """The place that files should come from does not have them, or cannot be read."""


class DownloadError(SourceError):
    """A file could not be fetched."""


class ContentError(ProjectError):
    """The bytes are not what they should be.

    Parameters
    ----------
    expected, found, advice : str
        What should have been there, what is there, and what to do.
    """

    def __init__(self, expected: str, found: str, advice: str) -> None:
        super().__init__(f"expected {expected}; found {found}; {advice}")
        self.expected = expected
        self.found = found
        self.advice = advice


class TransportError(ContentError):
    """The bytes are not a whole SAS transport file of version 5."""


class PageError(ContentError):
    """The bytes are not CDC's page of a file."""


@dataclass(frozen=True, kw_only=True)
class FileFinding:
    """One reason why one file was refused; `fetch_again` where another copy of it may be right."""

    file: str
    place: str
    expected: str
    found: str
    advice: str
    fetch_again: bool = True

    def __str__(self) -> str:
        return (
            f"{self.file} ({self.place})\n"
            f"    expected:   {self.expected}\n"
            f"    found:      {self.found}\n"
            f"    what to do: {self.advice}"
        )


class RefusedError(ProjectError):
    """Files were refused; nothing was written.

    Parameters
    ----------
    findings : sequence of FileFinding
        All that was found in all files.
    """

    def __init__(self, findings: Sequence[FileFinding]) -> None:
        self.findings = tuple(findings)
        count = len({finding.file for finding in findings})
        files = "1 file was" if count == 1 else f"{count} files were"
        head = f"{files} refused, so nothing was loaded; what was loaded before is unchanged."
        super().__init__("\n".join([head, *(f"  {finding}" for finding in findings)]))
