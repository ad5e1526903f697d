"""Find variables by words, over all releases; of those that are loaded, say what is in them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ingest.errors import SourceError
from warehouse.connection import connect
from warehouse.seeds.published import Published, PublishedFile, PublishedVariable

_CODES_SHOWN = 12
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What the raw database knows of a variable; `codes` are code, words and count."""

    answers: int
    missing: int
    limit_of_detection: float | None
    on_page: bool
    codes: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A variable of a file; `weights` are the weights that the file itself holds."""

    file: PublishedFile
    variable: PublishedVariable
    weights: tuple[str, ...]
    loaded: Loaded | None = None


def search(published: Published, words: str, releases: Sequence[str] = ()) -> list[Hit]:
    """Find the variables in whose name, label or file every word occurs, at the beginning of a word.

    Parameters
    ----------
    published : Published
        All files and variables.
    words : str
        What to look for, in any case and order: ``"blood selenium"``, or a name: ``LBXBSE``.
    releases : sequence of str
        Only these; by default all.

    Returns
    -------
    list of Hit
        Sorted by how much of the words is in the variable's own name and label (all of it first), then by
        the length of the label (which puts comment codes behind), name, release and file.

    Raises
    ------
    SourceError
        If nothing has all words, or a release is not there: the message gives the nearest names.
    """
    known = sorted({file.release for file in published.files.values()})
    for release in releases:
        if release not in known:
            raise SourceError(f"Expected a release of {', '.join(known)}; found {release!r}.")
    wanted = _WORD.findall(words.lower())
    if not wanted:
        raise SourceError(f"Expected a word or the name of a variable, found {words!r}.")
    titles = {name: _words(f"{file.title} {name}") for name, file in published.files.items()}
    weights: dict[str, list[str]] = {}
    found: list[tuple[int, PublishedVariable]] = []
    for variable in published.variables:
        if variable.variable.startswith("WT"):
            weights.setdefault(variable.file, []).append(variable.variable)
        if releases and published.files[variable.file].release not in releases:
            continue
        own = _words(f"{variable.variable} {variable.label}")
        beside = [word for word in wanted if not _begins(own, word)]
        if len(beside) < len(wanted) and all(_begins(titles[variable.file], word) for word in beside):
            found.append((len(beside), variable))
    if not found:
        raise SourceError(_nothing(published, wanted, words, releases))
    files = published.files
    found.sort(
        key=lambda hit: (
            hit[0],
            len(hit[1].label),
            hit[1].variable,
            files[hit[1].file].release,
            hit[1].file,
        )
    )
    return [
        Hit(file=files[variable.file], variable=variable, weights=tuple(weights.get(variable.file, ())))
        for _, variable in found
    ]


def _words(text: str) -> str:
    """Return the words of a text, each after a blank."""
    return " " + " ".join(_WORD.findall(text.lower()))


def _begins(text: str, word: str) -> bool:
    return f" {word}" in text


def _nothing(published: Published, wanted: Sequence[str], words: str, releases: Sequence[str]) -> str:
    vocabulary = {
        word
        for variable in published.variables
        for word in _WORD.findall(f"{variable.variable} {variable.label}".lower())
    }
    where = f" in {', '.join(releases)}" if releases else ""
    lines = [f"No variable of CDC's lists has all of {words!r} in its name, label or file{where}."]
    for word in wanted:
        if not any(known.startswith(word) for known in vocabulary):
            near = get_close_matches(word, vocabulary, n=5, cutoff=0.7)
            if near:
                lines.append(f"  {word}: the nearest words are {', '.join(near)}.")
    return "\n".join(lines)


def with_loaded(hits: Sequence[Hit], path: Path) -> list[Hit]:
    """Add what the raw database holds of each hit; it need not exist."""
    if not path.is_file() or path.stat().st_size == 0:
        return list(hits)
    names = [hit.variable.variable for hit in hits]
    with connect(path, read_only=True) as connection:
        codes: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
        for file, variable, code, label, count in connection.execute(
            "select file, variable, code, label, count from nhanes.codes "
            "where list_contains($1, variable) order by file, variable, position",
            [names],
        ).fetchall():
            codes.setdefault((file, variable), []).append((code, label, count))
        rows = connection.execute(
            "select file, variable, answers, missing, limit_of_detection, on_page from nhanes.variables "
            "where list_contains($1, variable)",
            [names],
        ).fetchall()
    known = {
        (file, variable): Loaded(
            answers=answers,
            missing=missing,
            limit_of_detection=limit,
            on_page=on_page,
            codes=tuple(codes.get((file, variable), ())),
        )
        for file, variable, answers, missing, limit, on_page in rows
    }
    return [
        Hit(
            file=hit.file,
            variable=hit.variable,
            weights=hit.weights,
            loaded=known.get((hit.variable.file, hit.variable.variable)),
        )
        for hit in hits
    ]


def lines(hits: Sequence[Hit], most: int) -> Iterator[str]:
    """Yield what is printed: each variable with its files; of the loaded ones, numbers and codes.

    Parameters
    ----------
    hits : sequence of Hit
        In the order of `search`.
    most : int
        Variables that are shown; a last line says how many more there are.
    """
    by_variable: dict[str, list[Hit]] = {}
    for hit in hits:
        by_variable.setdefault(hit.variable.variable, []).append(hit)
    for name, group in list(by_variable.items())[:most]:
        labels = dict.fromkeys(hit.variable.label for hit in group)
        yield f"{name}  {' | '.join(labels)}"
        for hit in group:
            yield f"    {hit.file.release}  {hit.file.file:<9} {hit.file.title}; {_weight(hit)}"
            if hit.loaded:
                yield from _loaded_lines(hit.loaded)
    if len(by_variable) > most:
        yield f"... and {len(by_variable) - most} more variables: give more words, or --all"


def _weight(hit: Hit) -> str:
    listed = ", ".join(hit.weights[:3]) + (" and more" if len(hit.weights) > 3 else "")
    return f"its own weight: {listed}" if listed else "no weight of its own"


def _loaded_lines(loaded: Loaded) -> Iterable[str]:
    limit = loaded.limit_of_detection
    parts = [
        f"loaded: {loaded.answers:,} answers, {loaded.missing:,} missing",
        f"limit of detection {limit:g}" if limit is not None else "",
        "" if loaded.on_page else "no page: codes not known, nothing compared",
    ]
    yield f"        {'; '.join(filter(None, parts))}"
    shown = [code for code in loaded.codes if code[0] != "."]
    for code, label, count in shown[:_CODES_SHOWN]:
        yield f"            {code:<12} {label}: {count:,}"
    if len(shown) > _CODES_SHOWN:
        yield f"            ... and {len(shown) - _CODES_SHOWN} more codes"
