"""Load files into the raw database: if one of them is refused, nothing changes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ingest import raw_database
from ingest.codebook_checks import compare
from ingest.codebook_page import MAX_PAGE_BYTES, read_page
from ingest.errors import FileFinding, PageError, RefusedError, TransportError
from ingest.file_checks import file_findings, file_notes
from ingest.person_rows import one_row_per_person, person_row_note
from ingest.progress import Progress
from ingest.raw_database import Contents, Loading
from ingest.sources import Say, Source, SourceFile
from ingest.transport import DEMO_LABEL, MAX_BYTES, read_transport
from warehouse.errors import WarehouseError, advise
from warehouse.locks import WaitPolicy, exclusive_lock
from warehouse.seeds.catalogue import Catalogue


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run did: files that were read and written, and files that were already there."""

    loaded: tuple[str, ...]
    unchanged: tuple[str, ...]
    rows: int


def run(
    source: Source, path: Path, catalogue: Catalogue, say: Say, seconds: float = 60.0, *, beside: bool = False
) -> Report:
    """Fetch the files of a source and load them, while no other run works in the database's folder.

    Parameters
    ----------
    source : Source
        Where the files come from.
    path, catalogue, say, beside
        See `load`.
    seconds : float
        How long to wait for another run, or for another process that has the database open.

    Returns
    -------
    Report
        What was done.

    Raises
    ------
    LockedError
        If the other process is still at it then; the message says which it is.
    ProjectError
        Whatever fetching and loading raise.
    """
    wait = WaitPolicy(seconds, say)
    with exclusive_lock(path.parent, wait):
        wait.retry(lambda: raw_database.read_contents(path))
        return load(source.fetch(catalogue, say), path, catalogue, say, beside=beside)


def load(
    files: Sequence[SourceFile], path: Path, catalogue: Catalogue, say: Say, *, beside: bool = False
) -> Report:
    """Update the raw database to `files`; only files that have changed are read.

    The caller holds the lock on the folder (see `run`).

    Parameters
    ----------
    files : sequence of SourceFile
        Those of the catalogue, and any that are added.
    path : Path
        The database file.
    catalogue : Catalogue
        What the files must be like.
    say : callable
        Takes lines for the user.
    beside : bool
        Whether what else is loaded stays; by default the database then holds `files` and nothing else.

    Returns
    -------
    Report
        What was done.

    Raises
    ------
    RefusedError
        If any file is not what it should be: nothing was written, all reasons are in the error.
    WarehouseError
        If the raw database cannot be read or written, or synthetic data would be mixed with real data.
    """
    digests = _digests(files)
    before = raw_database.read_contents(path)
    current = before.digest == raw_database.expected_digest(catalogue)
    known = {facts.file: (facts.sha256, facts.page_sha256) for facts in before.files} if current else {}
    changed = [file for file in files if known.get(file.entry.name) != digests[file.entry.name]]
    unchanged = tuple(file.entry.name for file in files if file not in changed)
    others = tuple(known.keys() - {file.entry.name for file in files})
    if beside and before.files and not current:
        raise WarehouseError(
            f"{path} was loaded with other seeds: load its files again first (`python -m ingest cdc` or "
            "`directory`), then add others."
        )
    loaded: dict[str, int] = {}
    if changed or (others and not beside) or not current:
        kept = (*unchanged, *others) if beside else unchanged
        raw_database.write(
            path, catalogue, _read(changed, catalogue, before, path, loaded, say), before, kept
        )
    return Report(loaded=tuple(loaded), unchanged=unchanged, rows=sum(loaded.values()))


def _digests(files: Sequence[SourceFile]) -> dict[str, tuple[str, str | None]]:
    """Return the digests of each file and of its page."""
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(_digest, files))
    findings = [result for result in results if isinstance(result, FileFinding)]
    if findings:
        raise RefusedError(findings)
    return {
        file.entry.name: digest
        for file, digest in zip(files, results, strict=True)
        if not isinstance(digest, FileFinding)
    }


def _digest(file: SourceFile) -> tuple[str, str | None] | FileFinding:
    content = _content(file, file.path, MAX_BYTES)
    if isinstance(content, FileFinding) or file.page is None:
        return content if isinstance(content, FileFinding) else (sha256(content).hexdigest(), None)
    page = _content(file, file.page, MAX_PAGE_BYTES)
    return page if isinstance(page, FileFinding) else (sha256(content).hexdigest(), sha256(page).hexdigest())


def _content(file: SourceFile, path: Path, limit: int) -> bytes | FileFinding:
    try:
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except OSError as error:
        return _finding(file, "a file that can be read", error.strerror or str(error), advise(error), path)
    if len(content) > limit:
        found = f"{path.stat().st_size:,} bytes"
        return _finding(file, f"at most {limit:,} bytes", found, "check whether it is the right file", path)
    return content


