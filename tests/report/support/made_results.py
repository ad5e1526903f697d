"""A small made database with every result mart, hostile texts, failed fits and fits that did not converge."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

RUN = "0f0e0d0c-made-up-run"
STUDIES = ("peng2025", "recommended")
EXPOSURES = ("Pb", "Cd", "Hg", "Se", "Mn")
OUTCOMES = ("osteoporosis", "bmd_total_femur", "bmd_femoral_neck")
SETS = ("crude", "age", "age_bmi", "full")
ENGINES = ("unweighted", "survey")
CONTRASTS = ("Q2", "Q3", "Q4", "per_doubling", "trend_score", "trend_median")
SUBGROUPS = ("age 50-59", "age 60-69", "age 70 and over", "bmi under 25", "bmi 25-30", "bmi 30 and over")

LABELS = {
    "study": (
        ["study", "study_title", "study_order"],
        [("peng2025", "As in the paper", 1), ("recommended", "By recommended definitions", 2)],
    ),
    "outcome": (
        ["outcome", "outcome_name", "outcome_order", "outcome_unit", "outcome_kind"],
        [
            ("osteoporosis", "Osteoporosis", 1, None, "binary"),
            ("bmd_total_femur", "Total femur BMD", 2, "g/cm2", "continuous"),
            ("bmd_femoral_neck", "Femoral neck BMD", 3, "g/cm2", "continuous"),
        ],
    ),
    "exposure": (
        ["exposure", "exposure_name", "exposure_short_name", "exposure_order", "exposure_unit"],
        [
            ("Cd", "Blood cadmium", "Cadmium", 1, "ug/L"),
            ("Pb", "Blood lead", "Lead", 2, "ug/dL"),
            ("Hg", "Blood mercury", "Mercury", 3, "ug/L"),
            ("Se", "Blood selenium", "Selenium", 4, "ug/L"),
            ("Mn", "Blood manganese", "Manganese", 5, "ug/L"),
        ],
    ),
    "covariate_set": (
        ["covariate_set", "covariate_set_name", "covariate_set_order"],
        [("crude", "Crude", 1), ("age", "Age", 2), ("age_bmi", "Age and BMI", 3), ("full", "Full", 4)],
    ),
    "subgroup": (
        ["subgroup", "subgroup_name", "subgroup_order"],
        [
            ("all", "Whole cohort", 0),
            *(
                (name, f"{name[:1].upper()}{name[1:]}", place)
                for place, name in enumerate(SUBGROUPS, start=1)
            ),
        ],
    ),
}
"""Columns of labels by the code that they belong to, and a row per code."""

SCRIPT = (
    '</script><script>document.title = "broken in"</script><img src=x onerror="document.title=\'broken in\'">'
)
FORMULA = '=cmd|"/c calc"!A1'
LONG = "a-very-long-name-without-a-break-" * 12
HOSTILE = f'{SCRIPT} {FORMULA} it\'s "quoted" & {LONG}\x00 ${{7*7}} {{{{7*7}}}}'


def effects(keys: dict[str, Any], random: np.random.Generator) -> pd.DataFrame:
    """Return a row per combination of the keys, with the columns that all estimates have."""
    rows = pd.DataFrame(list(itertools.product(*keys.values())), columns=list(keys))
    binary = rows["outcome"] == "osteoporosis"
    size = np.where(binary, 1.0, 0.02)
    estimate = random.normal(0, 0.35, len(rows)) * size
    error = random.uniform(0.1, 0.4, len(rows)) * size
    rows["n"] = 900 + random.integers(0, 10, len(rows))
    rows["events"] = np.where(binary, 160.0, np.nan)
    rows["estimate"], rows["std_error"] = estimate, error
    rows["conf_low"], rows["conf_high"] = estimate - 1.96 * error, estimate + 1.96 * error
    for name, of in (("ratio", "estimate"), ("ratio_low", "conf_low"), ("ratio_high", "conf_high")):
        rows[name] = np.exp(rows[of]).where(binary)
    rows["p_value"] = random.uniform(0, 1, len(rows))
    return rows.assign(converged=True, warnings=None)


def failed(rows: pd.DataFrame, where: pd.Series, reason: str) -> pd.DataFrame:
    """Return the rows with some of them as a fit that failed leaves them."""
    rows = rows.copy()
    results = [
        name
        for name in rows.select_dtypes("number").columns
        if name not in ("n", "events", "grid_point", "quantile")
    ]
    rows.loc[where, results] = np.nan
    rows.loc[where, "converged"] = False
    rows.loc[where, "warnings"] = reason
    return rows


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the labels, order and unit of each of their codes, as the marts have them."""
    for code, (columns, found) in LABELS.items():
        labels = pd.DataFrame(found, columns=columns)
        if code in rows:
            rows = rows.merge(labels, how="left", on=code)
        if f"other_{code}" in rows:
            other = labels.add_prefix("other_")
            rows = rows.merge(other, how="left", on=f"other_{code}")
    return rows


