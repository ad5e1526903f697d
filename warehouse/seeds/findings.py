"""What is wrong in a seed or a setting, and the names that were perhaps meant."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from warehouse.errors import ProjectError

_LISTED = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what should be there, what is there, and the nearest valid names."""

    place: str
    expected: str
    found: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f" (nearest: {', '.join(self.nearest)})" if self.nearest else ""
        return f"{self.place}: expected {self.expected}, found {self.found}{near}"


class FindingsError(ProjectError):
    """Seeds, studies or settings are wrong; nothing was run.

    Parameters
    ----------
    findings : sequence of Finding
        All that was found.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
        head = f"{count} in the seeds, studies or settings, so nothing was run:"
        super().__init__("\n".join([head, *(f"  {finding}" for finding in findings)]))


def nearest_names(value: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the names most like a value, whatever their case; the first few if none is like it."""
    folded = {name.casefold(): name for name in sorted(names)}
    near = difflib.get_close_matches(value.casefold(), list(folded), n=3, cutoff=0.4)
    return tuple(folded[name] for name in near) or tuple(sorted(names)[:_LISTED])
