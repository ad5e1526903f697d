"""Files that a user adds to those of the project: any public file of any release, by name."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import SourceError
from ingest.sources import Say, Source, SourceFile, page_beside
from ingest.sources.cdc import CdcSource
from ingest.sources.directory import DirectorySource
from warehouse.errors import cannot
from warehouse.seeds.catalogue import KEY, Catalogue, CatalogueFile, Cycle, Variable
from warehouse.seeds.findings import nearest_names
from warehouse.seeds.published import Published, PublishedFile, read_published

FOLDER_NAME = "added"
# Respondent numbers have six digits at most; seeds/nhanes_cycles.csv has the range of some releases.
_LAST_SEQN = 999_999


def published_entry(file: PublishedFile, catalogue: Catalogue) -> CatalogueFile:
    """Return the row of the catalogue of a file, or one like it for a file that the catalogue lacks.

    Such a row asks for respondent numbers only: CDC's page says how many rows there are, and of what.
    """
    if file.file in catalogue.by_name:
        return catalogue.by_name[file.file]
    cycles = {known.cycle.name: known.cycle for known in catalogue.files}
    cycle = cycles.get(file.release) or Cycle(
        name=file.release, description=file.release, years=0.0, first_seqn=1, last_seqn=_LAST_SEQN
    )
    return CatalogueFile(
        name=file.file,
        cycle=cycle,
        component=component(file.file),
        address=file.address,
        expected_rows=0,
        variables=(Variable(KEY, KEY),),
    )


def component(file: str) -> str:
    """Return a file's name without its release: PBCD of PBCD_F or P_PBCD."""
    return re.sub(r"^P_|_[A-L]$", "", file)


def chosen(published: Published, release: str, names: Sequence[str]) -> list[PublishedFile]:
    """Find files of a release by name, with or without what marks the release (PBCD_F or PBCD).

    Parameters
    ----------
    published : Published
        All files.
    release : str
        Years, such as ``2009-2010``.
    names : sequence of str
        In any case, with or without ``.XPT``.

    Raises
    ------
    SourceError
        If the release or a name is not there; the message gives the nearest ones.
    """
    of_release = {name: file for name, file in published.files.items() if file.release == release}
    if not of_release:
        releases = sorted({file.release for file in published.files.values()})
        raise SourceError(f"Expected a release of {', '.join(releases)}; found {release!r}.")
    found, unknown = [], []
    for given in names:
        name = given.upper().removesuffix(".XPT")
        files = [of_release[name]] if name in of_release else []
        files = files or [file for file in of_release.values() if component(file.file) == name]
        if len(files) == 1:
            found += files
        else:
            near = [file.file for file in files] or nearest_names(name, of_release)
            elsewhere = published.files.get(name)
            of = f", which is of {elsewhere.release}" if elsewhere else ""
            unknown.append(f"  {given}{of}: the nearest of {release} are {', '.join(near)}")
    if unknown:
        raise SourceError("\n".join([f"Expected files of {release}, found others:", *unknown]))
    return found


@dataclass(frozen=True, kw_only=True)
class AddedSource:
    """Fetches files into the folder of added files, from CDC or from another folder.

    Parameters
    ----------
    entries : sequence of CatalogueFile
        What to add.
    cdc : CdcSource
        Its folder is where the files go.
    taken_from : Path, optional
        A folder that the files and their pages are copied from, instead of CDC.
    """

    entries: Sequence[CatalogueFile]
    cdc: CdcSource
    taken_from: Path | None = None

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Fetch or copy the files; see `ingest.sources.Source`."""
        wanted = Catalogue(tuple(self.entries))
        if self.taken_from is None:
            return self.cdc.fetch(wanted, say)
        found = DirectorySource(self.taken_from).fetch(wanted, lambda line: None)
        return [_copied(file, self.cdc.folder) for file in found]


def _copied(file: SourceFile, folder: Path) -> SourceFile:
    target = folder / file.entry.cycle.name / f"{file.entry.name}.XPT"
    page = target.with_suffix(".htm")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
        if file.page is not None:
            shutil.copyfile(file.page, page)
    except OSError as error:
        raise SourceError(cannot("write", target, error)) from error
    return SourceFile(
        entry=file.entry, path=target, page=page_beside(target), source="directory", address=str(target)
    )


@dataclass(frozen=True, kw_only=True)
class WithAdded:
    """Another source, and all files that were added before.

    Parameters
    ----------
    source : Source
        Has the files of the catalogue.
    folder : Path
        Of the added files; need not exist.
    """

    source: Source
    folder: Path

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Return the source's files, then the added ones; see `ingest.sources.Source`."""
        files = self.source.fetch(catalogue, say)
        paths = sorted(self.folder.rglob("*.XPT"))
        published = read_published().files if paths else {}
        for path in paths:
            file = published.get(path.stem)
            if file is not None and file.file not in catalogue.by_name:
                entry = published_entry(file, catalogue)
                files.append(
                    SourceFile(
                        entry=entry, path=path, page=page_beside(path), source="directory", address=str(path)
                    )
                )
        return files
