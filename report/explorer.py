"""What the explorer of the page can show: every estimate as columns, small enough to lie in the page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from report.findings import default_study, studies
from report.formats import missing, unit, words
from report.labels import adjusted, labels, main_models
from report.marts import Marts

EVERYTHING = "All exposures together"

_NAMES = "study_title as study, outcome_name as outcome, covariate_set_name as covariates"
_RATIO = """
    case outcome_kind when 'binary' then ratio else estimate end as value,
    case outcome_kind when 'binary' then ratio_low else conf_low end as low,
    case outcome_kind when 'binary' then ratio_high else conf_high end as high,
    case outcome_kind when 'binary' then 'odds ratio'
        else concat_ws(', ', 'difference', outcome_unit) end as scale
"""
_DIFFERENCE = """
    estimate as value, conf_low as low, conf_high as high,
    case outcome_kind when 'binary' then 'difference, probit scale'
        else concat_ws(', ', 'difference', outcome_unit) end as scale
"""
_QUERIES: Mapping[str, str] = {
    "associations": f"""
        select 'One exposure at a time' as method, {_NAMES}, exposure_name as exposure, contrast, engine,
            subgroup_name as people, n, events, null as x, {_RATIO}, p_value, q_value, converged
        from main.associations
        order by
            study_order, outcome_order, subgroup_order, exposure_order, contrast, covariate_set_order,
            engine desc
    """,
    "dose_response": f"""
        select 'Dose and response (curve)' as method, {_NAMES}, exposure_name as exposure,
            concat_ws(' ', exposure_name || ',', exposure_unit) as contrast, engine, 'Whole cohort' as people,
            n, events, exposure_value as x, {_RATIO}, p_overall as p_value, null as q_value, converged
        from main.dose_response
        order by study_order, outcome_order, exposure_order, covariate_set_order, engine desc, grid_point
    """,
    "qgcomp_estimates": f"""
        select 'Quantile g-computation' as method, {_NAMES}, '{EVERYTHING}' as exposure,
            'one step up' as contrast,
            engine, 'Whole cohort' as people, n, events, null as x, {_RATIO}, p_value,
            null as q_value, converged
        from main.qgcomp_estimates
        where subgroup = 'all' and term = 'psi1'
        order by study_order, outcome_order, covariate_set_order, engine desc
    """,
    "wqs_estimates": f"""
        select 'Weighted quantile sum regression' as method, {_NAMES}, '{EVERYTHING}' as exposure,
            direction || ' index, ' || replace(procedure, '_', ' ') as contrast, engine,
            'Whole cohort' as people, n, events, null as x, {_RATIO}, p_value, null as q_value, converged
        from main.wqs_estimates
        where subgroup = 'all' and term = 'wqs'
        order by study_order, outcome_order, covariate_set_order, contrast, engine desc
    """,
    "bkmr_overall": f"""
        select 'Bayesian kernel machine regression (curve)' as method, {_NAMES}, '{EVERYTHING}' as exposure,
            'all exposures at this percentile' as contrast, 'unweighted' as engine, 'Whole cohort' as people,
            n, events, 100 * quantile as x, {_DIFFERENCE}, null as p_value, null as q_value, converged
        from main.bkmr_overall
        where subgroup = 'all' and coalesce(scale, 'link') = 'link' and quantile is not null
        order by study_order, outcome_order, covariate_set_order, quantile
    """,
    "bkmr_single": f"""
        select 'Bayesian kernel machine regression' as method, {_NAMES}, exposure_name as exposure,
            '75th against 25th percentile, others at their ' || (100 * fixed_quantile)::integer
                || 'th' as contrast,
            'unweighted' as engine, 'Whole cohort' as people, n, events, null as x, {_DIFFERENCE},
            null as p_value, null as q_value, converged
        from main.bkmr_single
        where subgroup = 'all' and coalesce(scale, 'link') = 'link' and fixed_quantile is not null
        order by study_order, outcome_order, exposure_order, covariate_set_order, fixed_quantile
    """,
}
CHOICES = ("study", "method", "outcome", "exposure", "contrast", "covariates", "engine", "people")
"""What a reader chooses, in order; every other column is a number."""

_NUMBERS = ("n", "events", "x", "value", "low", "high", "p_value", "q_value")


def explorer(marts: Marts) -> dict[str, Any] | None:
    """Return every estimate, by column, and the choices that are made first; None where there is none.

    Returns
    -------
    dict
        `levels`: texts of each choice, in the order of the marts; `codes`: the place of each row's text among
        them; `numbers`: columns with four digits; `scale`, `converged`; `first`: the first choices.
    """
    found = [marts.frame(query) for table, query in _QUERIES.items() if not marts.missing(table)]
    rows = pd.concat([frame for frame in found if len(frame)] or [pd.DataFrame()], ignore_index=True)
    rows = rows[rows["value"].notna()] if len(rows) else rows
    if rows.empty:
        return None
    rows["contrast"], rows["engine"] = rows["contrast"].map(_worded), rows["engine"].map(words)
    rows["people"], rows["scale"] = rows["people"].map(unit), rows["scale"].map(unit)
    levels = {name: list(dict.fromkeys(rows[name].map(str))) for name in (*CHOICES, "scale")}
    codes = {
        name: rows[name].map(str).map({text: place for place, text in enumerate(texts)}).tolist()
        for name, texts in levels.items()
    }
    return {
        "levels": levels,
        "codes": codes,
        "numbers": {name: [_short(value) for value in rows[name]] for name in _NUMBERS},
        "converged": [int(bool(value)) for value in rows["converged"].fillna(False)],
        "first": _first(marts, rows),
    }


def _worded(contrast: str) -> str:
    text = unit(contrast)
    return f"{text} against Q1" if text[:1] == "Q" and text[1:].isdigit() else words(text)


def _first(marts: Marts, rows: pd.DataFrame) -> dict[str, str]:
    """Return the choices of the view that opens: the default study, adjusted, survey-weighted."""
    study = studies(marts).get(default_study(marts), str(rows["study"].iloc[0]))
    own = rows[rows["study"] == study]
    own = own if len(own) else rows
    first = {"study": str(own["study"].iloc[0]), "method": str(own["method"].iloc[0])}
    if not marts.missing("associations"):
        frame = marts.frame(
            "select distinct study, study_title, covariate_set, covariate_set_name, covariate_set_order "
            "from main.associations"
        )
        frame = frame[frame["study_title"] == first["study"]]
        if len(frame):
            first["covariates"] = labels(frame, "covariate_set")[adjusted(frame, main_models(marts))]
    engines = set(own["engine"])
    first["engine"] = words("survey") if words("survey") in engines else str(own["engine"].iloc[0])
    first["outcome"], first["people"] = str(own["outcome"].iloc[0]), str(own["people"].iloc[0])
    return first


def _short(value: Any) -> float | int | None:
    if missing(value) or pd.isna(value):
        return None
    value = float(f"{float(value):.4g}")
    return int(value) if value.is_integer() else value
