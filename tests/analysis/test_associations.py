"""Regressions by plan: what enters, what comes out, and what a failure leaves behind."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from analysis import associations
from analysis.associations import fit_associations
from analysis.exposure_forms import exposure_columns
from mixepi import false_discovery_rate
from mixepi.errors import SpecificationError
from mixepi.regression import RegressionSpec, fit_regression
from tests.analysis.support.small_study import PEOPLE, tables


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


def test_no_plan_gives_a_table_without_rows_but_of_the_same_types(fitted):
    """A project without studies builds: DuckDB sees the types that it sees elsewhere."""
    empty = fit_associations(**{name: table.iloc[:0] for name, table in tables().items()}, workers=1)
    assert len(empty) == 0
    assert list(empty) == list(fitted)
    assert duckdb.from_df(empty).types == duckdb.from_df(fitted).types


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
    warned = fitted["warnings"].str.contains("7 participants without a positive weight left out")
    assert (warned == (fitted["engine"] == "survey")).all()
    assert (fitted["warnings"].isna() == (fitted["engine"] == "unweighted")).all()


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
    assert failed["warnings"].str.contains("DataError: expected outcome 'value' to vary").all()
    assert fitted.loc[fitted["outcome"] == "bmd", "converged"].all()


def breaking(monkeypatch, error: Exception) -> None:
    """Have every fit by quantile groups raise an error."""
    fit_regression = associations.fit_regression

    def break_some(spec, data):
        if "Q2" in spec.exposures:
            raise error
        return fit_regression(spec, data)

    monkeypatch.setattr(associations, "fit_regression", break_some)


@pytest.mark.parametrize("error", [np.linalg.LinAlgError("Singular matrix"), ZeroDivisionError("by zero")])
def test_arithmetic_that_breaks_down_ends_one_model_alone(monkeypatch, error):
    breaking(monkeypatch, error)
    fitted = fit_associations(**tables(), workers=1)
    assert (fitted["converged"] == (fitted["exposure_form"] != "quantile")).all()
    failed = fitted[~fitted["converged"]]
    assert set(failed["warnings"]) == {f"{type(error).__name__}: {error}"}
    assert set(failed["n"]) == {PEOPLE}


def test_a_mistake_in_the_program_ends_everything(monkeypatch):
    breaking(monkeypatch, TypeError("expected a number"))
    with pytest.raises(TypeError, match="expected a number"):
        fit_associations(**tables(), workers=1)


def by_age_group(given: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same study, with the younger and the older as subgroups."""
    parts = [
        given["plan"].assign(subgroup=level, subgroup_variable="age_group", level=level)
        for level in ("younger", "older")
    ]
    return given | {"plan": pd.concat([given["plan"], *parts], ignore_index=True)}


@pytest.fixture(scope="module")
def stratified() -> pd.DataFrame:
    return fit_associations(**by_age_group(tables()), workers=1)


def test_subgroups_leave_the_whole_cohort_as_it_was(fitted, stratified):
    whole = stratified[stratified["subgroup"] == "all"].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, fitted)


def test_a_subgroup_is_a_domain_of_the_whole_design(stratified):
    """The numbers of a fit by hand, quantile groups of everyone, and degrees of freedom of all psus."""
    given = tables()
    cadmium = given["exposures"].query("exposure == 'Cd'")
    data = given["cohort"].merge(cadmium, on=["study", "seqn"])
    data["y"] = given["outcomes"].query("outcome == 'bmd'")["value"].to_numpy()
    data["older"] = data["age_group"] == "older"
    for group in (1, 2, 3):
        data[f"q{group + 1}"] = (data["quantile_score"] == group).astype(float)
    spec = RegressionSpec(
        outcome="y",
        exposures=("q2", "q3", "q4"),
        weights="weight",
        strata="strata",
        psu="psu",
        domain="older",
    )
    expected = fit_regression(spec, data)
    found = stratified.query(
        "subgroup == 'older' and outcome == 'bmd' and exposure == 'Cd' and covariate_set == 'crude' "
        "and engine == 'survey' and exposure_form == 'quantile'"
    )
    assert set(found["n"]) == {int(data["older"].sum())}
    np.testing.assert_allclose(found["estimate"], expected.coefficients[1:], rtol=1e-10)
    np.testing.assert_allclose(found["std_error"], np.sqrt(np.diag(expected.covariance))[1:], rtol=1e-10)
    assert set(found["df"]) == {expected.df}


def test_n_and_events_of_the_subgroups_add_up(stratified):
    counts = stratified.query(
        "outcome == 'osteo' and exposure == 'Cd' and covariate_set == 'full' and contrast == 'per_doubling'"
    ).pivot(index="engine", columns="subgroup", values=["n", "events"])
    for number in ("n", "events"):
        assert (counts[number]["older"] + counts[number]["younger"] == counts[number]["all"]).all()


def test_q_values_of_subgroups_are_a_family_of_their_own(stratified):
    family = stratified.query("engine == 'survey' and covariate_set == 'full' and subgroup != 'all'")
    np.testing.assert_allclose(family["q_value"], false_discovery_rate(family["p_value"]), rtol=1e-12)


def test_a_subgroup_that_cannot_be_estimated_is_rows_that_say_so():
    """No event among the older, no one of the lowest quarter among the younger."""
    given = by_age_group(tables())
    older = given["cohort"].query("age_group == 'older'")["seqn"]
    outcomes, exposures = given["outcomes"], given["exposures"]
    outcomes.loc[(outcomes["outcome"] == "osteo") & outcomes["seqn"].isin(older), "value"] = 0.0
    exposures.loc[~exposures["seqn"].isin(older) & (exposures["quantile_score"] == 0), "quantile_score"] = 1
    given["plan"] = given["plan"].query("exposure == 'Cd' and covariate_set == 'crude'")
    fitted = fit_associations(**given, workers=1)
    failed = fitted[~fitted["converged"]]
    no_events = failed[failed["subgroup"] == "older"]
    assert set(no_events["outcome"]) == {"osteo"}
    assert (
        no_events["warnings"]
        .str.contains("expected outcome 'value' to vary, found the single value 0 in")
        .all()
    )
    assert no_events["events"].eq(0).all()
    assert no_events["n"].eq(len(older)).all()
    no_reference = failed[failed["subgroup"] == "younger"]
    assert set(no_reference["contrast"]) == {"Q2", "Q3", "Q4"}
    assert no_reference["warnings"].str.contains("linearly independent").all()
    assert fitted.query("subgroup == 'all' and outcome == 'bmd'")["converged"].all()


def test_a_column_of_subgroups_that_the_cohort_lacks_is_named():
    given = by_age_group(tables())
    given["plan"]["subgroup_variable"] = given["plan"]["subgroup_variable"].replace("age_group", "agegroup")
    with pytest.raises(
        SpecificationError, match=r"columns of subgroups .* found no 'agegroup': did you mean age_"
    ):
        fit_associations(**given)


def test_unknown_form_is_refused():
    with pytest.raises(SpecificationError, match="found 'spline'"):
        exposure_columns("spline", tables()["exposures"])
