"""The models of a plan that regress one outcome on one exposure: their records and their specification."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.records import (
    EXPOSURE_COLUMNS,
    ModelRecords,
    by_participant,
    join_records,
    require_cohort_columns,
    split_names,
)
from mixepi.errors import SpecificationError
from mixepi.regression import RegressionSpec
from mixepi.regression.spec import Family

References = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class PlannedModels:
    """All planned models of one outcome on one exposure in one study.

    Attributes
    ----------
    study, exposure : str
    models : pandas.DataFrame
        Their rows of the plan.
    data : pandas.DataFrame
        As `analysis.records.join_records` returns it.
    references : tuple of (str, str)
        Reference levels of categorical covariates.
    """

    study: str
    exposure: str
    models: pd.DataFrame
    data: pd.DataFrame
    references: References


def planned_models(
    *,
    plan: pd.DataFrame,
    cohort: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
) -> list[PlannedModels]:
    """Return the models of a plan by study, outcome and exposure, each with its records.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per model: study, outcome, family, exposure, covariate_set, covariates (names joined by
        ``;``), engine (``unweighted`` or ``survey``), and what else the analysis asks for.
    cohort : pandas.DataFrame
        One row per study and seqn: strata, psu, the covariates, and the columns of subgroups.
    exposures : pandas.DataFrame
        One row per study, seqn and exposure: ln_value, log2_value, quantile_score, quantile_median, weight,
        weight_name.
    outcomes : pandas.DataFrame
        One row per study, seqn and outcome: value.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.
    covariates : pandas.DataFrame
        covariate and reference_level (null for continuous ones).

    Raises
    ------
    SpecificationError
        The plan names a column that the cohort lacks.
    """
    named = _named_columns(plan)
    require_cohort_columns(cohort, named)
    # what does not decide a fit (the order of the plan, other columns of the cohort) must not tell two apart
    plan = plan.sort_values(list(plan.columns), ignore_index=True)
    participants = by_participant(cohort[["study", "seqn", "strata", "psu", *named]], ["study"])
    exposed = by_participant(exposures, ["study", "exposure"])
    observed = by_participant(outcomes, ["study", "outcome"])
    references = reference_levels(covariates)
    return [
        PlannedModels(
            study=str(study),
            exposure=str(exposure),
            models=models.reset_index(drop=True),
            data=join_records(
                participants[study,].drop(columns="study"),
                exposed[study, exposure][[*EXPOSURE_COLUMNS, "weight", "weight_name"]],
                observed[study, outcome]["value"],
                design,
            ),
            references=references,
        )
        for (study, outcome, exposure), models in plan.groupby(["study", "outcome", "exposure"], sort=True)
    ]


def _named_columns(plan: pd.DataFrame) -> dict[str, str]:
    """Return the columns of the cohort that a plan names, and what each is."""
    wanted = {
        name: f"the covariates of set {row.covariate_set!r}"
        for row in plan[["covariates", "covariate_set"]].drop_duplicates().itertuples()
        for name in split_names(row.covariates)
    }
    if "subgroup_variable" in plan:
        wanted |= dict.fromkeys(plan["subgroup_variable"].dropna(), "the columns of subgroups")
    return wanted


def reference_levels(covariates: pd.DataFrame) -> References:
    """Return the categorical covariates with their reference levels."""
    return tuple(
        (str(row.covariate), str(row.reference_level))
        for row in covariates.sort_values("covariate").itertuples()
        if isinstance(row.reference_level, str)
    )


def model_spec(
    references: References,
    records: ModelRecords,
    family: str,
    exposures: Sequence[str],
    covariates: Sequence[str],
) -> RegressionSpec:
    """Return the regression of the outcome on the columns named, among `records`."""
    return RegressionSpec(
        outcome="value",
        exposures=tuple(exposures),
        covariates=tuple(covariates),
        references=tuple(pair for pair in references if pair[0] in covariates),
        family=_family(family),
        weights="weight" if records.is_survey else None,
        strata="strata" if records.is_survey else None,
        psu="psu" if records.is_survey else None,
        domain="domain",
    )


def _family(name: str) -> Family:
    if name == "binomial":
        return "binomial"
    if name == "gaussian":
        return "gaussian"
    raise SpecificationError(f"expected family binomial or gaussian, found {name!r}")