def associations(random: np.random.Generator) -> pd.DataFrame:
    keys = {
        "study": STUDIES,
        "outcome": OUTCOMES,
        "exposure": EXPOSURES,
        "contrast": CONTRASTS,
        "covariate_set": SETS,
    }
    everyone = effects(keys | {"engine": ENGINES, "subgroup": ("all",)}, random)
    keys |= {
        "outcome": OUTCOMES[:2],
        "contrast": ("Q4", "per_doubling"),
        "covariate_set": ("crude", "age_bmi"),
    }
    rows = pd.concat([everyone, effects(keys | {"engine": ENGINES, "subgroup": SUBGROUPS}, random)])
    rows = rows.assign(df=np.nan, statistic=0.5, q_value=rows["p_value"], standardised_beta=rows["estimate"])
    lead = (rows["exposure"] == "Pb") & (rows["outcome"] == "osteoporosis")
    rows = failed(rows, lead & (rows["covariate_set"] == "full") & (rows["subgroup"] == "all"), HOSTILE)
    rows = failed(rows, lead & (rows["subgroup"] == "age 70 and over"), "expected 10 cases, found 3")
    # a separated model: an interval that would flatten all others
    wide = (rows["exposure"] == "Mn") & (rows["contrast"] == "Q4") & (rows["outcome"] == "osteoporosis")
    rows.loc[wide, ["ratio_low", "ratio_high"]] = [1e-9, 1e9]
    doubtful = (rows["exposure"] == "Hg") & (rows["contrast"] == "Q2")
    rows.loc[doubtful, "converged"] = False
    return rows


def replication() -> pd.DataFrame:
    base = {
        "study": "peng2025", "outcome": "osteoporosis", "exposure": "Cd", "contrast": "Q4",
        "published_value": 2.18, "published_low": 1.309, "published_high": 3.631,
        "published_p_value": None, "our_value": 2.11,
        "our_low": 1.27, "our_high": 3.52, "our_p_value": 0.004, "our_q_value": 0.045, "agrees": True,
        "verdict_rule": "Both on the same side", "is_finding": True, "is_significant_here": True,
        "age_bmi_value": 1.51, "age_bmi_p_value": 0.143, "survives_age_bmi": False, "weighted_value": 1.84,
        "weighted_p_value": 0.077, "survives_weighting": False, "survives_multiple_testing": True,
        "weighted_age_bmi_value": 1.31, "weighted_age_bmi_low": 0.58, "weighted_age_bmi_high": 2.96,
        "weighted_age_bmi_p_value": 0.504, "weighted_age_bmi_q_value": 0.886, "holds": False,
        "verdict": "reproduced",
        "published_source": "Peng 2025, abstract", "subgroup": "all",
        "published_text": None, "our_text": None,
    }  # fmt: skip
    nothing = dict.fromkeys(
        [name for name in base if name.endswith(("value", "low", "high")) and name != "published_value"]
    )
    claims = [
        {"claim": "women", "description": "Women in the analysis", "quantity": "count"}
        | base | nothing | {"published_value": 905, "our_value": 910, "exposure": None, "contrast": None,
           "outcome": None, "is_finding": False, "holds": None},
        {"claim": "cd_q4", "description": HOSTILE, "quantity": "odds_ratio"} | base,
        {"claim": "cd_trend", "description": "Cadmium, trend", "quantity": "p_value"}
        | base | {"published_value": 0.0001, "our_value": 0.005, "our_p_value": 0.005},
        {"claim": "bkmr", "description": "+1 the mixture matters", "quantity": "text"}
        | base | nothing | {"published_value": None, "published_text": "related", "our_text": SCRIPT}
        | {"verdict": "-1 not told", "contrast": None},
    ]  # fmt: skip
    return pd.DataFrame(claims).assign(claim_order=range(1, len(claims) + 1))


