"""The rules declared as dbt tests in `seeds/*.yml`, checked before dbt runs anything."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import SeedError, cannot
from warehouse.seeds.findings import Finding, FindingsError
from warehouse.seeds.tables import Row, Seed, as_number, read_seed
from warehouse.studies.compile import FOLDER, TABLES

_REFERENCE = re.compile(r"ref\(['\"](\w+)['\"]\)")
# Values that a column may hold: of a seed's column, or of a model's.
Known = Callable[[str, str], frozenset[str] | None]


@dataclass(frozen=True)
class Rule:
    """One dbt test: its name, its arguments, and its column (None for a test of the whole seed)."""

    test: str
    column: str | None
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Declaration:
    """What the YAML beside a seed or model says of it: columns in order, their types, and tests."""

    columns: tuple[str, ...]
    types: Mapping[str, str]
    rules: tuple[Rule, ...]

    def accepted(self, column: str) -> frozenset[str]:
        """Return the accepted values of a column; empty if none are declared."""
        rules = [rule for rule in self.rules if rule.column == column and rule.test == "accepted_values"]
        return frozenset(str(value) for rule in rules for value in rule.arguments["values"])

    def bounds(self, column: str) -> tuple[str, str] | None:
        """Return the least and the most that a column may hold, '' where open; None if not declared."""
        for rule in self.rules:
            if rule.column == column and rule.test == "in_range":
                return str(rule.arguments.get("at_least", "")), str(rule.arguments.get("at_most", ""))
        return None


def read_declaration(path: Path) -> Declaration:
    """Read the YAML of one seed or model (this project has one file each).

    Raises
    ------
    SeedError
        If it cannot be read or does not declare it.
    """
    content = read_yaml(path)
    try:
        (node,) = content.get("seeds") or content["models"]
        columns = tuple(column["name"] for column in node.get("columns", ()))
        declared = node.get("config", {}).get("column_types", {})
        declared = {column["name"]: column.get("data_type") for column in node.get("columns", ())} | declared
        rules = [_rule(None, test) for test in node.get("data_tests", ())]
        for column in node.get("columns", ()):
            rules += [_rule(column["name"], test) for test in column.get("data_tests", ())]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SeedError(f"{path}: expected the declaration of one seed or model ({error!r})") from error
    return Declaration(
        columns, {name: str(declared.get(name) or "varchar") for name in columns}, tuple(rules)
    )


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raises `SeedError` if that cannot be done."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except OSError as error:
        raise SeedError(cannot("read", path, error)) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SeedError(f"{path}: expected YAML, found: {error}") from error


def load_seed(path: Path) -> Seed:
    """Read one seed as the YAML beside it declares it; raises `FindingsError` if its form is wrong."""
    seed, findings = read_seed(path, read_declaration(path.with_suffix(".yml")).types)
    if findings:
        raise FindingsError(findings)
    return seed


def check_declared(seed: Seed, declaration: Declaration, known: Known) -> Iterator[Finding]:
    """Yield where the rows of a seed break the rules declared for it."""
    for rule in declaration.rules:
        if rule.test in CHECKS:
            yield from CHECKS[rule.test](seed, rule, known)


def _rule(column: str | None, test: str | Mapping[str, Any]) -> Rule:
    if isinstance(test, str):
        return Rule(test, column, {})
    ((name, content),) = test.items()
    return Rule(name, column, content.get("arguments", {}))


def _filled(seed: Seed, rule: Rule) -> Iterator[tuple[Row, str, str]]:
    assert rule.column
    for row in seed.rows:
        if row[rule.column]:
            yield row, rule.column, row[rule.column]


def _not_null(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    assert rule.column
    for row in seed.rows:
        if not row[rule.column]:
            yield row.finding(rule.column, "a value", "nothing")


def _unique(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    assert rule.column
    return _once(seed, [rule.column])


def _unique_combination(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    return _once(seed, rule.arguments["columns"])


def _once(seed: Seed, columns: Sequence[str]) -> Iterator[Finding]:
    seen: dict[tuple[str, ...], Row] = {}
    for row in seed.rows:
        key = tuple(row[column] for column in columns)
        other = seen.setdefault(key, row)
        if other is not row:
            where = other.places.get("", f"on line {other.line}")
            found = f"{', '.join(map(repr, key))} {where} too"
            yield row.finding(" and ".join(columns), "each once", found)


def _relationships(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    found = _REFERENCE.fullmatch(rule.arguments["to"])
    field = rule.arguments["field"]
    values = known(found[1], field) if found else None
    if found is None or values is None:
        return  # not a seed, and a model whose values are only known once it is built
    place = found[1] if found[1].startswith(("int_", "stg_")) else f"seeds/{found[1]}.csv"
    place = FOLDER if found[1] in TABLES else place
    for row, column, value in _filled(seed, rule):
        if value not in values:
            yield row.unknown(column, f"a value of {field} in {place}", values)


def _accepted_values(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    values = frozenset(str(value) for value in rule.arguments["values"])
    for row, column, value in _filled(seed, rule):
        if value not in values:
            yield row.unknown(column, f"one of {', '.join(map(str, rule.arguments['values']))}", values)


def _in_range(seed: Seed, rule: Rule, known: Known) -> Iterator[Finding]:
    least, most = rule.arguments.get("at_least"), rule.arguments.get("at_most")
    words = [
        f"{name} {value}" for name, value in (("at least", least), ("at most", most)) if value is not None
    ]
    for row, column, value in _filled(seed, rule):
        number = as_number(value)
        if number is None:
            continue  # reported with the types
        if (least is not None and number < least) or (most is not None and number > most):
            yield row.finding(column, f"a number of {' and '.join(words)}")


CHECKS: Mapping[str, Callable[[Seed, Rule, Known], Iterator[Finding]]] = {
    "not_null": _not_null,
    "unique": _unique,
    "unique_combination": _unique_combination,
    "relationships": _relationships,
    "accepted_values": _accepted_values,
    "in_range": _in_range,
}
