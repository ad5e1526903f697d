"""The specification curve: each row is the regression it names, and a failure is a row that says so."""

import numpy as np
import pandas as pd
import pytest

from analysis.cache.fit_cache import FitCache
from analysis.sensitivity import fit_sensitivity_plan
from mixepi.errors import DataError
from mixepi.imputation import impute, pool
from mixepi.regression import RegressionSpec, fit_regression

PLAN = [
    "study", "outcome", "exposure", "specification", "people", "definition", "family", "covariates", "engine",
    "exposure_form", "contrast", "imputations", "seed",
]  # fmt: skip


def specification(name: str, **choices: object) -> dict[str, object]:
    usual = {
        "study": "small", "outcome": "osteoporosis", "exposure": "Cd", "specification": name,
        "people": "everyone", "definition": "broken", "family": "binomial", "covariates": "",
        "engine": "unweighted", "exposure_form": "quantile", "contrast": "Q2", "imputations": 0, "seed": 3,
    }  # fmt: skip
    return usual | choices


@pytest.fixture(scope="module")
def given() -> dict[str, pd.DataFrame]:
    """Twenty women to count by hand, and 200 in two cohorts (everyone, young), some of unknown age."""
    generator = np.random.default_rng(4)
    n = 200
    seqn = np.arange(1, n + 1)
    log2 = generator.normal(size=n)
    age = generator.integers(50, 80, n).astype(float)
    broken = (0.8 * log2 + 0.05 * (age - 65) + generator.logistic(size=n) > 0).astype(float)
    participants = pd.DataFrame(
        {
            "seqn": seqn,
            "strata": 1 + seqn % 5,
            "psu": 1 + seqn // 5 % 2,
            "age_years": np.where(seqn % 9 == 0, np.nan, age),
            "smoking": generator.choice(["never", "former"], n),
        }
    )
    hand = np.arange(1001, 1021)
    participants = pd.concat(
        [participants, pd.DataFrame({"seqn": hand, "strata": 1, "psu": 1 + hand % 2, "smoking": "never"})]
    )

    def exposed(people: str, who: np.ndarray, values: np.ndarray) -> pd.DataFrame:
        frame = pd.DataFrame(
            {
                "study": "small",
                "people": people,
                "exposure": "Cd",
                "seqn": who,
                "ln_value": values * np.log(2),
                "log2_value": values,
                "quantile_score": (values > np.median(values)).astype(int),
                "weight_name": "blood_metals",
                "weight": np.where(who == 3, 0.0, 1.0 + who % 4),
            }
        )
        return frame.assign(quantile_median=frame.groupby("quantile_score")["log2_value"].transform("median"))

    young = age < 65
    exposures = pd.concat(
        [
            exposed("everyone", seqn, log2),
            exposed("young", seqn[young], log2[young]),
            exposed("counted", hand, np.arange(20.0)),
        ]
    )
    # of the ten in the lower half 2 are broken, of the ten in the upper half 5
    counted = np.isin(np.arange(20), [0, 1, 10, 11, 12, 13, 14]).astype(float)
    outcomes = pd.concat(
        [
            pd.DataFrame({"study": "small", "definition": "broken", "seqn": seqn, "value": broken}),
            pd.DataFrame({"study": "small", "definition": "broken", "seqn": hand, "value": counted}),
            pd.DataFrame({"study": "small", "definition": "whole", "seqn": seqn, "value": 0.0}),
            pd.DataFrame({"study": "small", "definition": "bmd", "seqn": seqn, "value": 1 - 0.02 * log2}),
        ]
    )
    design = pd.DataFrame(
        [("blood_metals", stratum, psu) for stratum in range(1, 7) for psu in (1, 2)],
        columns=["weight_name", "strata", "psu"],
    )
    covariates = pd.DataFrame({"covariate": ["age_years", "smoking"], "reference_level": [None, "never"]})
    return {
        "participants": participants,
        "exposures": exposures,
        "outcomes": outcomes,
        "design": design,
        "covariates": covariates,
    }


def rows(given: dict[str, pd.DataFrame], *plan: dict[str, object], **options: object) -> pd.DataFrame:
    table = fit_sensitivity_plan(pd.DataFrame(plan, columns=PLAN), **given, workers=1, **options)
    found = [row for group in table.to_pylist() for row in group["estimates"]]
    return pd.DataFrame(found).set_index("specification")


