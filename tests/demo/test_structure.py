"""Who is in which file, the design, skip patterns, and the traps of the real files."""

import numpy as np
import pandas as pd
import pytest


def codes(values: pd.Series) -> set[float]:
    return set(values.dropna().unique())


def test_design_has_39_strata_and_79_psus_also_in_the_cohort(
    people: pd.DataFrame, cohort: pd.DataFrame
) -> None:
    for frame in (people, cohort):
        units = frame[["SDMVSTRA", "SDMVPSU"]].drop_duplicates()
        assert (units["SDMVSTRA"].nunique(), len(units)) == (39, 79)
    per_stratum = people.groupby("SDMVSTRA")["SDMVPSU"].nunique()
    assert set(per_stratum.index) == {*range(104, 119), *range(149, 173)}
    assert (per_stratum.loc[:118] == 2).all()
    assert sorted(per_stratum.loc[149:].unique()) == [2, 3]


def test_weights_add_up_to_the_nation(files: dict[str, pd.DataFrame]) -> None:
    first, second = files["DEMO_H"], files["P_DEMO"]
    for column in ("WTINT2YR", "WTMEC2YR"):
        assert first[column].sum() == pytest.approx(311e6, rel=0.01)
    for column in ("WTINTPRP", "WTMECPRP"):
        assert second[column].sum() == pytest.approx(322e6, rel=0.01)
    for frame, column in ((first, "WTMEC2YR"), (second, "WTMECPRP")):
        assert ((frame[column] > 0) == (frame["RIDSTATR"] == 2)).all()
    by_race = first.groupby("RIDRETH3")["WTINT2YR"].mean()
    assert by_race[3] > 1.8 * by_race[4]


def test_metals_are_a_half_subsample_in_2013_and_everybody_later(people: pd.DataFrame, files: dict) -> None:
    metals = files["PBCD_H"].merge(files["DEMO_H"], on="SEQN")
    examined = files["DEMO_H"].query("RIDSTATR == 2 and RIDAGEYR >= 12")
    assert 0.47 < (metals["RIDAGEYR"] >= 12).sum() / len(examined) < 0.54
    assert metals["RIDAGEYR"].min() == 1
    assert metals["WTSH2YR"].sum() == pytest.approx(307.5e6, rel=0.01)
    zero = metals[metals["WTSH2YR"] == 0]
    assert 120 <= len(zero) <= 220
    assert zero["RIDAGEYR"].min() >= 12
    assert zero["LBXBCD"].isna().all()
    later = people.query("cycle == '2017-2020' and RIDSTATR == 2 and RIDAGEYR >= 1")
    assert set(files["P_PBCD"]["SEQN"]) == set(later["SEQN"])
    assert "WTSH2YR" not in files["P_PBCD"]


@pytest.mark.parametrize(
    ("component", "youngest"),
    [("DXXFEM", {"H": 40, "P": 50}), ("OSQ", {"H": 40, "P": 50}), ("ALQ", {"H": 18, "P": 18})],
)
def test_files_start_at_their_age(component: str, youngest: dict, files: dict[str, pd.DataFrame]) -> None:
    for release, name, base in (("H", f"{component}_H", "DEMO_H"), ("P", f"P_{component}", "P_DEMO")):
        merged = files[name].merge(files[base], on="SEQN")
        assert merged["RIDAGEYR"].min() == youngest[release]
        if component != "OSQ":
            assert (merged["RIDSTATR"] == 2).all()


def test_non_detects_are_coded_as_each_release_does(files: dict[str, pd.DataFrame]) -> None:
    stored = {"PBCD_H": {"LBXBCD": 0.07, "LBXTHG": 0.2}, "P_PBCD": {"LBXBCD": 0.071, "LBXTHG": 0.2}}
    limits = {"LBXBPB": 0.07, "LBXBCD": 0.10, "LBXTHG": 0.28, "LBXBSE": 24.48, "LBXBMN": 0.99}
    for name, substitutes in stored.items():
        frame = files[name]
        for value, limit in limits.items():
            comment = frame[value.replace("LBX", "LBD") + "LC"]
            assert (frame.loc[comment == 0, value] >= limit).all()
            assert (frame[value].isna() == comment.isna()).all()
        for value, substitute in substitutes.items():
            comment = frame[value.replace("LBX", "LBD") + "LC"]
            assert codes(frame.loc[comment == 1, value]) == {substitute}
    young = files["P_PBCD"].merge(files["P_DEMO"], on="SEQN").query("RIDAGEYR < 6")
    assert young["LBXBPB"].isna().all()
    assert young["LBXBCD"].notna().any()


