"""Cohort rules: people have what is asked, and rules of a study neither overlap nor exclude all."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from warehouse.checks.project import Project
from warehouse.seeds.findings import Finding, nearest_names
from warehouse.seeds.tables import Row, as_number
from warehouse.studies.expressions import EXPRESSION

LISTS, COMPARISONS = ("in", "not_in"), (">=", ">", "<=", "<")
_LOWER, _UPPER = (">=", ">"), ("<=", "<")


def conditions(project: Project) -> Iterator[Finding]:
    """Variables that int_person_values has, values that fit operator and variable."""
    text = {r["covariate"] for r in project.seed("covariates").rows if r["kind"] == "categorical"} | {"sex"}
    for row in project.seed("cohort_conditions").rows:
        variable, operator, value = row["variable"], row["operator"], row["value"]
        if variable not in project.person_variables:
            yield row.unknown("variable", "a variable of int_person_values", project.person_variables)
        elif operator in LISTS:
            yield from _listed(row, project.levels(variable))
        elif operator in COMPARISONS:
            if as_number(value) is None:
                yield row.finding("value", f"a number to compare with by {operator}")
            if variable in text:
                found = f"{variable!r}, whose values are words"
                yield row.finding("variable", f"a variable of numbers to compare by {operator}", found)


def _listed(row: Row, levels: frozenset[str]) -> Iterator[Finding]:
    for value in row["value"].split(";"):
        if levels and value not in levels:
            expected = f"values that {row['variable']} has"
            yield row.finding("value", expected, repr(value), nearest_names(value, levels))


def numbers_that_people_have(project: Project) -> Iterator[Finding]:
    """No condition compares with a number outside what the models let a variable be."""
    for row in project.seed("cohort_conditions").rows:
        if row["operator"] not in COMPARISONS:
            continue
        for operator, bound in zip((">=", "<="), project.bounds(row["variable"]), strict=True):
            values = {"variable": row["variable"], "operator": operator, "value": bound}
            limit = Row("", 0, values)
            if bound and _exclusive(row, limit):
                expected = f"a condition that someone can meet: {_words(limit)} for everyone"
                yield row.finding("value", expected, _words(row))


def study_steps(project: Project) -> Iterator[Finding]:
    """The rules of one study do not overlap."""
    by_rule = _by_rule(project)
    steps: dict[str, list[Row]] = {}
    for row in project.seed("study_cohort_rules").rows:
        steps.setdefault(row["study"], []).append(row)
    for rows in steps.values():
        for one, two in combinations(rows, 2):
            yield from _overlap(two, one["rule"], by_rule.get(one["rule"], ()), by_rule.get(two["rule"], ()))


def _overlap(row: Row, other: str, one: Sequence[Row], two: Sequence[Row]) -> Iterator[Finding]:
    """Yield what two rules of one study say about the same variable, if one repeats or excludes the other."""
    expected = f"rules of {row['study']} that do not overlap"
    for first in one:
        for second in two:
            if first["variable"] != second["variable"]:
                continue
            words = f"{_words(first)} ({other}) and {_words(second)} ({row['rule']})"
            if _key(first) == _key(second) or _same_side(first, second):
                yield row.finding("rule", expected, words)
            elif _exclusive(first, second):
                yield row.finding("rule", "rules that someone can meet together", words)


def no_contradictions(project: Project) -> Iterator[Finding]:
    """No rule has two conditions that nobody can meet together."""
    for rows in _by_rule(project).values():
        for one, two in combinations(rows, 2):
            if one["variable"] == two["variable"] and _exclusive(one, two):
                found = f"{_words(one)} and {_words(two)}"
                yield two.finding("value", "conditions that someone can meet together", found)


def _same_side(one: Row, two: Row) -> bool:
    operators = {one["operator"], two["operator"]}
    return operators <= set(_LOWER) or operators <= set(_UPPER) or operators == {"in"}


def _exclusive(one: Row, two: Row) -> bool:
    for first, second in ((one, two), (two, one)):
        if first["operator"] == "is_null" and second["operator"] != "is_null":
            return True
        if first["operator"] in _LOWER and second["operator"] in _UPPER:
            low, high = as_number(first["value"]), as_number(second["value"])
            both = (first["operator"], second["operator"]) == (">=", "<=")
            return low is not None and high is not None and (low > high or (low == high and not both))
    first_values, second_values = set(one["value"].split(";")), set(two["value"].split(";"))
    operators = {one["operator"], two["operator"]}
    if operators == {"in"}:
        return not first_values & second_values
    if operators == {"in", "not_in"}:
        inside, outside = (
            (first_values, second_values) if one["operator"] == "in" else (second_values, first_values)
        )
        return inside <= outside
    return False


def _by_rule(project: Project) -> Mapping[str, list[Row]]:
    """Return the conditions of each rule that can be compared with others."""
    rules: dict[str, list[Row]] = {}
    for row in project.seed("cohort_conditions").rows:
        if row["operator"] != EXPRESSION:
            rules.setdefault(row["rule"], []).append(row)
    return rules


def _key(row: Row) -> tuple[str, str, str]:
    return row["variable"], row["operator"], row["value"]


def _words(row: Row) -> str:
    return " ".join(part for part in _key(row) if part)
