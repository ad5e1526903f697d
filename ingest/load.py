"""Load files into the raw database: all of them are checked before anything is written."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ingest import raw_database
from ingest.errors import FileFinding, RefusedError, TransportError
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


def run(source: Source, path: Path, catalogue: Catalogue, say: Say, seconds: float = 60.0) -> Report:
    """Fetch the files of a source and load them, while no other run works in the database's folder.

    Parameters
    ----------
    source : Source
        Where the files come from.
    path, catalogue, say
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
        return load(source.fetch(catalogue, say), path, catalogue, say)


def load(files: Sequence[SourceFile], path: Path, catalogue: Catalogue, say: Say) -> Report:
    """Update the raw database to `files`; only files that have changed are read.

    The caller holds the lock on the folder (see `run`).

    Parameters
    ----------
    files : sequence of SourceFile
        One for each file of the catalogue.
    path : Path
        The database file.
    catalogue : Catalogue
        What the files must be like.
    say : callable
        Takes lines for the user.

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
    known = {facts.file: facts.sha256 for facts in before.files} if current else {}
    changed = [file for file in files if known.get(file.entry.name) != digests[file.entry.name]]
    unchanged = tuple(file.entry.name for file in files if file not in changed)
    loading = _read(changed, say)
    _refuse_mixture(loading, before, path)
    gone = known.keys() - catalogue.by_name.keys()
    if loading or gone or not current:
        raw_database.write(path, catalogue, loading, before)
    return Report(
        loaded=tuple(item.entry.name for item in loading),
        unchanged=unchanged,
        rows=sum(item.transport.rows for item in loading),
    )


def _digests(files: Sequence[SourceFile]) -> dict[str, str]:
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        results = list(pool.map(_digest, files))
    findings = [result for result in results if isinstance(result, FileFinding)]
    if findings:
        raise RefusedError(findings)
    return {
        file.entry.name: digest
        for file, digest in zip(files, results, strict=True)
        if isinstance(digest, str)
    }


def _digest(file: SourceFile) -> str | FileFinding:
    content = _content(file)
    return content if isinstance(content, FileFinding) else sha256(content).hexdigest()


def _content(file: SourceFile) -> bytes | FileFinding:
    try:
        with file.path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        return _finding(file, "a file that can be read", error.strerror or str(error), advise(error))
    if len(content) > MAX_BYTES:
        found = f"{file.path.stat().st_size:,} bytes"
        return _finding(file, f"at most {MAX_BYTES:,} bytes", found, "check whether it is the right file")
    return content


def _read(files: Sequence[SourceFile], say: Say) -> list[Loading]:
    """Read and check every file, then raise all findings at once."""
    loading: list[Loading] = []
    findings: list[FileFinding] = []
    with Progress("Reading files", "files", len(files)) as progress:
        for file in files:
            result = _read_one(file, say)
            if isinstance(result, Loading):
                loading.append(result)
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
    return loading


def _read_one(file: SourceFile, say: Say) -> Loading | list[FileFinding]:
    content = _content(file)
    if isinstance(content, FileFinding):
        return [content]
    try:
        transport = read_transport(content)
    except TransportError as error:
        return [_finding(file, error.expected, error.found, error.advice)]
    findings = file_findings(file.entry, transport, str(file.path))
    if transport.is_demo and file.source == "cdc":
        advice = "it is not what CDC publishes"
        findings.append(_finding(file, "real data from CDC", "synthetic demo data", advice))
    if not transport.is_demo and file.source == "demo":
        expected = f"the label {DEMO_LABEL!r} in a generated file"
        advice = "this is an error in the generator: report it"
        findings.append(_finding(file, expected, f"the label {transport.label!r}", advice))
    if findings:
        return findings
    for note in file_notes(file.entry, transport):
        say(note)
    rule = file.entry.person_row
    if rule is not None and not transport.is_demo:  # synthetic files have one row per person
        try:
            taken = one_row_per_person(transport, rule)
        except TransportError as error:
            return [replace(_finding(file, error.expected, error.found, error.advice), fetch_again=False)]
        say(person_row_note(file.entry.name, rule, transport, taken))
        transport = taken
    source = "demo" if transport.is_demo else file.source
    return Loading(entry=file.entry, transport=transport, source=source, address=file.address)


def _finding(file: SourceFile, expected: str, found: str, advice: str) -> FileFinding:
    return FileFinding(
        file=file.entry.name, place=str(file.path), expected=expected, found=found, advice=advice
    )


def _refuse_mixture(loading: Sequence[Loading], before: Contents, path: Path) -> None:
    demo = sorted(item.entry.name for item in loading if item.source == "demo")
    real = sorted(item.entry.name for item in loading if item.source != "demo")
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