def frame(given: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The women of `everyone` in one table, by seqn."""
    broken = given["outcomes"].query("definition == 'broken'")[["seqn", "value"]]
    return given["exposures"].query("people == 'everyone'").merge(broken).merge(given["participants"])


def test_an_odds_ratio_counted_by_hand(given):
    row = rows(given, specification("by hand", people="counted")).loc["by hand"]
    assert (row["n"], row["events"], row["converged"]) == (20, 7, True)
    assert np.exp(row["estimate"]) == pytest.approx((5 / 5) / (2 / 8), rel=1e-9)
    assert row["std_error"] == pytest.approx(np.sqrt(1 / 5 + 1 / 5 + 1 / 2 + 1 / 8), rel=1e-6)


def test_each_row_is_the_regression_that_it_names(given):
    found = rows(
        given,
        specification("doubling", exposure_form="per_doubling", contrast="per_doubling"),
        specification("adjusted", covariates="age_years;smoking"),
        specification("weighted", engine="survey", covariates="smoking"),
        specification("young", people="young"),
    )
    data = frame(given).assign(Q2=lambda women: women["quantile_score"].astype(float))
    crude = fit_regression(
        RegressionSpec(outcome="value", exposures=("log2_value",), family="binomial"), data
    )
    assert found.loc["doubling", "estimate"] == pytest.approx(crude.coefficients[1], rel=1e-10)

    known = data[data["age_years"].notna()]
    spec = RegressionSpec(
        outcome="value",
        exposures=("Q2",),
        covariates=("age_years", "smoking"),
        references=(("smoking", "never"),),
        family="binomial",
    )
    adjusted = fit_regression(spec, known)
    assert found.loc["adjusted", "estimate"] == pytest.approx(adjusted.coefficients[1], rel=1e-10)
    assert found.loc["adjusted", "n"] == len(known) < len(data)

    # stratum 6 holds no woman: its psus count for the variance, not for the degrees of freedom
    empty = given["design"].assign(weight=1.0, here=False)
    spec = RegressionSpec(
        outcome="value",
        exposures=("Q2",),
        covariates=("smoking",),
        references=(("smoking", "never"),),
        family="binomial",
        weights="weight",
        strata="strata",
        psu="psu",
        domain="here",
    )
    weighted = fit_regression(spec, pd.concat([data[data["weight"] > 0].assign(here=True), empty]))
    assert found.loc["weighted", "std_error"] == pytest.approx(np.sqrt(weighted.covariance[1, 1]), rel=1e-10)
    assert found.loc["weighted", "df"] == 10 - 5 + 1 - 3
    assert found.loc["weighted", "n"] == len(data) - 1
    assert found.loc["weighted", "warnings"] == "1 participants without a positive weight left out"
    assert found.loc["young", "n"] == (given["exposures"]["people"] == "young").sum()
    assert found.loc[["doubling", "adjusted"], "warnings"].isna().all()


def test_imputed_rows_are_pooled_over_the_copies(given):
    imputed = specification("imputed", covariates="age_years", imputations=4)
    row = rows(given, imputed).loc["imputed"]
    data = frame(given)
    spec = RegressionSpec(
        outcome="value", exposures=("quantile_score",), covariates=("age_years",), family="binomial"
    )
    copies = impute(data, ["value", "log2_value", "weight", "age_years"], imputations=4, seed=3)
    fits = [fit_regression(spec, copy) for copy in copies]
    pooled = pool(
        [fit.coefficients[1] for fit in fits],
        [np.sqrt(fit.covariance[1, 1]) for fit in fits],
        df_complete=np.inf,
    )
    assert row["n"] == len(data)
    assert row["estimate"] == pytest.approx(pooled.estimate, rel=1e-10)
    assert row["std_error"] == pytest.approx(pooled.std_error, rel=1e-10)
    assert pooled.between > 0


def test_what_cannot_be_estimated_is_a_row_that_says_so_and_stops_no_other(given):
    found = rows(
        given,
        specification("no event", definition="whole"),
        specification("no one", people="nobody"),
        specification("no Q4", contrast="Q4"),
        specification("one level", people="counted", covariates="smoking"),
        specification("fine"),
    )
    reasons = {
        "no event": "expected outcome 'value' to vary, found the single value 0",
        "no one": "expected participants in the cohort, found none",
        "no Q4": "expected the contrast Q4, found only Q2",
        "one level": "expected at least two levels of 'smoking', found only 'never'",
    }
    for name, reason in reasons.items():
        assert not found.loc[name, "converged"]
        assert np.isnan(found.loc[name, "estimate"])
        assert reason in found.loc[name, "warnings"], name
    assert found.loc["fine", "converged"]
    assert found.loc["no one", "n"] == 0
    assert found.loc["no event", ["n", "events"]].tolist() == [200, 0]


def test_an_imputation_that_fails_is_a_row_too(given):
    without = given | {"participants": given["participants"].assign(age_years=np.nan)}
    row = rows(without, specification("imputed", covariates="age_years", imputations=2)).loc["imputed"]
    assert not row["converged"]
    assert "of 'age_years' to learn from, found 0 in 200 rows" in row["warnings"]


def test_a_continuous_outcome_has_no_events(given):
    row = rows(given, specification("bmd", definition="bmd", family="gaussian", engine="survey")).loc["bmd"]
    assert row["events"] is None or np.isnan(row["events"])
    assert row["estimate"] < 0


def test_order_does_not_matter_and_a_second_run_reads_the_first(given, tmp_path, capfd):
    plan = pd.DataFrame(
        [specification(people, people=people) for people in ("everyone", "young")], columns=PLAN
    )
    first = fit_sensitivity_plan(plan, **given, workers=1)
    shuffled = given | {
        name: given[name].sample(frac=1, random_state=1) for name in ("exposures", "outcomes")
    }
    again = fit_sensitivity_plan(plan[::-1], **shuffled, workers=1, cache=FitCache(tmp_path))
    assert again.equals(first)
    assert fit_sensitivity_plan(plan, **given, workers=1, cache=FitCache(tmp_path)).equals(first)
    assert "2 of 2 unchanged" in capfd.readouterr().err


def test_a_plan_without_rows_gives_a_table_without_rows(given):
    table = fit_sensitivity_plan(pd.DataFrame(columns=PLAN), **given)
    assert table.num_rows == 0
    assert {"study", "people", "definition", "exposure", "n", "estimates"} <= set(table.column_names)


def test_an_unknown_covariate_is_named(given):
    with pytest.raises(DataError, match="'smokin'"):
        rows(given, specification("typo", covariates="smokin"))


def test_one_cohort_has_one_seed(given):
    with pytest.raises(DataError, match="expected one seed for each cohort and outcome, found 3, 4"):
        rows(given, specification("a"), specification("b", seed=4))
