"""The tables that planned models start from, for a small study with a known effect."""

import numpy as np
import pandas as pd

PEOPLE = 400


def tables(seed: int = 1) -> dict[str, pd.DataFrame]:
    """A small study: bone falls by 0.02 per doubling of Cd, Pb does nothing."""
    rng = np.random.default_rng(seed)
    log2 = rng.normal(0, 1, (PEOPLE, 2))
    strata = rng.integers(1, 11, PEOPLE)
    psu = rng.integers(1, 3, PEOPLE)
    bone = 0.9 - 0.02 * log2[:, 0] + rng.normal(0, 0.05, PEOPLE)
    seqn = np.arange(PEOPLE)
    cohort = pd.DataFrame(
        {
            "study": "s",
            "seqn": seqn,
            "strata": strata,
            "psu": psu,
            "age_years": rng.integers(50, 80, PEOPLE).astype(float),
            "smoking": rng.choice(["never", "former", "current"], PEOPLE),
        }
    ).assign(age_group=lambda d: np.where(d["age_years"] < 65, "younger", "older"))
    exposures = pd.concat(
        pd.DataFrame(
            {
                "study": "s",
                "seqn": seqn,
                "exposure": name,
                "ln_value": column * np.log(2),
                "log2_value": column,
                "quantile_score": pd.qcut(column, 4, labels=False),
                "weight": rng.uniform(1, 5, PEOPLE),
                "weight_name": "blood_metals",
            }
        ).assign(quantile_median=lambda d: d.groupby("quantile_score")["log2_value"].transform("median"))
        for name, column in zip(("Cd", "Pb"), log2.T, strict=True)
    )
    outcomes = pd.concat(
        [
            pd.DataFrame({"study": "s", "seqn": seqn, "outcome": "bmd", "value": bone}),
            pd.DataFrame(
                {"study": "s", "seqn": seqn, "outcome": "osteo", "value": (bone < 0.87).astype(float)}
            ),
        ]
    )
    design = pd.DataFrame(
        [("blood_metals", stratum, unit) for stratum in range(1, 11) for unit in (1, 2)],
        columns=["weight_name", "strata", "psu"],
    )
    plan = pd.DataFrame(
        [
            ("s", outcome, family, exposure, covariate_set, covariates, engine, form)
            for outcome, family in (("bmd", "gaussian"), ("osteo", "binomial"))
            for exposure in ("Cd", "Pb")
            for covariate_set, covariates in (("crude", ""), ("full", "age_years;smoking"))
            for engine in ("unweighted", "survey")
            for form in ("quantile", "per_doubling", "trend_score", "trend_median")
        ],
        columns=[
            "study",
            "outcome",
            "family",
            "exposure",
            "covariate_set",
            "covariates",
            "engine",
            "exposure_form",
        ],
    ).assign(subgroup="all", subgroup_variable=None, level=None)
    covariates = pd.DataFrame({"covariate": ["age_years", "smoking"], "reference_level": [None, "never"]})
    return {
        "plan": plan,
        "cohort": cohort,
        "exposures": exposures,
        "outcomes": outcomes,
        "design": design,
        "covariates": covariates,
    }
