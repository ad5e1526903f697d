"""Interaction tests by plan: found where there is one, not where there is none, and failures said."""

import numpy as np
import pandas as pd
import pytest

from analysis.interactions import TYPES, fit_interactions
from mixepi import false_discovery_rate
from tests.analysis.support.small_study import PEOPLE, tables


def study(difference: float = 0.0) -> dict[str, pd.DataFrame]:
    """Cadmium's effect on bone is larger by `difference` per doubling among the older."""
    given = tables()
    plan = given["plan"]
    plan = plan[plan["exposure_form"].isin(["per_doubling", "trend_score"])]
    given["plan"] = plan.drop(columns=["subgroup", "level"]).assign(subgroup_variable="age_group")
    cadmium = given["exposures"].query("exposure == 'Cd'").set_index("seqn")["log2_value"]
    older = given["cohort"].query("age_group == 'older'")["seqn"]
    outcomes = given["outcomes"]
    changed = (outcomes["outcome"] == "bmd") & outcomes["seqn"].isin(older)
    outcomes.loc[changed, "value"] += difference * outcomes.loc[changed, "seqn"].map(cadmium)
    return given


@pytest.fixture(scope="module")
def fitted() -> pd.DataFrame:
    return fit_interactions(**study(-0.03), workers=1)


def test_one_row_per_test(fitted):
    assert len(fitted) == 2 * 2 * 2 * 2 * 2
    assert fitted["converged"].all()
    assert set(fitted["levels"]) == {2}
    assert set(fitted["df"]) == {1.0}
    assert fitted["n"].eq(PEOPLE).all()
    logistic = (fitted["outcome"] == "osteo") & (fitted["engine"] == "unweighted")
    assert (fitted["test"] == np.where(logistic, "likelihood ratio", "Wald F")).all()
    assert (fitted["df_residual"].isna() == logistic).all()


def test_an_interaction_is_found_where_there_is_one(fitted):
    bone = fitted[fitted["outcome"] == "bmd"]
    assert (bone.loc[bone["exposure"] == "Cd", "p_value"] < 0.01).all()
    assert (bone.loc[bone["exposure"] == "Pb", "p_value"] > 0.01).all()


def test_q_values_are_those_of_one_family(fitted):
    family = fitted.query("engine == 'survey' and covariate_set == 'crude'")
    np.testing.assert_allclose(family["q_value"], false_discovery_rate(family["p_value"]), rtol=1e-12)


def test_linear_unweighted_test_is_the_partial_f_test(fitted):
    """From the residual sums of squares of the two models."""
    given = study(-0.03)
    data = given["cohort"].merge(given["exposures"].query("exposure == 'Cd'"), on="seqn")
    y = given["outcomes"].query("outcome == 'bmd'")["value"].to_numpy()
    older = (data["age_group"] == "older").to_numpy(dtype=float)
    x = data["log2_value"].to_numpy()

    def squares(*columns):
        matrix = np.column_stack([np.ones(PEOPLE), *columns])
        return float(np.sum((y - matrix @ np.linalg.lstsq(matrix, y, rcond=None)[0]) ** 2))

    without, full = squares(x, older), squares(x, older, x * older)
    ((statistic, df_residual),) = fitted.query(
        "outcome == 'bmd' and exposure == 'Cd' and engine == 'unweighted' and covariate_set == 'crude' "
        "and exposure_form == 'per_doubling'"
    )[["statistic", "df_residual"]].to_numpy()
    assert df_residual == PEOPLE - 4
    assert statistic == pytest.approx((without - full) / (full / (PEOPLE - 4)), rel=1e-8)


def test_the_grouping_column_is_no_covariate_too():
    given = study()
    given["plan"].loc[given["plan"]["covariate_set"] == "full", "covariates"] = "age_group;smoking"
    assert fit_interactions(**given, workers=1)["converged"].all()


def test_what_cannot_be_tested_is_a_row_that_says_so():
    given = study()
    given["cohort"]["age_group"] = "older"
    failed = fit_interactions(**given, workers=1)
    assert len(failed) == 32
    assert not failed["converged"].any()
    assert failed[["statistic", "df", "p_value", "q_value"]].isna().all(axis=None)
    assert failed["warnings"].str.contains("two levels of 'age_group' to compare, found older").all()
    assert failed["n"].eq(PEOPLE).all()


def test_no_plan_gives_an_empty_table():
    given = study()
    empty = fit_interactions(**(given | {"plan": given["plan"].iloc[:0]}))
    assert len(empty) == 0
    assert set(empty) == {*TYPES, "q_value"}


def test_workers_and_row_order_do_not_matter(fitted):
    given = study(-0.03)
    shuffled = {
        name: frame.sample(frac=1, random_state=3) if name in ("plan", "exposures", "outcomes") else frame
        for name, frame in given.items()
    }
    pd.testing.assert_frame_equal(fitted, fit_interactions(**shuffled, workers=2))