def flow() -> pd.DataFrame:
    rules = (
        (0, "all", "Everyone", 2500, 0),
        (1, "women", "Women", 1300, 1200),
        (2, "last", HOSTILE, 910, 390),
    )
    return pd.DataFrame(
        [
            (study, cycle, step, rule, description, n, excluded, 161)
            for study in STUDIES
            for cycle in ("2013-2014", "2017-2020", "all")
            for step, rule, description, n, excluded in rules
        ],
        columns=["study", "cycle", "step", "rule", "description", "n", "excluded", "osteoporosis_cases"],
    )


def table_one() -> pd.DataFrame:
    groups = (
        ("osteoporosis", "no"),
        ("osteoporosis", "yes"),
        ("cycle", "2013-2014"),
        ("cycle", "2017-2020"),
        ("all", "all"),
    )
    variables = (
        (1, "age_years", "Age", "years", None, None, "mean"),
        (2, "race", "Race", None, "other", None, "percent"),
        (2, "race", "Race", None, HOSTILE, 1, "percent"),
        (3, "Cd", "Blood cadmium", "ug/L", None, None, "mean"),
    )
    rows = pd.DataFrame(
        [
            (study, *group, *variable, weighting)
            for study in STUDIES
            for group in groups
            for variable in variables
            for weighting in ENGINES
        ],
        columns=[
            *("study", "comparison", "comparison_group", "variable_order", "variable", "name", "unit"),
            *("level", "level_order", "statistic", "weighting"),
        ],
    )
    return rows.assign(
        n=455, n_level=200, value=50.0, standard_deviation=8.3456, standardised_mean_difference=-0.001
    )


def exposures(random: np.random.Generator) -> pd.DataFrame:
    rows = pd.DataFrame(
        itertools.product(STUDIES, EXPOSURES, range(60)), columns=["study", "exposure", "seqn"]
    )
    rows["value"] = random.lognormal(0, 0.8, len(rows)).clip(0.1)
    rows["below_detection"] = (rows["value"] <= 0.1) | (rows["exposure"].eq("Hg") & rows["seqn"].lt(7))
    rows.loc[rows["below_detection"], "value"] = 0.07
    rows["ln_value"], rows["log2_value"] = np.log(rows["value"]), np.log2(rows["value"])
    return rows


def dose_response(random: np.random.Generator) -> pd.DataFrame:
    keys = {
        "study": STUDIES[:1],
        "outcome": OUTCOMES[:2],
        "exposure": EXPOSURES,
        "covariate_set": ("crude", "age_bmi", "full"),
    }
    rows = effects(keys | {"engine": ENGINES, "grid_point": range(1, 13)}, random)
    rows["exposure_value"] = 0.2 * 1.3 ** rows["grid_point"]
    rows = rows.assign(reference_value=0.6, p_overall=0.04, p_nonlinear=0.5)
    return failed(rows, (rows["exposure"] == "Hg") & (rows["engine"] == "survey"), "knots fall together")


