"""A copy of a project that is changed as docs/change-the-study.md says, with its commands."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from demo.write_transport import write_transport
from tests.warehouse.support.builds import ROOT, type_in
from tests.warehouse.support.pages import CHANGE_THE_STUDY, blocks, commands_of
from warehouse.studies.based_on import with_base
from warehouse.studies.document import read_document

RELEASE = ROOT / "docs" / "2009-2010"
COPY, CHECK, BUILD = commands_of(blocks(CHANGE_THE_STUDY, "sh")[0])
(ADD_RELEASE,) = commands_of(blocks(CHANGE_THE_STUDY, "sh")[2])

# What `recommended` loses beside the study of the page, for the time that it takes.
LEFT_OUT = ("mixtures", "subgroups", "detailed_models")


def rows_of_page() -> Iterator[tuple[str, str]]:
    """Yield the blocks of the page: a seed, and the lines to be added to it."""
    yield from re.findall(
        r"^`seeds/(\w+)\.csv`\n\n```csv\n(.*?)```", CHANGE_THE_STUDY.read_text(), re.MULTILINE | re.DOTALL
    )


def study_files() -> dict[str, str]:
    """Return the study files of the page by name: the blocks of YAML, joined up to the next first line."""
    first = "# yaml-language-server"
    files = "".join(blocks(CHANGE_THE_STUDY, "yaml")).split(first)[1:]
    return {re.findall(r"^study: (\w+)$", text, re.MULTILINE)[0]: first + text for text in files}


def make_custom(checkout: Path, home: Path) -> None:
    """Do what the page says up to the check: copy to ~/custom, write the file, add the rows; keep little."""
    type_in(checkout, COPY, HOME=str(home))
    custom = home / "custom"
    _keep_little(custom / "studies")
    (custom / "studies" / "custom.yml").write_text(study_files()["custom"])
    for seed, lines in rows_of_page():
        with (custom / "seeds" / f"{seed}.csv").open("a") as file:
            file.write(lines)
    type_in(custom, ADD_RELEASE)
    type_in(checkout, CHECK, HOME=str(home))


def _keep_little(studies: Path) -> None:
    """Leave `recommended` alone, on its own feet, with the regressions of one outcome that are crude."""
    documents = {path.stem: read_document(path)[0] for path in studies.glob("*.yml")}
    whole, findings = with_base("recommended", {name: found for name, found in documents.items() if found})
    assert findings == []
    values = {key: value for key, value in whole.values.items() if key not in ("based_on", *LEFT_OUT)}
    for section, name in (("outcomes", "bmd_total_femur"), ("covariate_sets", "crude")):
        values[section] = {name: values[section][name]}
    values["table_one"] = {"age_years": None}
    for path in studies.glob("*.yml"):
        path.unlink()
    (studies / "recommended.yml").write_text(yaml.safe_dump(values, sort_keys=False))


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