def test_menopause_questions_skip(people: pd.DataFrame) -> None:
    women = people[people["RHQ031"].notna()]
    assert (women["RIAGENDR"] == 2).all()
    assert (women.loc[women["RHD043"].notna(), "RHQ031"] == 2).all()
    assert women.loc[(women["RHQ031"] == 2) & (women["RIDAGEYR"] >= 20), "RHD043"].notna().all()
    assert (women.loc[women["RHD043"] == 3, "RHD280"] == 1).all()
    assert (women["RHQ070"].notna() == women["RHQ060"].isin([777, 999])).all()
    assert (women["RHQ332"].notna() == (women["RHQ305"] == 1)).all()
    known = women[women["RHQ060"] < 777]
    assert (known["RHQ060"] <= known["RIDAGEYR"]).all()
    assert known.loc[known["cycle"] == "2017-2020", "RHQ060"].between(19, 60).all()
    assert people.loc[people["cycle"] == "2017-2020", ["RHQ291", "RHQ420"]].isna().all(axis=None)


def test_smoking_osteoporosis_and_activity_questions_skip(people: pd.DataFrame) -> None:
    assert (people["SMQ040"].notna() == (people["SMQ020"] == 1)).all()
    assert (people["OSQ072"].notna() == (people["OSQ060"] == 1)).all()
    assert people.loc[people["RIDAGEYR"] < 12, "PAQ605"].isna().all()
    assert people.loc[people["RIDAGEYR"] < 20, ["MCQ160A", "DMDEDUC2", "marital"]].isna().all(axis=None)


def test_alcohol_differs_by_release(people: pd.DataFrame, files: dict[str, pd.DataFrame]) -> None:
    first = people[people["cycle"] == "2013-2014"]
    second = people[people["cycle"] == "2017-2020"]
    assert not {"ALQ111", "ALQ121"} & set(files["ALQ_H"])
    assert not {"ALQ101", "ALQ120Q", "ALQ120U"} & set(files["P_ALQ"])
    assert (first["ALQ110"].notna() == first["ALQ101"].isin([2, 7, 9])).all()
    assert (first["ALQ120Q"].notna() == ((first["ALQ101"] == 1) | (first["ALQ110"] == 1))).all()
    assert (first["ALQ120U"].notna() == first["ALQ120Q"].between(1, 365)).all()
    assert (second["ALQ121"].notna() == (second["ALQ111"] == 1)).all()
    assert second.loc[second["ALQ121"] == 0, "ALQ130"].isna().all()


def test_scans_have_values_only_where_valid(files: dict[str, pd.DataFrame]) -> None:
    for name in ("DXXFEM_H", "P_DXXFEM"):
        frame = files[name]
        assert (frame["DXXOFBMD"].notna() == (frame["DXAFMRST"] == 1)).all()
        assert (frame["DXXFMBCC"].notna() == frame["DXAFMRST"].isin([1, 2])).all()
    for name in ("DXXSPN_H", "P_DXXSPN"):
        frame = files[name]
        whole = frame["DXASPNST"] == 1
        assert (frame["DXXOSBMD"].notna() == whole).all()
        for vertebra in ("L1", "L2", "L3", "L4"):
            valid = frame[f"DXX{vertebra}BCC"] == 0
            assert valid[whole].all()
            assert frame.loc[~valid, f"DXX{vertebra}BMD"].isna().all()
            assert (valid & ~whole).any()
        content = frame.loc[whole, [f"DXXL{i}BMC" for i in range(1, 5)]].sum(axis=1)
        area = frame.loc[whole, [f"DXXL{i}A" for i in range(1, 5)]].sum(axis=1)
        assert np.abs(content / area - frame.loc[whole, "DXXOSBMD"]).max() < 0.00051


def test_impossible_values_lie_among_valid_scans_as_in_the_real_files(files: dict[str, pd.DataFrame]) -> None:
    valid = files["P_DXXFEM"].query("DXAFMRST == 1")
    assert (valid["DXXTRBMD"] == 0).sum() == 1
    assert (valid["DXXNKBMD"] == 0.144).sum() == 1
    assert valid["DXXNKBMD"].nsmallest(2).iloc[1] > 0.2
    spine = files["P_DXXSPN"].query("DXXL1BCC == 0")
    assert (spine["DXXL1BMD"] == 0).sum() == 1
    assert spine["DXXL1BMD"].isna().any()
    assert files["DXXFEM_H"]["DXXTRBMD"].min() > 0.2