def wqs(random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = {
        "study": STUDIES[:1],
        "outcome": OUTCOMES[:2],
        "direction": ("positive", "negative"),
        "covariate_set": ("crude", "age_bmi"),
        "engine": ("unweighted",),
        "procedure": ("single_split", "repeated_holdout"),
        "subgroup": ("all",),
    }
    estimates = effects(keys | {"term": ("wqs",)}, random)
    negative = (estimates["direction"] == "negative") & (estimates["procedure"] == "single_split")
    weights = effects(keys | {"exposure": EXPOSURES}, random)
    weights["weight"], weights["weight_low"], weights["weight_high"] = 0.2, 0.05, 0.6
    return failed(estimates, negative, "no bootstrap has a negative index, 100 have a positive one"), weights


def qgcomp(random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = {
        "study": STUDIES[:1],
        "outcome": OUTCOMES[:2],
        "covariate_set": SETS,
        "engine": ENGINES,
        "subgroup": ("all",),
    }
    weights = effects(keys | {"exposure": EXPOSURES}, random)
    weights["direction"] = np.where(weights["exposure"].isin(["Cd", "Pb"]), "positive", "negative")
    weights["weight"] = np.where(weights["direction"] == "positive", 0.5, 1 / 3)
    weights["coefficient"] = weights["estimate"]
    return effects(keys | {"term": ("psi1", "positive_sum", "negative_sum")}, random), weights


def bkmr(random: np.random.Generator) -> dict[str, pd.DataFrame]:
    keys: dict[str, Any] = {
        "study": STUDIES[:1],
        "outcome": OUTCOMES[:2],
        "covariate_set": ("crude", "full"),
        "subgroup": ("all",),
    }
    scale = {"scale": ("link", "probability")}
    quantiles = {"quantile": (0.1, 0.25, 0.5, 0.75, 0.9)}
    grid = {"exposure_value": (0.2, 0.4, 0.8), "other_value": (0.1, 0.3, 0.5, 0.7, 0.9)}
    pips = effects(keys | {"exposure": EXPOSURES}, random).assign(pip=0.6, prior_pip=0.5, mcse=0.02)
    pips.loc[pips["outcome"] == "osteoporosis", "converged"] = False
    response = effects(keys | {"exposure": EXPOSURES} | scale | quantiles, random)
    pairs = effects(keys | {"exposure": EXPOSURES, "other_exposure": EXPOSURES} | scale | grid, random)
    overall = effects(keys | scale | quantiles, random)
    overall.loc[overall["covariate_set"] == "full", "converged"] = False
    parameters = effects(keys | {"parameter": ("lambda", "r[Cd]", "beta[age]")}, random)
    parameters = parameters.assign(
        judged=parameters["parameter"] != "beta[age]",
        r_hat=1.34,
        ess_bulk=90.0,
        ess_tail=80.0,
        mcse=0.02,
        converged=False,
    )
    lost = {"exposure": None, "scale": None, "estimate": np.nan, "converged": False, "warnings": HOSTILE}
    interactions = effects(keys | {"exposure": EXPOSURES} | scale, random)
    failure = interactions.iloc[[0]].assign(covariate_set="age_bmi", **lost)
    return {
        "bkmr_pips": pips,
        "bkmr_response": response.assign(exposure_value=response["quantile"] * 2),
        "bkmr_response_bivariate": pairs[pairs["exposure"] < pairs["other_exposure"]],
        "bkmr_overall": overall,
        "bkmr_single": effects(
            keys | {"exposure": EXPOSURES, "fixed_quantile": (0.25, 0.5, 0.75)} | scale, random
        ),
        "bkmr_interactions": pd.concat([interactions, failure]),
        "bkmr_diagnostics": parameters,
    }


CHOICES = (
    "menopause", "exclusion", "covariates_required", "scans", "plausibility", "bone_sites", "reference_set",
    "cutoff", "missing_covariates", "covariate_set", "weighting", "exposure_form",
)  # fmt: skip


CHOICE_NAMES = {
    "reference_set": "Reference values of the T-score",
    "covariate_set": "Covariates of the model",
    "weighting": "Weighting",
}
LEVEL_NAMES = {
    "crude": "Crude",
    "age": "Age",
    "age_bmi": "Age and BMI",
    "full": "Full",
    "unweighted": "None: every woman counts once",
    "none": "No one",
    "imputed": "Imputed",
}


def sensitivity(random: np.random.Generator) -> dict[str, pd.DataFrame]:
    chosen = {
        "reference_set": ("looker1998", "xue2021"),
        "covariate_set": SETS,
        "weighting": ENGINES,
        "exclusion": ("none", FORMULA),
        "missing_covariates": ("complete_case", "imputed"),
    }
    what = {
        "study": STUDIES[:1],
        "outcome": OUTCOMES[:2],
        "exposure": ("Cd", "Se"),
        "contrast": CONTRASTS[2:5],
    }
    rows = effects(what | chosen, random)
    rows = rows.assign(**{choice: "the same" for choice in CHOICES if choice not in chosen}, df=np.nan)
    rows["specification"] = [f"s{number}" for number in range(len(rows))]
    rows["is_published"] = rows.groupby(list(what)).cumcount() == 3
    per_choice = effects(what | {"choice": tuple(chosen)}, random)
    per_choice = per_choice.assign(
        choice_order=per_choice["choice"].map({choice: place for place, choice in enumerate(chosen)}),
        choice_name=per_choice["choice"].map(CHOICE_NAMES).fillna(HOSTILE),
        share_of_variance=0.2,
    )
    options = [
        (choice, level, place, LEVEL_NAMES.get(level, HOSTILE))
        for choice, levels in chosen.items()
        for place, level in enumerate(levels)
    ]
    levels = per_choice.merge(
        pd.DataFrame(options, columns=["choice", "level", "level_order", "level_name"]), on="choice"
    )
    levels = levels.assign(
        is_published=levels["level_order"] == 0, specifications=12, not_estimated=1,
        median_estimate=0.1, lowest_estimate=-0.2, highest_estimate=0.9, share_significant=0.25,
        median_ratio=levels["ratio"],
    )  # fmt: skip
    return {
        "sensitivity": failed(rows, rows.index % 17 == 5, "lonely stratum"),
        "sensitivity_choices": per_choice.assign(share_explained=0.9),
        "sensitivity_levels": levels,
    }


def interactions() -> pd.DataFrame:
    keys = (STUDIES, OUTCOMES[:2], EXPOSURES, ("crude",), ENGINES, ("per_doubling",), ("age", "bmi"))
    names = ["study", "outcome", "exposure", "covariate_set", "engine", "exposure_form", "subgroup_variable"]
    rows = pd.DataFrame(itertools.product(*keys), columns=names)
    return rows.assign(
        test="Wald",
        levels=3,
        n=900,
        events=160,
        df=2.0,
        statistic=1.2,
        p_value=0.3,
        q_value=0.6,
        converged=True,
        warnings=None,
    )


def frames() -> dict[str, pd.DataFrame]:
    """Return every result mart."""
    random = np.random.default_rng(7)
    wqs_estimates, wqs_weights = wqs(random)
    qgcomp_estimates, qgcomp_weights = qgcomp(random)
    cuts = pd.DataFrame(
        itertools.product(STUDIES, EXPOSURES, (1, 2, 3)), columns=["study", "exposure", "cut_number"]
    )
    marts = {
        "associations": associations(random),
        "replication": replication(),
        "cohort_flow": flow(),
        "study_definitions": pd.DataFrame({"study": STUDIES, "description": "Rules of a paper, told here"}),
        "covariate_set_definitions": pd.DataFrame(
            {
                "covariate_set": ["crude", "age", "age_bmi", "full"],
                "covariates": [None, "Age", "Age; Body mass index", "Age; Education; Smoking"],
            }
        ),
        "table_one": table_one(),
        "cohort_exposures": exposures(random),
        "exposure_cut_points": cuts.assign(cut_point=0.4 * cuts["cut_number"]),
        "dose_response": dose_response(random),
        "wqs_estimates": wqs_estimates,
        "wqs_weights": wqs_weights,
        "qgcomp_estimates": qgcomp_estimates,
        "qgcomp_weights": qgcomp_weights,
        **bkmr(random),
        "interactions": interactions(),
        **sensitivity(random),
        "input_files": pd.DataFrame(
            {
                "file": ["DEMO_H", SCRIPT],
                "cycle": "2013-2014",
                "row_count": 10,
                "bytes": 99,
                "sha256": "ab" * 32,
            }
        ),
    }
    return {name: labelled(rows) for name, rows in marts.items()}


def write(
    database: Path,
    source: str = "demo",
    only: tuple[str, ...] | None = None,
    marts: Mapping[str, pd.DataFrame] | None = None,
) -> Path:
    """Write the marts (or some of them, or others) as tables of one run; returns the path."""
    marts = frames() if marts is None else marts
    runs = pd.DataFrame(
        {
            "run_id": [RUN, "of no table"],
            "started_at": pd.to_datetime(["2026-01-02 03:04:05", "2025-01-01 00:00:00"]),
            "source": source,
            "code_version": "abc123-dirty",
            "inputs_digest": "cd" * 32,
            "configuration_digest": "ef" * 32,
            "package_versions": '{"duckdb": "2.0.0", "evil": "<b>1</b>"}',
        }
    )
    tables = {name: rows for name, rows in marts.items() if only is None or name in only}
    with duckdb.connect(str(database)) as connection:
        for table, rows in (tables | {"runs": runs}).items():
            stamped = rows if table == "runs" else rows.assign(run_id=RUN, source=source)
            connection.register("made", stamped)
            connection.execute(f"create table {table} as from made")
            connection.unregister("made")
    return database
