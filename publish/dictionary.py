"""The data dictionary: every published column in words, and docs/data-dictionary.md.

Both come from the YAML beside the models: dbt writes the descriptions into the warehouse as comments, where
`publish.database` finds them; the page is written from the files themselves (`python -m publish dictionary`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.paths import PROJECT_ROOT
from warehouse.seeds.declared import read_yaml

PAGE = PROJECT_ROOT / "docs" / "data-dictionary.md"

# A description states its unit after a comma: "Blood lead, ug/dL.", "Age at screening, years; 80 stands ..."
UNITS = ("g/cm2", "kg/m2", "ug/dL", "ug/L", "nmol/L", "years", "persons", "standard deviations", "UTC")
_UNIT = re.compile(rf", ({'|'.join(UNITS)})(?=[.;:,]|$)")
_BLOCK = re.compile(r"{% docs (\w+) %}\s*(.*?)\s*{% enddocs %}", re.DOTALL)
_DOC = re.compile(r"{{ doc\('(\w+)'\) }}")
_PEOPLE = re.compile(r"(People|Of these, people|Of those left, people)\b")


@dataclass(frozen=True, kw_only=True)
class Described:
    """A column: its type (upper case, as DuckDB writes it), description, and unit where one is stated."""

    name: str
    data_type: str
    description: str
    unit: str | None


@dataclass(frozen=True, kw_only=True)
class DescribedTable:
    """A table of the models or seeds; `folder` is marts, intermediate, staging, fits, studies or seeds."""

    name: str
    folder: str
    description: str
    columns: tuple[Described, ...]


def unit_of(description: str) -> str | None:
    """Return the unit that a description states, "people" for a count of people, or None."""
    found = _UNIT.search(description)
    if found:
        return found[1]
    return "people" if _PEOPLE.match(description) else None


def one_line(text: str) -> str:
    """Return a text without line breaks and surplus spaces."""
    return " ".join(text.split())


def read_models(root: Path = PROJECT_ROOT) -> list[DescribedTable]:
    """Read every model and seed from the YAML beside it, in the order of their paths.

    Parameters
    ----------
    root : pathlib.Path
        The dbt project.

    Returns
    -------
    list of DescribedTable
        Marts have types (their contract); other models have empty ones.
    """
    words = _shared_words(root / "models")
    folders = ("models", "python_models", "seeds")
    return [table for folder in folders for table in _read_folder(root / folder, words)]


def _shared_words(folder: Path) -> dict[str, str]:
    """Return the docs blocks of dbt by name: words that several descriptions share."""
    return {
        name: text for path in sorted(folder.rglob("*.md")) for name, text in _BLOCK.findall(path.read_text())
    }


def _read_folder(folder: Path, words: Mapping[str, str]) -> Iterator[DescribedTable]:
    for path in sorted(folder.rglob("*.yml")):
        # models/marts/replication/ is in marts, but for models that name their own schema
        room = folder.name if path.parent == folder else path.relative_to(folder).parts[0]
        for entry in _entries(read_yaml(path)):
            config = entry.get("config", {})
            types = config.get("column_types", {})
            yield DescribedTable(
                name=entry["name"],
                folder=config.get("schema", room),
                description=_in_words(entry.get("description", ""), words),
                columns=tuple(_described(column, types, words) for column in entry.get("columns", [])),
            )


def _in_words(description: str, words: Mapping[str, str]) -> str:
    """Return a description on one line, with the docs block that it may name in place."""
    return one_line(_DOC.sub(lambda found: words[found[1]], description))


def _entries(content: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    content = content or {}
    return [*(content.get("models") or []), *(content.get("seeds") or [])]


def _described(column: Mapping[str, Any], types: Mapping[str, str], words: Mapping[str, str]) -> Described:
    description = _in_words(column.get("description", ""), words)
    data_type = column.get("data_type") or types.get(column["name"], "")
    return Described(
        name=column["name"],
        data_type=data_type.upper(),
        description=description,
        unit=unit_of(description),
    )


def is_of_persons(table: DescribedTable) -> bool:
    """Tell whether a table has a row per person, and so is not published."""
    return any(column.name == "seqn" for column in table.columns)


def page(tables: list[DescribedTable]) -> str:
    """Return docs/data-dictionary.md as text."""
    marts = [table for table in tables if table.folder == "marts"]
    published = [table for table in marts if not is_of_persons(table)]
    private = [table for table in marts if is_of_persons(table)]
    lines = [
        "# Data dictionary",
        "",
        "Written from the YAML beside the models by `python -m publish dictionary`; do not edit it by hand.",
        "Published files carry the same words: table `data_dictionary`, and a comment on each.",
        "",
        "## Published results (`results/`)",
        "",
    ]
    for table in published:
        lines += _section(table)
    lines += [
        "## Tables with a row per person",
        "",
        "In the private warehouse, `data/current/warehouse.duckdb`, only; never published.",
        "",
    ]
    for table in private:
        lines += _section(table)
    for folder, title in (
        ("intermediate", "Intermediate tables (schema `intermediate`)"),
        ("staging", "Staging tables (schema `staging`)"),
        ("fits", "What the statistical package returned (schema `fits`)"),
        ("studies", "What the files in `studies/` say (schema `reference`)"),
        ("seeds", "Seeds (schema `reference`): facts"),
    ):
        lines += [f"## {title}", "", "| table | |", "| --- | --- |"]
        lines += [
            f"| `{table.name}` | {_cell(table.description)} |" for table in tables if table.folder == folder
        ]
        lines.append("")
    lines.append(
        "Their columns are described in the YAML beside each, and in `dbt_docs.html` of the results."
    )
    return "\n".join(lines) + "\n"


def _section(table: DescribedTable) -> list[str]:
    rows = [
        f"| `{column.name}` | {column.data_type.lower()} | {column.unit or ''} "
        f"| {_cell(column.description)} |"
        for column in table.columns
    ]
    head = ["| column | type | unit | description |", "| --- | --- | --- | --- |"]
    return [f"### {table.name}", "", table.description, "", *head, *rows, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
