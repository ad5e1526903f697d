"""Shares of every published code, against CDC's published counts."""

import numpy as np
import pandas as pd
import pytest

from warehouse.paths import seeds_directory

COUNTS = pd.read_csv(seeds_directory() / "nhanes_codebook.csv", dtype={"code": str})
VARIABLES = list(COUNTS[["file", "variable"]].drop_duplicates().itertuples(index=False, name=None))
# Four standard errors of a share, and 1.2 percentage points for the simplicity of the model
# (shares that follow from ages, skip patterns and concentrations are not fitted one by one).
STANDARD_ERRORS, SIMPLICITY = 4.0, 0.012


def single(code: str) -> bool:
    return " to " not in code and code != "."


@pytest.mark.parametrize(("file", "variable"), VARIABLES)
def test_shares_are_the_published_ones(file: str, variable: str, files: dict[str, pd.DataFrame]) -> None:
    values = files[file][variable]
    published = COUNTS[(COUNTS["file"] == file) & (COUNTS["variable"] == variable)]
    codes = [float(code) for code in published["code"] if single(code)]
    found = {
        code: values.isna().sum()
        if code == "."
        else (values == float(code)).sum()
        if single(code)
        else (values.notna() & ~values.isin(codes)).sum()
        for code in published["code"]
    }
    expected = published.set_index("code")["published_count"] / published["published_count"].sum()
    error = np.sqrt(expected * (1 - expected) / len(values))
    difference = (pd.Series(found) / len(values) - expected).abs()
    assert (difference <= SIMPLICITY + STANDARD_ERRORS * error).all(), pd.concat(
        [difference, expected], axis=1
    )
    assert difference.max() <= 0.03
    if not published["code"].str.contains(" to ").any():
        assert set(values.dropna()) <= set(codes)


def test_ages_and_incomes_are_top_coded(people: pd.DataFrame) -> None:
    assert people["RIDAGEYR"].max() == 80
    assert people["INDFMPIR"].max() == 5
    assert not people["INDFMPIR"].between(4.99, 5, inclusive="neither").any()


def test_means_are_near_the_real_ones(people: pd.DataFrame) -> None:
    adults = people[people["RIDAGEYR"] >= 20]
    assert adults["BMXBMI"].mean() == pytest.approx(29.4, abs=0.6)
    logs = np.log(adults[["LBXBPB", "LBXBCD", "LBXTHG", "LBXBSE", "LBXBMN"]])
    expected = [-0.055, -1.12, -0.275, 5.23, 2.22]
    assert np.abs(logs.mean() - expected).max() < 0.08
    assert logs.corr().loc["LBXBPB", "LBXBCD"] == pytest.approx(0.33, abs=0.06)
    assert logs.corr().loc["LBXTHG", "LBXBSE"] == pytest.approx(0.16, abs=0.05)
