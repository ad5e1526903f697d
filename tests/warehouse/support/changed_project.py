"""A copy of a project that is changed as docs/change-the-study.md says: by rows alone, with its commands."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from demo.write_transport import write_transport
from tests.warehouse.support.builds import ROOT, type_in
from tests.warehouse.support.pages import CHANGE_THE_STUDY, blocks, commands_of

RELEASE = ROOT / "docs" / "2009-2010"
COPY, CHECK, BUILD = commands_of(blocks(CHANGE_THE_STUDY, "sh")[0])
(ADD_RELEASE,) = commands_of(blocks(CHANGE_THE_STUDY, "sh")[2])

# One small model of `recommended` stays, beside the study of the page.
KEPT = {
    "study_outcomes": [("recommended", "bmd_total_femur")],
    "study_covariate_sets": [("recommended", "crude")],
    "study_exposures": [("recommended", "Cd", "true"), ("recommended", "Se", "true")],
    "study_cohort_rules": None,
    "study_osteoporosis_sites": None,
    "studies": None,
}


def rows_of_page() -> Iterator[tuple[str, str]]:
    """Yield the blocks of the page: a seed, and the lines to be added to it."""
    yield from re.findall(
        r"^`seeds/(\w+)\.csv`\n\n```csv\n(.*?)```", CHANGE_THE_STUDY.read_text(), re.MULTILINE | re.DOTALL
    )


def make_custom(checkout: Path, home: Path) -> None:
    """Do what the page says up to the check: copy to ~/custom and add the rows; keep little besides."""
    type_in(checkout, COPY, HOME=str(home))
    custom = home / "custom"
    for path in sorted((custom / "seeds").glob("*.csv")):
        _keep_little(path)
    for seed, lines in rows_of_page():
        with (custom / "seeds" / f"{seed}.csv").open("a") as file:
            file.write(lines)
    type_in(custom, ADD_RELEASE)
    type_in(checkout, CHECK, HOME=str(home))


def _keep_little(path: Path) -> None:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    if "study" not in header:
        return
    position = header.index("study")
    rows = [row for row in rows if path.stem in KEPT and row[position] == "recommended"]
    if KEPT.get(path.stem) is not None:
        rows = [row for row in rows if tuple(row) in KEPT[path.stem]]
        assert len(rows) == len(KEPT[path.stem])
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def write_third_release(folder: Path, files: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Write 2009-2010 as CDC would have, from the synthetic files of 2013-2014; return what was written."""
    made = {}
    listed = pd.read_csv(RELEASE / "nhanes_files.csv")
    variables = pd.read_csv(RELEASE / "nhanes_variables.csv")
    for row in listed.itertuples():
        frame = _made_older(str(row.component), files[f"{row.component}_H"].copy())
        columns = variables.loc[variables["file"] == row.file, "variable"]
        made[str(row.file)] = frame[list(columns)]
        write_transport(
            made[str(row.file)],
            folder / f"{row.file}.XPT",
            table=str(row.file),
            labels=dict.fromkeys(columns, "as in 2013-2014"),
        )
    return made


def _made_older(component: str, frame: pd.DataFrame) -> pd.DataFrame:
    frame["SEQN"] -= 73_557 - 51_624
    if component == "DEMO":
        frame["SDMVSTRA"] -= 104 - 75
        third = (frame["SDMVSTRA"] == 75) & (frame["SDMVPSU"] == 2) & (frame["SEQN"] % 2 == 1)
        frame["SDMVPSU"] = frame["SDMVPSU"].mask(third, 3.0)
    if component == "RHQ":
        other = np.where(frame["SEQN"] % 2 == 1, 8.0, 9.0)
        reason = frame["RHD043"].replace(3.0, 7.0)
        frame["RHD042"] = reason.mask(reason == 9, pd.Series(other, frame.index))
    if component == "OSQ":
        frame["OSQ070"] = frame["OSQ072"]
    if component == "PBCD":
        for value, comment, limit in (
            ("LBXBPB", "LBDBPBLC", 0.25),
            ("LBXBCD", "LBDBCDLC", 0.20),
            ("LBXTHG", "LBDTHGLC", 0.33),
        ):
            below = frame[value] < limit
            frame[value] = frame[value].mask(below, round(limit / np.sqrt(2), 2))
            frame[comment] = frame[comment].mask(below, 1.0)
    return frame
