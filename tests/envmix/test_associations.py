"""Regressions by plan: what enters, what comes out, and what a failure leaves behind."""

import numpy as np
import pandas as pd
import pytest

from envmix.associations import exposure_columns, fit_associations
from envmix.errors import SpecificationError
from envmix.planned_models import false_discovery_rate

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
    )
    exposures = pd.concat(
        pd.DataFrame(
            {
                "study": "s",
                "seqn": seqn,
                "exposure": name,
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
    )
    covariates = pd.DataFrame({"covariate": ["age_years", "smoking"], "reference_level": [None, "never"]})
    return {
        "plan": plan,
        "cohort": cohort,
        "exposures": exposures,
        "outcomes": outcomes,
        "design": design,
        "covariates": covariates,
    }


@pytest.fixture(scope="module")
def fitted() -> pd.DataFrame:
    return fit_associations(**tables(), workers=1)


def test_one_row_per_model_and_contrast(fitted):
    assert len(fitted) == 2 * 2 * 2 * 2 * (3 + 1 + 1 + 1)
    assert set(fitted["contrast"]) == {"Q2", "Q3", "Q4", "per_doubling", "trend_score", "trend_median"}
    assert fitted["converged"].all()
    assert fitted["n"].eq(PEOPLE).all()
    assert fitted.loc[fitted["outcome"] == "bmd", "events"].isna().all()


def test_the_effect_is_found(fitted):
    found = fitted.query("outcome == 'bmd' and contrast == 'per_doubling' and covariate_set == 'full'")
    cadmium = found[found["exposure"] == "Cd"]
    assert (abs(cadmium["estimate"] + 0.02) < 3 * cadmium["std_error"]).all()
    assert (found.loc[found["exposure"] == "Pb", "p_value"] > 0.01).all()


def test_survey_degrees_of_freedom(fitted):
    """20 psus less 10 strata, plus 1, less the coefficients."""
    crude = fitted.query("engine == 'survey' and covariate_set == 'crude' and contrast == 'per_doubling'")
    assert set(crude["df"]) == {10 + 1 - 2}
    full = fitted.query("engine == 'survey' and covariate_set == 'full' and contrast == 'per_doubling'")
    assert set(full["df"]) == {10 + 1 - 5}


def test_q_values_are_those_of_one_family(fitted):
    family = fitted.query("engine == 'survey' and covariate_set == 'crude'")
    ordered = family.sort_values("p_value")
    m = len(ordered)
    by_hand = (ordered["p_value"] * m / np.arange(1, m + 1))[::-1].cummin()[::-1].clip(upper=1)
    np.testing.assert_allclose(ordered["q_value"], by_hand, rtol=1e-12)


def test_missing_p_values_are_no_tests():
    found = false_discovery_rate(pd.Series([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])


def test_workers_and_row_order_do_not_matter(fitted):
    shuffled = {
        name: frame.sample(frac=1, random_state=3) if name in ("plan", "exposures", "outcomes") else frame
        for name, frame in tables().items()
    }
    pd.testing.assert_frame_equal(fitted, fit_associations(**shuffled, workers=2))


def test_models_use_the_records_with_all_their_covariates():
    given = tables()
    given["cohort"].loc[:49, "age_years"] = np.nan
    fitted = fit_associations(**given, workers=1)
    assert set(fitted.loc[fitted["covariate_set"] == "crude", "n"]) == {PEOPLE}
    assert set(fitted.loc[fitted["covariate_set"] == "full", "n"]) == {PEOPLE - 50}


@pytest.mark.parametrize("weight", [0.0, np.nan])
def test_people_without_a_weight_are_not_in_the_survey_fit(weight):
    given = tables()
    given["exposures"].loc[given["exposures"]["seqn"] < 7, "weight"] = weight
    fitted = fit_associations(**given, workers=1)
    assert set(fitted.loc[fitted["engine"] == "survey", "n"]) == {PEOPLE - 7}
    assert set(fitted.loc[fitted["engine"] == "unweighted", "n"]) == {PEOPLE}
    assert fitted["converged"].all()
    warned = fitted["warnings"].str.contains("7 people without a positive weight left out")
    assert (warned == (fitted["engine"] == "survey")).all()


def test_an_exposure_without_groups_fails_and_says_so():
    given = tables()
    given["exposures"]["quantile_score"] = 0
    fitted = fit_associations(**given, workers=1)
    failed = fitted[fitted["exposure_form"] == "quantile"]
    assert set(failed["contrast"]) == {"Q2"}
    assert not failed["converged"].any()
    assert failed["warnings"].str.contains("found only zeros in Q2").all()


def test_an_unknown_covariate_is_named_with_the_nearest():
    given = tables()
    given["plan"].loc[given["plan"]["covariate_set"] == "full", "covariates"] = "age_years;smokin"
    with pytest.raises(SpecificationError, match=r"set 'full' .* found no 'smokin': did you mean smoking"):
        fit_associations(**given)


def test_a_model_that_fails_is_a_row_that_says_so():
    given = tables()
    given["outcomes"].loc[given["outcomes"]["outcome"] == "osteo", "value"] = 0.0
    fitted = fit_associations(**given, workers=1)
    failed = fitted[fitted["outcome"] == "osteo"]
    assert not failed["converged"].any()
    assert failed["estimate"].isna().all()
    assert failed["q_value"].isna().all()
    assert failed["warnings"].str.contains("EstimationError: expected both values").all()
    assert fitted.loc[fitted["outcome"] == "bmd", "converged"].all()


def test_unknown_form_is_refused():
    with pytest.raises(SpecificationError, match="found 'spline'"):
        exposure_columns("spline", tables()["exposures"])