def _read(
    files: Sequence[SourceFile],
    catalogue: Catalogue,
    before: Contents,
    path: Path,
    loaded: dict[str, int],
    say: Say,
) -> Iterator[Loading]:
    """Yield every file as it is read and checked, and note it in `loaded`; raise all findings at the end."""
    findings: list[FileFinding] = []
    sources: dict[str, str] = {}
    without: list[str] = []
    with Progress("Reading files", "files", len(files)) as progress:
        for file in files:
            result = _read_one(file, catalogue, say)
            if isinstance(result, Loading):
                loaded[file.entry.name] = result.transport.rows
                sources[file.entry.name] = result.source
                if file.page is None:
                    without.append(file.entry.name)
                if not findings:
                    yield result
            elif file.source == "cdc":
                again = "remove it and run again, so that it is downloaded anew"
                findings += [
                    replace(finding, advice=f"{finding.advice} ({again})") if finding.fetch_again else finding
                    for finding in result
                ]
            else:
                findings += result
            progress.add()
    if findings:
        raise RefusedError(findings)
    _refuse_mixture(sources, before, path)
    if without:
        say(
            f"No page (NAME.htm) beside {_some(without)}: loaded with the labels of the file; "
            "codes are not known, and no count was compared."
        )


def _some(names: Sequence[str]) -> str:
    listed = ", ".join(names[:8])
    return listed + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _read_one(file: SourceFile, catalogue: Catalogue, say: Say) -> Loading | list[FileFinding]:
    content = _content(file, file.path, MAX_BYTES)
    if isinstance(content, FileFinding):
        return [content]
    try:
        transport = read_transport(content)
    except TransportError as error:
        return [_finding(file, error.expected, error.found, error.advice, file.path)]
    findings = file_findings(file.entry, transport, str(file.path))
    if transport.is_demo and file.source == "cdc":
        advice = "it is not what CDC publishes"
        findings.append(_finding(file, "real data from CDC", "synthetic demo data", advice, file.path))
    if not transport.is_demo and file.source == "demo":
        expected = f"the label {DEMO_LABEL!r} in a generated file"
        advice = "this is an error in the generator: report it"
        findings.append(_finding(file, expected, f"the label {transport.label!r}", advice, file.path))
    if findings:
        return findings
    source = "demo" if transport.is_demo else file.source
    loading = Loading(entry=file.entry, transport=transport, source=source, address=file.address)
    if file.page is not None:
        described = _with_page(loading, file, file.page, catalogue)
        if not isinstance(described, Loading):
            return described
        loading = described
        pages = {variable.name for variable in loading.described}
        absent = [column.name for column in transport.columns if column.name not in pages]
        if absent:
            say(f"{file.entry.name}: its page does not have {_some(absent)}, so no count was compared there.")
    for note in file_notes(file.entry, transport):
        say(note)
    rule = file.entry.person_row
    if rule is not None and not transport.is_demo:  # synthetic files have one row per person
        try:
            taken = one_row_per_person(transport, rule)
        except TransportError as error:
            finding = _finding(file, error.expected, error.found, error.advice, file.path)
            return [replace(finding, fetch_again=False)]
        say(person_row_note(file.entry.name, rule, transport, taken))
        loading = replace(loading, transport=taken)
    return loading


def _with_page(
    loading: Loading, file: SourceFile, place: Path, catalogue: Catalogue
) -> Loading | list[FileFinding]:
    """Add to a file what its page says, compared with it."""
    content = _content(file, place, MAX_PAGE_BYTES)
    if isinstance(content, FileFinding):
        return [content]
    try:
        page = read_page(content)
    except PageError as error:
        return [_finding(file, error.expected, error.found, error.advice, place)]
    # the known errors are of CDC's own page: synthetic files have pages of their own
    known = () if loading.source == "demo" else catalogue.errors_of(file.entry.name)
    codes, findings = compare(file.entry.name, str(place), loading.transport, page, known)
    if findings:
        return findings
    return replace(
        loading,
        page_sha256=sha256(content).hexdigest(),
        described=page.variables,
        codes=tuple(codes),
    )


def _finding(file: SourceFile, expected: str, found: str, advice: str, place: Path) -> FileFinding:
    return FileFinding(file=file.entry.name, place=str(place), expected=expected, found=found, advice=advice)


def _refuse_mixture(sources: Mapping[str, str], before: Contents, path: Path) -> None:
    demo = sorted(name for name, source in sources.items() if source == "demo")
    real = sorted(name for name, source in sources.items() if source != "demo")
    if demo and real:
        raise WarehouseError(
            f"Expected either real or synthetic files, found both: synthetic are {', '.join(demo)}; "
            f"real are {', '.join(real)}. Keep them in different folders. Nothing was changed."
        )
    if (real and "demo" in before.sources) or (demo and before.sources - {"demo"}):
        there, new = ("synthetic", "real") if real else ("real", "synthetic")
        raise WarehouseError(
            f"{path} holds {there} data, and the files of this run are {new}: they are never mixed. "
            f"Choose another folder with --data, or remove {path} first. Nothing was changed."
        )
