"""Conditions of a rule: an expression, read by DuckDB's own parser, of simple conditions joined by `and`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from warehouse.errors import ProjectError

_COMPARISONS = {
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_EQUAL": "in",
    "COMPARE_NOTEQUAL": "not_in",
}
_MIRRORED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_PRESENCE = {"OPERATOR_IS_NULL": "is_null", "OPERATOR_IS_NOT_NULL": "not_null"}
FORMS = (
    "conditions joined by `and`, each such as `age_years >= 50`, `sex = 'Female'`, "
    "`smoking in ('never', 'former')`, `bmi is not null`, `ever_smoked` or `not ever_smoked`"
)


class ExpressionError(ProjectError):
    """An expression is not what a rule may ask; the message is what was found."""


@dataclass(frozen=True)
class Condition:
    """A variable of a person, how it is compared, and with which values, joined by semicolons."""

    variable: str
    operator: str
    value: str


def read_conditions(expression: str) -> list[Condition]:
    """Read the conditions of a rule.

    Parameters
    ----------
    expression : str
        SQL, such as ``age_years >= 50 and smoking in ('never', 'former')``. It is parsed, and never run.

    Returns
    -------
    list of Condition
        In their order.

    Raises
    ------
    ExpressionError
        If it is no expression, or has anything else than `FORMS`: a function, a query, a table, `or`.
    """
    parse = "select json_serialize_sql(?)"
    row = _parser().cursor().execute(parse, [f"select {expression}\n"]).fetchone()
    parsed = json.loads(row[0]) if row else {}
    if parsed.get("error"):
        several = parsed["error_type"] == "not implemented"
        raise ExpressionError("more than one expression" if several else str(parsed["error_message"]))
    (statement, *others) = parsed["statements"]
    node = statement["node"]
    if others or node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        raise ExpressionError("more than one expression")
    clauses = ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers")
    if node["from_table"]["type"] != "EMPTY" or any(node.get(clause) for clause in clauses):
        raise ExpressionError("a query")
    return list(_conditions(node["select_list"][0]))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Open a database of nothing, whose parser reads the expressions."""
    return duckdb.connect()


def _conditions(node: dict[str, Any]) -> Iterator[Condition]:
    kind, children = node["type"], node.get("children", [])
    if node.get("alias"):
        raise ExpressionError(f"a second name, {node['alias']!r}")
    if kind == "CONJUNCTION_AND":
        for child in children:
            yield from _conditions(child)
    elif kind in _COMPARISONS:
        yield _comparison(_COMPARISONS[kind], node["left"], node["right"])
    elif kind == "COMPARE_BETWEEN":
        yield Condition(_variable(node["input"]), ">=", _constant(node["lower"]))
        yield Condition(_variable(node["input"]), "<=", _constant(node["upper"]))
    elif kind == "COMPARE_IN":
        yield Condition(_variable(children[0]), "in", ";".join(map(_constant, children[1:])))
    elif kind in _PRESENCE:
        yield Condition(_variable(children[0]), _PRESENCE[kind], "")
    elif kind == "COLUMN_REF":
        yield Condition(_variable(node), "in", "true")
    elif kind == "OPERATOR_NOT" and children[0]["type"] == "COLUMN_REF":
        yield Condition(_variable(children[0]), "in", "false")
    elif kind == "OPERATOR_NOT" and children[0]["type"] == "COMPARE_IN":
        inner = children[0]["children"]
        yield Condition(_variable(inner[0]), "not_in", ";".join(map(_constant, inner[1:])))
    else:
        raise ExpressionError(_words(node))


def _comparison(operator: str, left: dict[str, Any], right: dict[str, Any]) -> Condition:
    if right["type"] == "COLUMN_REF" != left["type"]:
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    return Condition(_variable(left), operator, _constant(right))


def _variable(node: dict[str, Any]) -> str:
    if node["type"] != "COLUMN_REF" or len(node["column_names"]) != 1:
        raise ExpressionError(_words(node))
    return str(node["column_names"][0])


def _constant(node: dict[str, Any]) -> str:
    if node["type"] == "FUNCTION" and node["function_name"] == "-" and len(node["arguments"]) == 1:
        return f"-{_constant(node['arguments'][0]['expression'])}"
    text = str(node["literal"].get("text", "")) if node["type"] == "VALUE_CONSTANT" else ""
    if not text or ";" in text:
        raise ExpressionError(_words(node))
    return text


def _words(node: dict[str, Any]) -> str:
    """Say what a part of an expression is, as far as a reader needs it to find it."""
    if node["class"] == "FUNCTION":
        return f"the function {node['function_name']}"
    if node["class"] == "COLUMN_REF":
        return ".".join(node["column_names"])
    if node["class"] == "CONSTANT":
        return f"the value {node['literal'].get('text', '')!r}"
    words = {"SUBQUERY": "a query", "CONJUNCTION": "`or`", "STAR": "*"}
    return words.get(node["class"], str(node["class"]).lower())
