"""Take one row per person from a file that has several: of drugs, dietary days or imputations."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ingest.errors import TransportError
from ingest.transport import TransportFile
from warehouse.seeds.catalogue import KEY, PersonRow

if TYPE_CHECKING:
    import numpy as np


def one_row_per_person(file: TransportFile, rule: PersonRow) -> TransportFile:
    """Return the file with the rows that a rule of the catalogue takes.

    Parameters
    ----------
    file : TransportFile
        What was read; its key holds whole numbers without gaps.
    rule : PersonRow
        The first row of each person in the file's order, or the row in which a column has a value.

    Returns
    -------
    TransportFile
        The same file with fewer rows, in the same order.

    Raises
    ------
    TransportError
        If the column is not there, no row has the value, or it does not tell one row per person.
    """
    import numpy as np

    key = file.values[KEY]
    taken = np.full(len(key), True) if rule.variable is None else _rows_with_value(file, rule)
    rows = np.flatnonzero(taken)
    people, first, counts = np.unique(key[rows], return_index=True, return_counts=True)
    if rule.variable is None:
        rows = rows[np.sort(first)]
    elif (counts > 1).any():
        raise TransportError(
            f"one row per person where {rule.variable} is {rule.value}",
            f"{int((counts > 1).sum()):,} people with several, such as {people[counts > 1][0]:.0f}",
            "choose another column or value, or `first`, as person_row in seeds/nhanes_files.csv",
        )
    return replace(file, rows=len(rows), values={name: value[rows] for name, value in file.values.items()})


def person_row_note(name: str, rule: PersonRow, before: TransportFile, after: TransportFile) -> str:
    """Say what was taken, and how many people have no such row."""
    import numpy as np

    which = "the first of each person" if rule.variable is None else f"{rule.variable} = {rule.value}"
    lost = len(np.unique(before.values[KEY])) - after.rows
    without = f"; {lost:,} people have no such row and are not in it" if lost else ""
    return f"{name}: {after.rows:,} of {before.rows:,} rows are loaded ({which}){without}"


def _rows_with_value(file: TransportFile, rule: PersonRow) -> "np.ndarray[Any, Any]":
    import numpy as np

    advice = "correct person_row in seeds/nhanes_files.csv"
    column, value = str(rule.variable), str(rule.value)
    if column not in file.values:
        found = f"only {', '.join(sorted(file.values)[:12])}"
        raise TransportError(f"a column {column}, which tells rows of one person apart", found, advice)
    values = file.values[column]
    if values.dtype != np.float64:
        taken = values == value
    else:
        try:
            taken = values == float(value)
        except ValueError:
            found = f"numbers in it, and {value!r} as the value to take"
            raise TransportError(f"a number as the value of {column}", found, advice) from None
    if not taken.any():
        some = ", ".join(
            f"{v:g}" if isinstance(v, float) else str(v) for v in list(dict.fromkeys(values))[:5]
        )
        raise TransportError(f"rows in which {column} is {value}", f"none; it is {some}", advice)
    return np.asarray(taken)
