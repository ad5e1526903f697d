"""From the rows of a plan of mixtures to tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis.failures import event_count
from analysis.records import (
    by_participant,
    join_records,
    model_records,
    require_cohort_columns,
    split_names,
)
from analysis.run_plan import FitTask, Fitted
from mixepi.errors import EstimationError

MIXTURE_KEYS = ["study", "outcome", "covariate_set", "subgroup"]


@dataclass(frozen=True, kw_only=True)
class StudyTables:
    """What the mixture models of a study read.

    Attributes
    ----------
    cohort : pandas.DataFrame
        One row per study and seqn: strata, psu, covariates, subgroup variables.
    exposures : pandas.DataFrame
        One row per study, seqn and exposure: value, weight, weight_name.
    outcomes : pandas.DataFrame
        One row per study, seqn and outcome: value.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.
    """

    cohort: pd.DataFrame
    exposures: pd.DataFrame
    outcomes: pd.DataFrame
    design: pd.DataFrame

    def records(self, fit: Mapping[str, Any]) -> pd.DataFrame:
        """Return the records of one row of a plan.

        Parameters
        ----------
        fit : mapping
            study, outcome, exposures and covariates (tuples), subgroup_variable and level (None for
            everyone), engine ("unweighted" or "survey"), weight_name.

        Returns
        -------
        pandas.DataFrame
            By seqn: seqn, the outcome, exposures and covariates under their own names, domain (true for the
            participants analysed: everything known and, for a survey, a positive weight). For a survey also
            weight, strata and psu, and one row outside the domain per psu of the whole sample.

        Raises
        ------
        SpecificationError
            A covariate or subgroup variable is not a column of the cohort.
        """
        study, outcome, variable = fit["study"], fit["outcome"], fit["subgroup_variable"]
        exposures, covariates = list(fit["exposures"]), list(fit["covariates"])
        traits = dict.fromkeys([*covariates, *([variable] if variable else [])], "a covariate or a subgroup")
        require_cohort_columns(self.cohort, traits)
        measured = pd.DataFrame({name: self._exposed[study, name]["value"] for name in exposures})
        weight = self._weights[study, fit["weight_name"]]["weight"]
        records = join_records(
            self._participants[study,][["strata", "psu", *traits]],
            measured.assign(weight=weight[~weight.index.duplicated()], weight_name=fit["weight_name"]),
            self._observed[study, outcome]["value"],
            self.design,
        ).rename(columns={"value": outcome})
        subgroup = (variable, fit["level"]) if variable else None
        model = model_records(records, [*exposures, *covariates], fit["engine"], subgroup=subgroup)
        design = ["weight", "strata", "psu"] if model.is_survey else []
        columns = ["seqn", outcome, *exposures, *covariates, *design, "domain"]
        return model.data[columns].reset_index(drop=True)

    @cached_property
    def _participants(self) -> Mapping[Any, pd.DataFrame]:
        return by_participant(self.cohort, ["study"])

    @cached_property
    def _exposed(self) -> Mapping[Any, pd.DataFrame]:
        return by_participant(self.exposures, ["study", "exposure"])

    @cached_property
    def _weights(self) -> Mapping[Any, pd.DataFrame]:
        return by_participant(self.exposures, ["study", "weight_name"])

    @cached_property
    def _observed(self) -> Mapping[Any, pd.DataFrame]:
        return by_participant(self.outcomes, ["study", "outcome"])


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
    fit_of_plan = {
        **row,
        "exposures": split_names(row["exposures"]),
        "covariates": split_names(row["covariates"]),
        "subgroup_variable": row["subgroup_variable"] if isinstance(row["subgroup_variable"], str) else None,
    }
    specification = {
        "outcome": row["outcome"],
        "family": row["family"],
        "exposures": list(fit_of_plan["exposures"]),
        "covariates": list(fit_of_plan["covariates"]),
        "events_per_exposure": int(row["events_per_exposure"]),
        **{name: _plain(row[name]) for name in settings},
    }
    return FitTask(
        kind=kind, fit=fit, schema=schema, specification=specification, data=tables.records(fit_of_plan)
    )


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)


def check_events(specification: Mapping[str, Any], records: pd.DataFrame) -> tuple[int, int | None]:
    """Return the numbers of participants analysed and of events (None unless binary).

    Raises
    ------
    EstimationError
        A binary outcome has fewer events, or fewer participants without it, than the plan's
        events_per_exposure times the exposures: a mixture cannot be told from chance there.
    """
    outcome = records.loc[records["domain"], specification["outcome"]]
    n, events = len(outcome), event_count(outcome, specification["family"])
    if events is None:
        return n, None
    wanted = specification["events_per_exposure"] * len(specification["exposures"])
    if min(events, n - events) < wanted:
        raise EstimationError(
            f"expected at least {wanted} participants with and {wanted} without the outcome "
            f"({specification['events_per_exposure']} per exposure), found {events} and {n - events}: "
            "too few for a mixture"
        )
    return n, events
