"""Fit every row of a plan: from the cache or on whatever workers there are, failures as rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.cache.cached_fan_out import cached_fan_out
from analysis.cache.fit_cache import FitCache, fit_digest
from analysis.failures import rows_or_reason, without_infinite_df

FACTS = pa.schema(
    [
        ("n", pa.int32()),
        ("events", pa.int32()),
        ("converged", pa.bool_()),
        ("warnings", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What one fit returns.

    Attributes
    ----------
    n : int
        Participants analysed.
    events : int or None
        Of them with the outcome; None for outcomes that are not binary.
    tables : dict of str to pandas.DataFrame
        Result tables by name, with the columns that the analysis declares.
    converged : bool
        Whether the numbers may be used.
    warnings : tuple of str
        What to know before trusting them.
    """

    n: int
    events: int | None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    converged: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FitTask:
    """One fit: what decides its result, and nothing else.

    Attributes
    ----------
    kind : str
        Name of the analysis.
    fit : callable
        Takes specification and data, returns `Fitted`; defined at the top of a module.
    schema : pyarrow.Schema
        One field, a list of structs, for each result table.
    specification : dict
        JSON values.
    data : pandas.DataFrame
        ``domain`` is true for the records analysed.
    """

    kind: str
    fit: Callable[[Mapping[str, Any], pd.DataFrame], Fitted]
    schema: pa.Schema
    specification: Mapping[str, Any]
    data: pd.DataFrame

    @property
    def digest(self) -> str:
        """The key of its result in the store of fits."""
        return fit_digest(self.kind, self.specification, self.data)


def table_field(name: str, **columns: pa.DataType) -> pa.Field:
    """Return the field of one result table: a list with a struct per row."""
    return pa.field(name, pa.list_(pa.struct(list(columns.items()))))


def run_plan(
    plan: pd.DataFrame,
    keys: Sequence[str],
    tasks: Sequence[FitTask],
    schema: pa.Schema,
    *,
    cache: FitCache | None,
    workers: int | None = None,
) -> pa.Table:
    """Fit every row of a plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per fit, in the order of `tasks`; perhaps none.
    keys : sequence of str
        Columns of the plan that name the fit in the result.
    tasks : sequence of FitTask
        Equal tasks are fitted once.
    schema : pyarrow.Schema
        That of the tasks.
    cache : FitCache or None
        Fits found there are not fitted again; finished ones are stored at once, so that a run that is
        stopped loses only the fits under way.
    workers : int, optional
        See `mixepi.fan_out.fan_out`; the result does not depend on it.

    Returns
    -------
    pyarrow.Table
        One row per row of the plan: its keys; n, events, converged, warnings; one list column per result
        table. A fit that raised one of `mixepi.errors.FIT_FAILURES` has converged false, empty lists, and the
        reason in warnings.
    """
    digests = [task.digest for task in tasks]
    kind = tasks[0].kind if tasks else ""
    fitted = cached_fan_out(fitted_row, tasks, digests, cache=cache, description=kind, workers=workers)
    rows = pa.concat_tables([pa.schema([*FACTS, *schema]).empty_table(), *fitted])
    names = pa.schema([(name, pa.string()) for name in keys])
    columns = pa.Table.from_pandas(plan[list(keys)], schema=names, preserve_index=False)
    for position, name in enumerate(keys):
        rows = rows.add_column(position, columns.schema.field(name), columns.column(name))
    return rows


def fitted_row(task: FitTask) -> pa.Table:
    """Run one task; returns a table of one row."""
    tables: dict[str, pd.DataFrame] = {}

    def estimate() -> list[dict[str, Any]]:
        fitted = task.fit(task.specification, task.data)
        tables.update(fitted.tables)
        return [{name: getattr(fitted, name) for name in FACTS.names}]

    outcome = task.data[task.specification["outcome"]][task.data["domain"]]
    facts = rows_or_reason(estimate, [{}], outcome, task.specification["family"])
    row = pa.Table.from_pylist(facts, schema=FACTS)
    for column in task.schema:
        row = row.append_column(column, _nested(tables.get(column.name), column))
    return row


def _nested(frame: pd.DataFrame | None, column: pa.Field) -> pa.Array:
    """Return a data frame as one value: a list of structs, missing numbers as nulls."""
    schema = pa.schema(list(column.type.value_type))
    if frame is None:
        frame = pd.DataFrame(columns=schema.names)
    rows = pa.Table.from_pandas(
        without_infinite_df(frame[schema.names]), schema=schema, preserve_index=False, safe=True
    )
    structs = (
        pa.concat_arrays(rows.to_struct_array().chunks)
        if len(frame)
        else pa.array([], column.type.value_type)
    )
    return pa.ListArray.from_arrays(pa.array([0, len(frame)], pa.int32()), structs).cast(column.type)
