"""Single-exposure regressions by the hundred: every outcome, exposure, covariate set and engine of a plan."""

import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from envmix.errors import EnvmixError, EnvmixWarning, SpecificationError
from envmix.fan_out import fan_out
from envmix.regression import RegressionFit, RegressionSpec, fit_regression
from envmix.regression.spec import Family

KEYS = ["study", "outcome", "exposure", "covariate_set", "engine", "exposure_form"]
EXPOSURE_COLUMNS = ["log2_value", "quantile_score", "quantile_median"]
DESIGN_COLUMNS = ["strata", "psu", "weight"]
NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high", "standardised")


@dataclass(frozen=True)
class AssociationTask:
    """All regressions of one outcome on one exposure in one study.

    Attributes
    ----------
    models : pandas.DataFrame
        Their rows of the plan.
    data : pandas.DataFrame
        One row per record of the cohort with outcome and exposure, and one row without values per psu of
        the whole sample.
    references : tuple of (str, str)
        Reference levels of categorical covariates.
    """

    models: pd.DataFrame
    data: pd.DataFrame
    references: tuple[tuple[str, str], ...]


def fit_associations(
    plan: pd.DataFrame,
    cohort: pd.DataFrame,
    exposures: pd.DataFrame,
    outcomes: pd.DataFrame,
    design: pd.DataFrame,
    covariates: pd.DataFrame,
    *,
    workers: int | None = None,
) -> pd.DataFrame:
    """Fit every regression of a plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        One row per model: study, outcome, family, exposure, covariate_set, covariates (names joined by
        ``;``), engine (``unweighted`` or ``survey``), exposure_form (``quantile``, ``per_doubling``,
        ``trend_score``, ``trend_median``).
    cohort : pandas.DataFrame
        One row per study and seqn: strata, psu, and the covariates.
    exposures : pandas.DataFrame
        One row per study, seqn and exposure: log2_value, quantile_score, quantile_median, weight,
        weight_name.
    outcomes : pandas.DataFrame
        One row per study, seqn and outcome: value.
    design : pandas.DataFrame
        One row per weight_name and psu of the whole sample: weight_name, strata, psu.
    covariates : pandas.DataFrame
        covariate and reference_level (null for continuous ones).
    workers : int, optional
        See `envmix.fan_out.fan_out`; the result does not depend on it.

    Returns
    -------
    pandas.DataFrame
        One row per model and contrast, sorted: the keys, contrast (Q2, Q3, ..., or the form's name), n,
        events, estimate, std_error, df (null: normal distribution), statistic, p_value, conf_low,
        conf_high, standardised (null for binary outcomes), q_value (Benjamini-Hochberg 1995 over all
        contrasts of one study, engine and covariate set), converged, warnings. A model that cannot be
        estimated has a row per contrast with the reason in warnings and no estimate. Models use the records
        with all their covariates and, for a survey, a positive weight.
    """
    _check_covariates(plan, cohort)
    references = tuple(
        (str(row.covariate), str(row.reference_level))
        for row in covariates.itertuples()
        if isinstance(row.reference_level, str)
    )
    tasks = []
    for (study, outcome, exposure), models in plan.groupby(["study", "outcome", "exposure"], sort=True):
        data = _task_data(
            cohort[cohort["study"] == study],
            exposures[(exposures["study"] == study) & (exposures["exposure"] == exposure)],
            outcomes[(outcomes["study"] == study) & (outcomes["outcome"] == outcome)],
            design,
        )
        tasks.append(AssociationTask(models, data, references))
    fitted = pd.concat(
        fan_out(_fit_task, tasks, workers=workers, description="associations"), ignore_index=True
    ).sort_values([*KEYS, "contrast"], ignore_index=True)
    fitted["events"] = fitted["events"].astype("Int64")
    by_family = fitted.groupby(["study", "engine", "covariate_set"])["p_value"]
    return fitted.assign(q_value=by_family.transform(false_discovery_rate))


def _check_covariates(plan: pd.DataFrame, cohort: pd.DataFrame) -> None:
    for names, covariate_set in (
        plan[["covariates", "covariate_set"]].drop_duplicates().itertuples(index=False)
    ):
        for name in filter(None, names.split(";")):
            if name not in cohort.columns:
                nearest = get_close_matches(name, cohort.columns, n=3) or sorted(cohort.columns)
                raise SpecificationError(
                    f"expected the covariates of set {covariate_set!r} among the columns of the cohort, "
                    f"found no {name!r}: did you mean {', '.join(nearest)}?"
                )


