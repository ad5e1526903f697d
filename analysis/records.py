"""What all planned single-exposure models share: their records, their specification, their failures."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pandas as pd

from mixepi.errors import FIT_FAILURES, MixepiWarning, SpecificationError
from mixepi.regression import RegressionSpec
from mixepi.regression.spec import Family

EXPOSURE_COLUMNS = ["ln_value", "log2_value", "quantile_score", "quantile_median"]
DESIGN_COLUMNS = ["strata", "psu", "weight"]


@dataclass(frozen=True)
class PlannedModels:
    """All planned models of one outcome on one exposure in one study.

    Attributes
    ----------
    study, exposure : str
    models : pandas.DataFrame
        Their rows of the plan.
    data : pandas.DataFrame
        One row per record of the cohort with outcome (``value``) and exposure, in_cohort true, and one row
        without values per psu of the whole sample, in_cohort false.
    references : tuple of (str, str)
        Reference levels of categorical covariates.
    """

    study: str
    exposure: str
    models: pd.DataFrame
    data: pd.DataFrame
    references: tuple[tuple[str, str], ...]


def planned_models(
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
    _check_columns(plan, cohort)
    references = tuple(
        (str(row.covariate), str(row.reference_level))
        for row in covariates.sort_values("covariate").itertuples()
        if isinstance(row.reference_level, str)
    )
    # what does not decide a fit (the order of the plan, other columns of the cohort) must not tell two apart
    plan = plan.sort_values(list(plan.columns), ignore_index=True)
    design = design.sort_values(["weight_name", "strata", "psu"])
    cohort = cohort[["study", "seqn", "strata", "psu", *_named_columns(plan)]]
    return [
        PlannedModels(
            str(study),
            str(exposure),
            models.reset_index(drop=True),
            _records(
                cohort[cohort["study"] == study],
                exposures[(exposures["study"] == study) & (exposures["exposure"] == exposure)],
                outcomes[(outcomes["study"] == study) & (outcomes["outcome"] == outcome)],
                design,
            ),
            references,
        )
        for (study, outcome, exposure), models in plan.groupby(["study", "outcome", "exposure"], sort=True)
    ]


def _check_columns(plan: pd.DataFrame, cohort: pd.DataFrame) -> None:
    for name, what in _named_columns(plan).items():
        if name not in cohort.columns:
            nearest = get_close_matches(name, cohort.columns, n=3) or sorted(cohort.columns)
            raise SpecificationError(
                f"expected {what} among the columns of the cohort, found no {name!r}: did you mean "
                f"{', '.join(nearest)}?"
            )


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


def split_names(names: Any) -> tuple[str, ...]:
    """Return the names of a covariate set, joined by ``;`` in the plan."""
    return tuple(filter(None, str(names).split(";")))


def _records(
    cohort: pd.DataFrame, exposures: pd.DataFrame, outcomes: pd.DataFrame, design: pd.DataFrame
) -> pd.DataFrame:
    records = (
        cohort.drop(columns="study")
        .merge(
            exposures[["seqn", *EXPOSURE_COLUMNS, "weight", "weight_name"]],
            on="seqn",
            validate="one_to_one",
        )
        .merge(outcomes[["seqn", "value"]], on="seqn", validate="one_to_one")
        .sort_values("seqn")
    )
    sampled = design.loc[design["weight_name"].isin(records["weight_name"]), ["strata", "psu"]]
    return with_factors(
        pd.concat(
            [records.assign(in_cohort=True), sampled.assign(in_cohort=False, weight=1.0)], ignore_index=True
        )
    )


def with_factors(data: pd.DataFrame) -> pd.DataFrame:
    """Return `data` with its columns of text as factors, so that no fit has to look for their levels."""
    return data.astype({name: "category" for name in data if not pd.api.types.is_numeric_dtype(data[name])})


@dataclass(frozen=True)
class ModelRecords:
    """The rows that one model sees.

    Attributes
    ----------
    data : pandas.DataFrame
        The columns asked for and those of the design; ``in_model`` marks the records analysed.
    is_survey : bool
        Whether the rows outside the model are kept, for the variance.
    notes : tuple of str
        Who was left out.
    """

    data: pd.DataFrame
    is_survey: bool
    notes: tuple[str, ...]


def model_records(
    planned: PlannedModels,
    columns: Sequence[str],
    engine: str,
    *,
    subgroup: tuple[str, str] | None = None,
) -> ModelRecords:
    """Return the records with values in all `columns` and, for a survey, a positive weight.

    Parameters
    ----------
    planned : PlannedModels
    columns : sequence of str
        Covariates and other columns that the model needs.
    engine : str
        ``unweighted``, or ``survey``: then the others stay, as records outside the domain.
    subgroup : (str, str), optional
        A column and the value that its members have.
    """
    if engine not in ("unweighted", "survey"):
        raise SpecificationError(f"expected engine unweighted or survey, found {engine!r}")
    in_model = planned.data["in_cohort"] & planned.data[list(columns)].notna().all(axis=1)
    if subgroup is not None:
        in_model &= planned.data[subgroup[0]].astype(object) == subgroup[1]
    data = planned.data[[*DESIGN_COLUMNS, *EXPOSURE_COLUMNS, "value", *dict.fromkeys(columns)]]
    data = data.assign(in_model=in_model)
    is_survey = engine == "survey"
    # for a survey, a person without a positive weight stands for nobody
    keep = data["weight"] > 0 if is_survey else in_model
    left_out = int((in_model & ~keep).sum())
    notes = (f"{left_out} people without a positive weight left out",) if left_out else ()
    return ModelRecords(data[keep], is_survey, notes)


def model_spec(
    planned: PlannedModels,
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
        references=tuple(pair for pair in planned.references if pair[0] in covariates),
        family=_family(family),
        weights="weight" if records.is_survey else None,
        strata="strata" if records.is_survey else None,
        psu="psu" if records.is_survey else None,
        domain="in_model",
    )


def _family(name: str) -> Family:
    if name == "binomial":
        return "binomial"
    if name == "gaussian":
        return "gaussian"
    raise SpecificationError(f"expected family binomial or gaussian, found {name!r}")


def rows_or_reason(
    estimate: Callable[[], list[dict[str, Any]]],
    empty: Sequence[dict[str, Any]],
    records: ModelRecords,
    family: str,
) -> list[dict[str, Any]]:
    """Return the rows of a model or, where it cannot be estimated, rows that say why.

    Parameters
    ----------
    estimate : callable
        Fits; returns rows with n, events and warnings (a sequence of texts).
    empty : sequence of dict
        The rows of a failed model: keys, without numbers.
    records : ModelRecords
    family : str

    Returns
    -------
    list of dict
        Each with converged, and warnings as one text, None where there is nothing to say.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MixepiWarning)  # the texts are in the result
            rows = [row | {"converged": True} for row in estimate()]
    except FIT_FAILURES as error:
        outcome = records.data.loc[records.data["in_model"], "value"]
        failed = {
            "n": len(outcome),
            "events": int(outcome.sum()) if family == "binomial" else None,
            "converged": False,
            "warnings": (f"{type(error).__name__}: {error}",),
        }
        rows = [row | failed for row in empty]
    return [row | {"warnings": "; ".join([*row["warnings"], *records.notes]) or None} for row in rows]


def result_table(parts: Sequence[pd.DataFrame], types: Mapping[str, str]) -> pd.DataFrame:
    """Return the parts one below the other, with the columns and types declared even where there are none."""
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(types))
    return table[list(types)].astype(dict(types))
