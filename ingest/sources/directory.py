"""Files that already lie in a folder, in any sub-folders, their names in any case."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ingest.errors import SourceError
from ingest.sources import Say, SourceFile, page_beside
from warehouse.errors import cannot
from warehouse.seeds.catalogue import Catalogue

_LISTED = 8


@dataclass(frozen=True)
class DirectorySource:
    """Takes the catalogue's files from a folder.

    Parameters
    ----------
    folder : Path
        Looked through with all its sub-folders.
    """

    folder: Path

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Find every file of the catalogue.

        Parameters
        ----------
        catalogue : Catalogue
            The files to find.
        say : callable
            Takes a line about files that are ignored.

        Returns
        -------
        list of SourceFile
            In the order of the catalogue.

        Raises
        ------
        SourceError
            If the folder cannot be read, a file is missing, or two different files have one name.
        """
        try:
            return self._find(catalogue, say)
        except OSError as error:
            raise SourceError(cannot("read", Path(error.filename or self.folder), error)) from error

    def _find(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        folder = self.folder.resolve()
        if not folder.is_dir():
            found = "a file" if folder.exists() else "nothing"
            raise SourceError(f"Expected a folder with NHANES transport files at {folder}, found {found}.")
        known: dict[str, list[Path]] = {}
        ignored: list[str] = []
        others: dict[str, Path] = {}
        for path in sorted(_walk(folder)):
            name = path.stem.upper()
            if path.suffix.upper() != ".XPT" or not path.is_file():
                others.setdefault(name.removesuffix(".XPT"), path)
            elif name in catalogue.by_name:
                known.setdefault(name, []).append(path)
            else:
                ignored.append(path.name)
        if ignored:
            say(f"Ignored (not in seeds/nhanes_files.csv): {_some(ignored)}")
        _refuse_missing(folder, [name for name in catalogue.by_name if name not in known], others)
        _refuse_ambiguous(known)
        return [
            SourceFile(entry=entry, path=path, page=page_beside(path), source="directory", address=str(path))
            for entry in catalogue.files
            for path in known[entry.name][:1]
        ]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, through links to folders too, each folder once."""
    seen: set[tuple[int, int]] = set()

    def fail(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for name in names:
            yield Path(root, name)


def _refuse_missing(folder: Path, missing: list[str], others: dict[str, Path]) -> None:
    if not missing:
        return
    lines = [
        f"{'1 file is' if len(missing) == 1 else f'{len(missing)} files are'} missing in {folder} "
        f"and its sub-folders: {', '.join(f'{name}.XPT' for name in missing)}.",
        "Add them (CDC's addresses are in seeds/nhanes_files.csv), "
        "or let `make build` download everything, or try `make demo` (synthetic data).",
    ]
    similar = [str(others[name]) for name in missing if name in others]
    if similar:
        lines.append(f"Found instead, but not a transport file: {_some(similar)}.")
    raise SourceError("\n".join(lines))


def _refuse_ambiguous(known: dict[str, list[Path]]) -> None:
    lines = []
    for name, paths in known.items():
        if len(paths) > 1 and len({_digest(path) for path in paths}) > 1:
            lines.append(f"{name}.XPT lies in several places with different content: {_some(paths)}.")
    if lines:
        raise SourceError("\n".join([*lines, "Keep one of each."]))


def _digest(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _some(names: list[str] | list[Path]) -> str:
    rest = len(names) - _LISTED
    listed = ", ".join(map(str, names[:_LISTED]))
    printable = "".join(letter if letter.isprintable() else "?" for letter in listed)
    return printable + (f" and {rest} more" if rest > 0 else "")
