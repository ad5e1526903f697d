"""The catalogue: what is in the project's seeds, and how wrong rows are reported."""

from pathlib import Path

import pytest

from warehouse.errors import SeedError
from warehouse.seeds.catalogue import read_catalogue
from warehouse.seeds.findings import FindingsError


def test_the_projects_own_catalogue_is_valid() -> None:
    catalogue = read_catalogue()
    assert len(catalogue.files) == 31
    assert len(catalogue.components) == 16
    assert catalogue.by_name["P_DEMO"].expected_rows == 15_560
    weights = [v.name for v in catalogue.by_name["P_DEMO"].variables if v.variable == "WTMECPRP"]
    assert weights == ["WTMEC"]


@pytest.mark.parametrize(
    ("seed", "old", "new", "parts"),
    [
        ("nhanes_files.csv", "P_DEMO.xpt,12", "P_DEMO.xpt,-1", ["line 3", "expected_rows", "'-1'"]),
        ("nhanes_files.csv", "P_DEMO.xpt,12", "P_DEMO.xpt,twelve", ["line 3", "'twelve'"]),
        ("nhanes_files.csv", "PBCD_H,2013-2014", "PBCD_H,2013-2015", ["line 4", "nearest: 2013-2014"]),
        ("nhanes_files.csv", "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/2013/DataFiles/PBCD_H", "http://x/PBCD_H",
         ["line 4", "https://"]),
        ("nhanes_files.csv", "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/2013/DataFiles/PBCD_H", "https://[a]/PBCD_H",
         ["line 4", "https://"]),
        ("nhanes_files.csv", "DataFiles/PBCD_H.xpt", "DataFiles/PBCD_I.xpt", ["line 4", "PBCD_H.xpt"]),
        ("nhanes_files.csv", "PBCD_H,2013", "DEMO_H,2013", ["line 4", "each once", "on line 2 too"]),
        ("nhanes_files.csv", "PBCD_H,2013-2014,PBCD", "PBCD_H,2013-2014,DEMO", ["line 4", "DEMO_H is one"]),
        ("nhanes_files.csv", "PBCD_H,2013", 'PBCD"; drop,2013', ["line 4"]),
        ("nhanes_files.csv", "PBCD_H.xpt,6,", "PBCD_H.xpt,6,mean", ["line 4", "person_row", "_MULT_=1"]),
        ("nhanes_files.csv", "expected_rows", "rows", ["line 1", "'rows' (nearest: expected_rows"]),
        ("nhanes_variables.csv", "PBCD_H,LBXBPB,LBXBPB", "PBCD_J,LBXBPB,LBXBPB", ["line 10", "nearest: PB"]),
        ("nhanes_variables.csv", "DMDMARTL,DMDMARTL", "DMDMARTL,WTMEC", ["line 5", "line 4 has it"]),
        ("nhanes_variables.csv", "DMDMARTL,DMDMARTL", "DMDMARTL,CYCLE", ["line 5", "CYCLE"]),
        ("nhanes_variables.csv", "PBCD_H,SEQN,SEQN\n", "", ["PBCD_H", "SEQN"]),
        ("nhanes_variables.csv", "PBCD_H,SEQN,SEQN", "PBCD_H,SEQN", ["line 9", "3 values"]),
        ("nhanes_cycles.csv", "201,212", "105,212", ["line 3", "above 110"]),
        ("nhanes_cycles.csv", "101,110", "101,99", ["line 2", "at least 101"]),
        ("nhanes_cycles.csv", "2013-2014,first", "2013/14,first", ["line 2", "2013-2014"]),
        ("nhanes_cycles.csv", "2013-2014,first", "2014-2013,first", ["line 2", "two years"]),
        ("nhanes_cycles.csv", "2013-2014,first", "2017-2018,first",
         ["line 3, column cycle", "2017-2018 (line 2) covers 2017 to 2018", "same people", "'2017-2020'"]),
        ("nhanes_cycles.csv", "2013-2014,first", "2019-2020,first",
         ["line 2, column cycle", "2017-2020 (line 3) covers", "'2019-2020'"]),
        ("nhanes_files.csv", "2017/DataFiles/P_DEMO", "2013/DataFiles/P_DEMO",
         ["line 3, column cycle", "DEMO_H (line 2) is of 2013 too", "other than 2013-2014", "'2017-2020'"]),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named(seeds: Path, seed: str, old: str, new: str, parts: list[str]) -> None:
    text = (seeds / seed).read_text()
    assert text.count(old) == 1
    (seeds / seed).write_text(text.replace(old, new))
    with pytest.raises(FindingsError) as caught:
        read_catalogue(seeds)
    for part in [seed, *parts]:
        assert part in str(caught.value)


def test_missing_or_empty_seeds(seeds: Path) -> None:
    (seeds / "nhanes_cycles.csv").write_text("cycle,description,years,first_seqn,last_seqn\n")
    with pytest.raises(FindingsError, match="at least one row"):
        read_catalogue(seeds)
    (seeds / "nhanes_cycles.csv").unlink()
    with pytest.raises(SeedError, match=r"Cannot read .*nhanes_cycles\.csv: it does not exist"):
        read_catalogue(seeds)


def test_the_digest_follows_the_rows(seeds: Path) -> None:
    before = read_catalogue(seeds).digest
    assert read_catalogue(seeds).digest == before
    path = seeds / "nhanes_variables.csv"
    path.write_text(path.read_text().replace("WTMECPRP,WTMEC", "WTMECPRP,WEIGHT"))
    assert read_catalogue(seeds).digest != before
