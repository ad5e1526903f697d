"""Where transport files come from. A source finds or fetches every file of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from warehouse.seeds.catalogue import Catalogue, CatalogueFile

SourceName = Literal["cdc", "directory", "demo"]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """A file of the catalogue that lies on this machine.

    `source` is what the source claims; a file that says of itself that it is synthetic is
    recorded as ``demo`` wherever it was found. `address` is what is recorded: a URL or a path. `page` is
    CDC's page of the file, None where it is not there.
    """

    entry: CatalogueFile
    path: Path
    page: Path | None
    source: SourceName
    address: str


class Source(Protocol):
    """A place that files come from."""

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Return every file of the catalogue, or raise one `SourceError` that names all that are missing."""
        ...


def page_beside(path: Path) -> Path | None:
    """Return the page that lies beside a transport file under the same name, in any case; None without."""
    pages = [
        other
        for other in path.parent.iterdir()
        if other.suffix.lower() in (".htm", ".html") and other.stem.upper() == path.stem.upper()
    ]
    return min(pages, default=None)
