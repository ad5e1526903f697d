"""Read the YAML of a study file: each value knows its line, and nothing odd is passed over.

A study file is plain: mappings, lists, text, numbers, true and false. As in YAML 1.2, `no`, `50-59`
and `1:30` are text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import SeedError, cannot
from warehouse.seeds.findings import Finding

KeyPath = tuple[str | int, ...]

# The largest study file here has 15 kB and six levels.
MOST_BYTES = 500_000
MOST_LEVELS = 20

_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a study file says, and the file and line of each key and item in it."""

    values: Mapping[str, Any]
    lines: Mapping[KeyPath, tuple[str, int]]

    def place(self, path: KeyPath) -> str:
        """Return file, line and keys of a value, or of the nearest one above it that is there."""
        while path not in self.lines:
            path = path[:-1]
        file, line = self.lines[path]
        keys = ": ".join(str(key + 1) if isinstance(key, int) else key for key in path)
        return f"{file}, line {line}" + (f", {keys}" if keys else "")


class _WrongError(Exception):
    """Something in the file that cannot be read, as a finding."""

    def __init__(self, place: str, expected: str, found: str) -> None:
        self.finding = Finding(place, expected, found)


def read_document(path: Path) -> tuple[Document | None, list[Finding]]:
    """Read a study file.

    Parameters
    ----------
    path : Path
        ``studies/NAME.yml`` of a project.

    Returns
    -------
    Document or None
        None if it cannot be read.
    list of Finding
        What is wrong with its form.

    Raises
    ------
    SeedError
        If the file cannot be opened.
    """
    name = f"studies/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SeedError(cannot("read", path, error)) from error
    try:
        node = _compose(name, content)
        lines: dict[KeyPath, tuple[str, int]] = {(): (name, 1)}
        values = _value(name, node, (), lines)
        if not isinstance(values, dict):
            raise _WrongError(name, "keys such as `study` and `title`", "no key")
    except _WrongError as error:
        return None, [error.finding]
    return Document(values=values, lines=lines), []


def _compose(name: str, content: bytes) -> yaml.Node | None:
    if len(content) > MOST_BYTES:
        raise _WrongError(name, f"a file of at most {MOST_BYTES:,} bytes", f"{len(content):,}")
    try:
        text = content.decode()
        for what, line in _odd(text):
            raise _WrongError(f"{name}, line {line}", "plain YAML, each value written out", what)
        return yaml.compose(text, yaml.CSafeLoader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise _WrongError(f"{name}, line {line}", "UTF-8 text", found) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _WrongError(f"{name}, line {line}", "YAML", str(error.problem)) from error
    except yaml.YAMLError as error:
        raise _WrongError(name, "YAML", str(error).splitlines()[0]) from error


def _odd(text: str) -> Iterator[tuple[str, int]]:
    """Yield what a study file has no need of, found before anything is built from it."""
    documents = level = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            yield f"the alias *{event.anchor}", line
        elif getattr(event, "anchor", None):
            yield f"the anchor &{event.anchor}", line
        elif getattr(event, "tag", None):
            yield f"the tag {event.tag}", line
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield "a second document", line
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > MOST_LEVELS:
                yield f"more than {MOST_LEVELS} levels", line
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def _value(name: str, node: yaml.Node | None, path: KeyPath, lines: dict[KeyPath, tuple[str, int]]) -> Any:
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _WrongError(f"{name}, line {line}", "a name before the colon", "a list or mapping")
            key = key_node.value
            if key in found:
                other = lines[*path, key][1]
                raise _WrongError(f"{name}, line {line}, {key}", "each key once", f"line {other} has it too")
            lines[*path, key] = name, line
            found[key] = _value(name, value_node, (*path, key), lines)
        return found
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[*path, position] = name, item.start_mark.line + 1
        return [_value(name, item, (*path, position), lines) for position, item in enumerate(node.value)]
    if not isinstance(node, yaml.ScalarNode):
        return None
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):  # in quotes, or a block of text
        return text.removesuffix("\n")
    if text in _PLAIN:
        return _PLAIN[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
