"""From the rows of a plan of mixtures to tasks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.records import split_names
from analysis.run_plan import FitTask, Fitted
from analysis.study_tables import StudyTables
from mixepi.errors import EstimationError

MIXTURE_KEYS = ["study", "outcome", "covariate_set", "subgroup"]


def mixture_tasks(
    kind: str,
    plan: pd.DataFrame,
    tables: StudyTables,
    fit: Callable[[Mapping[str, Any], pd.DataFrame], Fitted],
    schema: pa.Schema,
    settings: Sequence[str],
) -> list[FitTask]:
    """Return one task per row of a plan.

    Parameters
    ----------
    kind : str
        Name of the analysis, as progress shows it.
    plan : pandas.DataFrame
        One row per fit: study, outcome, family ("binomial" or "gaussian"), exposures and covariates (names
        joined by ``;``), engine, weight_name, subgroup_variable and level (null for everyone),
        events_per_exposure, and the columns that `settings` names.
    tables : StudyTables
    fit : callable
    schema : pyarrow.Schema
    settings : sequence of str
        Columns of the plan that decide the result besides those above.
    """
    return [_task(kind, row, tables, fit, schema, settings) for row in plan.to_dict("records")]


def _task(
    kind: str,
    row: Mapping[Any, Any],
    tables: StudyTables,
    fit: Callable[[Mapping[str, Any], pd.DataFrame], Fitted],
    schema: pa.Schema,
    settings: Sequence[str],
) -> FitTask:
    people = {
        **row,
        "exposures": split_names(row["exposures"]),
        "covariates": split_names(row["covariates"]),
        "subgroup_variable": row["subgroup_variable"] if isinstance(row["subgroup_variable"], str) else None,
    }
    specification = {
        "outcome": row["outcome"],
        "family": row["family"],
        "exposures": list(people["exposures"]),
        "covariates": list(people["covariates"]),
        "events_per_exposure": int(row["events_per_exposure"]),
        **{name: _plain(row[name]) for name in settings},
    }
    return FitTask(kind, fit, schema, specification, tables.people(people))


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)


def check_events(specification: Mapping[str, Any], people: pd.DataFrame) -> tuple[int, int | None]:
    """Return the numbers of people analysed and of events (None unless binary).

    Raises
    ------
    EstimationError
        A binary outcome has fewer events, or fewer people without it, than the plan's events_per_exposure
        times the exposures: a mixture cannot be told from chance there.
    """
    outcome = people.loc[people["domain"], specification["outcome"]]
    n = len(outcome)
    if specification["family"] != "binomial":
        return n, None
    events = int(outcome.sum())
    wanted = specification["events_per_exposure"] * len(specification["exposures"])
    if min(events, n - events) < wanted:
        raise EstimationError(
            f"expected at least {wanted} people with and {wanted} without the outcome "
            f"({specification['events_per_exposure']} per exposure), found {events} and {n - events}: "
            "too few for a mixture"
        )
    return n, events
