"""The specification curve: one question, by every combination of the choices that an analyst must make.

After Steegen, Tuerlinckx, Gelman and Vanpaemel (2016) and Simonsohn, Simmons and Nelson (2020).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.cache.fit_cache import FitCache
from analysis.exposure_forms import exposure_columns
from analysis.failures import event_count, rows_or_reason
from analysis.planned_models import References, model_spec, reference_levels
from analysis.records import (
    EXPOSURE_COLUMNS,
    ModelRecords,
    by_participant,
    join_records,
    model_records,
    split_names,
)
from analysis.run_plan import FitTask, Fitted, run_plan, table_field
from mixepi.errors import DataError
from mixepi.imputation import impute, pool
from mixepi.model_frame import require_columns
from mixepi.regression import RegressionFit, fit_regression
from mixepi.replicates import Failure, attempted

GROUP_KEYS = ["study", "people", "definition", "exposure"]
SPECIFICATION = (
    "outcome",
    "specification",
    "covariates",
    "engine",
    "exposure_form",
    "contrast",
    "imputations",
)
NUMBERS = ("estimate", "std_error", "df", "p_value", "conf_low", "conf_high")
SCHEMA = pa.schema(
    [
        table_field(
            "estimates",
            outcome=pa.string(),
            specification=pa.string(),
            contrast=pa.string(),
            n=pa.int32(),
            events=pa.int32(),
            **dict.fromkeys(NUMBERS, pa.float64()),
            converged=pa.bool_(),
            warnings=pa.string(),
        )
    ]
)


def fit_sensitivity_plan(
    plan: pd.DataFrame,
    participants: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
    *,
    cache: FitCache | None = None,
    workers: int | None = None,
) -> pa.Table:
    """Fit every specification of a plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per specification: study, outcome, exposure, specification (its name), people and definition
        (names of the cohort and of the outcome's values), family, covariates (joined by ``;``), engine
        (``unweighted`` or ``survey``), exposure_form (see `analysis.exposure_forms`), contrast (the column of
        that form to report), imputations (0: the records with all covariates), seed.
    participants : pandas.DataFrame
        One row per seqn: strata, psu, and the covariates.
    exposures : pandas.DataFrame
        One row per study, people, exposure and seqn: ln_value, log2_value, quantile_score, quantile_median,
        weight, weight_name.
    outcomes : pandas.DataFrame
        One row per study, definition and seqn: value.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.
    covariates : pandas.DataFrame
        covariate and reference_level (null for continuous ones).
    cache, workers
        See `analysis.run_plan.run_plan`.

    Returns
    -------
    pyarrow.Table
        As `run_plan` returns it, one row per study, people, definition and exposure, with the list
        ``estimates``, one per specification: outcome, specification, contrast, n, events (null for continuous
        outcomes), estimate, std_error, df (null: normal distribution), p_value, conf_low, conf_high,
        converged, warnings. A specification that cannot be estimated has the reason in warnings and no
        estimate.

    Raises
    ------
    DataError
        A covariate of the plan is no column of the participants.

    Notes
    -----
    Imputed covariates: `mixepi.imputation.impute` on outcome, logarithm of the exposure, survey weight and
    all covariates of the cohort's imputed specifications, once for all of them, so that they use the same
    copies.
    """
    used = sorted({name for names in plan["covariates"].unique() for name in split_names(names)})
    require_columns(participants, used)
    traits = participants.set_index("seqn")[["strata", "psu", *used]]
    exposed = by_participant(exposures, ["study", "people", "exposure"])
    defined = by_participant(outcomes, ["study", "definition"])
    references = dict(reference_levels(covariates))
    groups, tasks = [], []
    for key, specifications in plan.groupby(GROUP_KEYS, sort=True):
        study, people, definition, exposure = key
        records = join_records(
            traits,
            exposed[study, people, exposure][[*EXPOSURE_COLUMNS, "weight", "weight_name"]],
            defined[study, definition]["value"],
            design,
        )
        groups.append(key)
        tasks.append(
            FitTask(
                kind="sensitivity",
                fit=fit_specifications,
                schema=SCHEMA,
                specification={
                    "outcome": "value",
                    "family": str(_only(specifications, "family")),
                    "seed": int(_only(specifications, "seed")),
                    "references": references,
                    "specifications": [
                        {name: _plain(row[name]) for name in SPECIFICATION}
                        for row in specifications.sort_values(["outcome", "specification"]).to_dict("records")
                    ],
                },
                data=records.assign(domain=records["in_cohort"]),
            )
        )
    plan_of_groups = pd.DataFrame(groups, columns=GROUP_KEYS)
    return run_plan(plan_of_groups, GROUP_KEYS, tasks, SCHEMA, cache=cache, workers=workers)


def _only(specifications: pd.DataFrame, column: str) -> Any:
    values = specifications[column].unique()
    if len(values) != 1:
        raise DataError(
            f"expected one {column} for each cohort and outcome, found {', '.join(map(str, values))}: give "
            "the plan one"
        )
    return values[0]


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)


def fit_specifications(group: Mapping[str, Any], data: pd.DataFrame) -> Fitted:
    """Fit all specifications that look at one cohort, outcome and exposure.

    Parameters
    ----------
    group : mapping
        ``specifications``, a list of mappings; family; seed; references.
    data : pandas.DataFrame
        As `analysis.records.join_records` returns it.
    """
    references, family = tuple(group["references"].items()), group["family"]
    copies = _Copies(group["specifications"], data, group["seed"])
    rows = [
        row
        for specification in group["specifications"]
        for row in _specification_rows(specification, family, references, data, copies)
    ]
    outcome = data.loc[data["in_cohort"], "value"]
    return Fitted(
        n=len(outcome),
        events=event_count(outcome, family),
        tables={"estimates": pd.DataFrame(rows).astype({"events": "Int32"})},
        converged=any(row["converged"] for row in rows),
    )


class _Copies:
    """The records with imputed covariates, made when the first specification asks for them."""

    def __init__(self, specifications: Sequence[Mapping[str, Any]], data: pd.DataFrame, seed: int) -> None:
        self.covariates = sorted(
            {
                name
                for specification in specifications
                if specification["imputations"] > 0
                for name in split_names(specification["covariates"])
            }
        )
        self.data = data
        self.seed = seed
        self.made: dict[int, list[pd.DataFrame]] = {}

    def get(self, imputations: int) -> list[pd.DataFrame]:
        if imputations not in self.made:
            completed = impute(
                self.data[self.data["in_cohort"]],
                ["value", "log2_value", "weight", *self.covariates],
                imputations=imputations,
                seed=self.seed,
            )
            others = self.data[~self.data["in_cohort"]]
            self.made[imputations] = [pd.concat([copy, others]) for copy in completed]
        return self.made[imputations]


def _specification_rows(
    specification: Mapping[str, Any],
    family: str,
    references: References,
    data: pd.DataFrame,
    copies: _Copies,
) -> list[dict[str, Any]]:
    covariates, engine = split_names(specification["covariates"]), specification["engine"]
    imputations = specification["imputations"]
    names = {name: specification[name] for name in ("outcome", "specification", "contrast")}

    def estimate() -> list[dict[str, Any]]:
        if imputations:
            one = partial(_fit_copy, specification, family, references)
            tried = [attempted(one, copy) for copy in copies.get(imputations)]
            fits = [fit for fit in tried if not isinstance(fit, Failure)]
            reasons = [fit.error for fit in tried if isinstance(fit, Failure)]
            if not fits:
                raise reasons[0]
            numbers = _pooled(fits, specification["contrast"], len(reasons))
            lost = (
                [f"{len(reasons)} of {len(tried)} imputations without a fit: {reasons[0]}"] if reasons else []
            )
        else:
            fits, lost = [_fit(specification, family, references, data, records)], []
            numbers = _numbers(fits[0], specification["contrast"])
        found = tuple(dict.fromkeys([*lost, *(text for fit in fits for text in fit.warnings)]))
        return [names | numbers | {"n": fits[0].n, "events": fits[0].events, "warnings": found}]

    records = model_records(data, () if imputations else covariates, engine)
    empty = [names | dict.fromkeys(NUMBERS, np.nan)]
    return rows_or_reason(estimate, empty, records.outcome, family, records.notes)


def _fit(
    specification: Mapping[str, Any],
    family: str,
    references: References,
    data: pd.DataFrame,
    records: ModelRecords,
) -> RegressionFit:
    in_cohort = data[data["in_cohort"]]
    if in_cohort.empty:
        raise DataError("expected participants in the cohort, found none: nobody meets its rules")
    columns = exposure_columns(specification["exposure_form"], in_cohort)
    if specification["contrast"] not in columns:
        raise DataError(
            f"expected the contrast {specification['contrast']}, found only {', '.join(columns)}: too many "
            "equal values for that many quantile groups"
        )
    covariates = split_names(specification["covariates"])
    spec = model_spec(references, records, family, tuple(columns), covariates)
    return fit_regression(spec, records.data.assign(**columns))


def _fit_copy(
    specification: Mapping[str, Any], family: str, references: References, copy: pd.DataFrame
) -> RegressionFit:
    records = model_records(copy, split_names(specification["covariates"]), specification["engine"])
    return _fit(specification, family, references, copy, records)


def _numbers(fit: RegressionFit, contrast: str) -> dict[str, Any]:
    table, position = fit.estimates(), fit.terms.index(contrast)
    return {name: float(table[name].to_numpy()[position]) for name in NUMBERS}


def _pooled(fits: Sequence[RegressionFit], contrast: str, failed: int) -> dict[str, Any]:
    position = fits[0].terms.index(contrast)
    missing = [np.nan] * failed
    pooled = pool(
        [*(fit.coefficients[position] for fit in fits), *missing],
        [*(np.sqrt(fit.covariance[position, position]) for fit in fits), *missing],
        df_complete=[fit.df for fit in fits],
    )
    numbers = (pooled.estimate, pooled.std_error, pooled.df, pooled.p_value, *pooled.interval())
    return dict(zip(NUMBERS, numbers, strict=True)) | {"converged": pooled.converged}
