"""Variables of a person that a study defines: their SQL, and an order in which each can be computed."""

import re
from collections.abc import Iterator, Mapping

from warehouse.seeds.findings import Finding
from warehouse.studies.document import Document
from warehouse.studies.expressions import ExpressionError, variables_of
from warehouse.studies.study_file import StudyFile, Variable


def sql_of(variable: Variable) -> str:
    """Return the expression of a variable, over columns named as CDC's variables and others of a study."""
    if variable.expression is not None:
        return variable.expression
    column = f'"{variable.variable}"'
    if not variable.codes:
        return column
    groups = []
    for name, codes in variable.codes.items():
        listed = ", ".join(f"{code:g}" for code in (codes if isinstance(codes, list) else [codes]))
        groups.append(f"when {column} in ({listed}) then '{re.sub(chr(39), chr(39) * 2, name)}'")
    return f"case {' '.join(groups)} end"


def in_order(variables: Mapping[str, Variable]) -> list[str]:
    """Return the names, each after those that its expression reads; those of a circle are left out."""
    reads = {name: _reads(variable, variables) for name, variable in variables.items()}
    ordered: list[str] = []
    while ready := [name for name in reads if name not in ordered and reads[name] <= set(ordered)]:
        ordered += ready
    return ordered


def circles(study: StudyFile, document: Document) -> Iterator[Finding]:
    """Yield the variables whose expressions read each other in a circle."""
    for name in study.variables.keys() - set(in_order(study.variables)):
        place = document.place(("variables", name, "expression"))
        reads = sorted(_reads(study.variables[name], study.variables))
        yield Finding(place, "variables that do not read each other in a circle", ", ".join(reads))


def _reads(variable: Variable, variables: Mapping[str, Variable]) -> set[str]:
    try:
        return set(variables_of(variable.expression or "x")) & variables.keys()
    except ExpressionError:  # told where the expression is checked
        return set()
