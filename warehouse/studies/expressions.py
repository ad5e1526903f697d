"""Expressions in a study file: SQL over the variables of a person, read by DuckDB's own parser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from warehouse.errors import ProjectError

# Functions of one person's values alone: none of them reads a file, a setting or a clock.
FUNCTIONS = (
    "+",
    "-",
    "*",
    "/",
    "%",
    "abs",
    "ceil",
    "exp",
    "floor",
    "greatest",
    "least",
    "ln",
    "log10",
    "log2",
    "nullif",
    "power",
    "round",
    "sqrt",
)
_CLASSES = ("CONJUNCTION", "COMPARISON", "BETWEEN", "CASE", "CONSTANT")
_OPERATORS = ("COMPARE_IN", "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE")
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
    "an expression over the variables of a person: comparisons, and, or, not, in, between, is null, case, "
    f"coalesce, numbers, text, {', '.join(FUNCTIONS)}"
)
# The operator of a condition that is more than a variable compared with values.
EXPRESSION = "expression"

Node = dict[str, Any]


class ExpressionError(ProjectError):
    """An expression has what it must not have; the message is what was found."""


class _NotSimpleError(Exception):
    """A part of an expression is more than a variable compared with values."""


@dataclass(frozen=True)
class Condition:
    """A variable of a person, how it is compared, and with which values, joined by semicolons."""

    variable: str
    operator: str
    value: str


def variables_of(expression: str) -> list[str]:
    """Return the variables that an expression reads, each once; raises as `read_conditions` does."""
    found = list(dict.fromkeys(_variables(_parse(expression))))
    if not found:
        raise ExpressionError("no variable")
    return found


def read_conditions(expression: str) -> list[Condition]:
    """Read the parts of an expression that are joined by ``and``.

    Parameters
    ----------
    expression : str
        SQL, such as ``age_years >= 50 and smoking in ('never', 'former')``. It is parsed, and never run.

    Returns
    -------
    list of Condition
        In their order; a part that is no simple comparison has one for each of its variables, `EXPRESSION`.

    Raises
    ------
    ExpressionError
        If it is no expression, reads no variable, or has more than `FORMS`: another function, a query, a
        table, a second statement.
    """
    variables_of(expression)
    return list(_conditions(_parse(expression)))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Open a database of nothing, whose parser reads the expressions."""
    return duckdb.connect()


def _parse(expression: str) -> Node:
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
    only: Node = node["select_list"][0]
    return only


def _variables(node: Node) -> Iterator[str]:
    """Yield the variables of an expression; raises for everything that an expression may not have."""
    kind, group = node["type"], node["class"]
    if node.get("alias"):
        raise ExpressionError(f"a second name, {node['alias']!r}")
    if group == "COLUMN_REF" and len(node["column_names"]) == 1:
        yield str(node["column_names"][0])
    elif group == "FUNCTION" and node["function_name"] in FUNCTIONS and not _is_more(node):
        for argument in node["arguments"]:
            yield from _variables(argument["expression"])
    elif group in _CLASSES or (group == "OPERATOR" and kind in _OPERATORS):
        for part in _parts(node):
            yield from _variables(part)
    else:
        raise ExpressionError(_words(node))


def _is_more(function: Node) -> bool:
    """Tell whether a function is called otherwise than on its arguments."""
    extra = ("filter", "distinct", "export_state", "catalog", "schema")
    return any(function.get(key) for key in extra) or bool(function["order_bys"].get("orders"))


def _parts(node: Node) -> Iterator[Node]:
    for key in ("left", "right", "input", "lower", "upper", "else_expr"):
        if node.get(key):
            yield node[key]
    yield from node.get("children", [])
    for check in node.get("case_checks", []):
        yield check["when_expr"]
        yield check["then_expr"]


def _conditions(node: Node) -> Iterator[Condition]:
    if node["type"] == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _conditions(child)
        return
    try:
        yield from list(_simple(node))
    except _NotSimpleError:
        for variable in dict.fromkeys(_variables(node)):
            yield Condition(variable, EXPRESSION, "")


def _simple(node: Node) -> Iterator[Condition]:
    kind, children = node["type"], node.get("children", [])
    if kind in _COMPARISONS:
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
        raise _NotSimpleError


def _comparison(operator: str, left: Node, right: Node) -> Condition:
    if right["type"] == "COLUMN_REF" != left["type"]:
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    return Condition(_variable(left), operator, _constant(right))


def _variable(node: Node) -> str:
    if node["type"] != "COLUMN_REF":
        raise _NotSimpleError
    return str(node["column_names"][0])


def _constant(node: Node) -> str:
    if node["type"] == "FUNCTION" and node["function_name"] == "-" and len(node["arguments"]) == 1:
        return f"-{_constant(node['arguments'][0]['expression'])}"
    text = str(node["literal"].get("text", "")) if node["type"] == "VALUE_CONSTANT" else ""
    if not text or ";" in text:
        raise _NotSimpleError
    return text


def _words(node: Node) -> str:
    """Say what a part of an expression is, as far as a reader needs it to find it."""
    if node["class"] == "FUNCTION":
        return f"the function {node['function_name']}"
    if node["class"] == "COLUMN_REF":
        return ".".join(node["column_names"])
    words = {"SUBQUERY": "a query", "STAR": "*"}
    return words.get(node["class"], str(node["class"]).lower())