def false_discovery_rate(p_values: pd.Series) -> pd.Series:
    """Return Benjamini-Hochberg (1995) q-values of one family of tests; missing p-values stay missing."""
    from scipy.stats import false_discovery_control

    known = p_values.notna()
    q_values = pd.Series(np.nan, index=p_values.index)
    if known.any():
        q_values[known] = false_discovery_control(p_values[known].to_numpy())
    return q_values


def _task_data(
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
    return pd.concat(
        [records.assign(in_cohort=True), sampled.assign(in_cohort=False, weight=1.0)], ignore_index=True
    )


def _fit_task(task: AssociationTask) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for (names, engine), models in task.models.groupby(["covariates", "engine"]):
        covariates = tuple(name for name in str(names).split(";") if name)
        in_model = (task.data["in_cohort"] & task.data[list(covariates)].notna().all(axis=1)).to_numpy()
        data = task.data.loc[:, [*DESIGN_COLUMNS, *EXPOSURE_COLUMNS, "value", *covariates]]
        data["in_model"] = in_model
        is_survey = engine == "survey"
        # for a survey, a person without a positive weight stands for nobody
        keep = (data["weight"] > 0).to_numpy() if is_survey else in_model
        left_out = int(np.sum(in_model & ~keep))
        notes = [f"{left_out} people without a positive weight left out"] if left_out else []
        data = data[keep]
        for model in models.to_dict("records"):
            columns = exposure_columns(str(model["exposure_form"]), data[data["in_model"]])
            spec = RegressionSpec(
                outcome="value",
                exposures=tuple(columns),
                covariates=covariates,
                references=tuple(pair for pair in task.references if pair[0] in covariates),
                family=_family(model["family"]),
                weights="weight" if is_survey else None,
                strata="strata" if is_survey else None,
                psu="psu" if is_survey else None,
                domain="in_model",
            )
            for row in _fit_model(spec, data.assign(**columns)):
                row["warnings"] = "; ".join(filter(None, [row["warnings"], *notes]))
                rows.append({key: model[key] for key in KEYS} | row)
    return pd.DataFrame(rows)


def _fit_model(spec: RegressionSpec, data: pd.DataFrame) -> list[dict[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EnvmixWarning)  # the texts are in the result
            return _estimated(fit_regression(spec, data))
    except EnvmixError as error:
        return _failed(spec, data[data["in_model"]], error)


def exposure_columns(form: str, data: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns by which an exposure enters a model, by contrast.

    Parameters
    ----------
    form : {"quantile", "per_doubling", "trend_score", "trend_median"}
        Indicators of the second and higher quantile groups (contrasts Q2, Q3, ...); log2 of the value; the
        group's number from 0; the median value of the person's group.
    data : pandas.DataFrame
        Columns log2_value, quantile_score, quantile_median.
    """
    if form == "quantile":
        # the lowest group is the reference; with all values in one group, Q2 is a column of zeros and its
        # model fails and says so
        groups = sorted(int(score) for score in data["quantile_score"].unique() if score > 0) or [1]
        return {f"Q{group + 1}": (data["quantile_score"] == group).astype(float) for group in groups}
    source = {
        "per_doubling": "log2_value",
        "trend_score": "quantile_score",
        "trend_median": "quantile_median",
    }
    if form not in source:
        raise SpecificationError(
            f"expected exposure_form quantile or one of {', '.join(source)}, found {form!r}"
        )
    return {form: data[source[form]].astype(float)}


def _family(name: str) -> Family:
    if name == "binomial":
        return "binomial"
    if name == "gaussian":
        return "gaussian"
    raise SpecificationError(f"expected family binomial or gaussian, found {name!r}")


def _estimated(fit: RegressionFit) -> list[dict[str, Any]]:
    table = fit.table()
    numbers = {name: table[name].tolist()[1:] for name in NUMBERS if name in table}
    numbers["df"] = [df if np.isfinite(df) else np.nan for df in numbers["df"]]
    numbers["standardised"] = fit.standardised().tolist()
    common = {"n": fit.n, "events": fit.events, "converged": True, "warnings": "; ".join(fit.warnings)}
    rows = []
    for position, contrast in enumerate(fit.spec.exposures):
        row = {name: values[position] for name, values in numbers.items()}
        if fit.spec.family == "binomial":
            row["standardised"] = np.nan
        rows.append({"contrast": contrast, **row, **common})
    return rows


def _failed(spec: RegressionSpec, data: pd.DataFrame, error: EnvmixError) -> list[dict[str, Any]]:
    common = {
        "n": len(data),
        "events": int(data["value"].sum()) if spec.family == "binomial" else None,
        "converged": False,
        "warnings": f"{type(error).__name__}: {error}",
    }
    return [{"contrast": name, **dict.fromkeys(NUMBERS, np.nan), **common} for name in spec.exposures]
