"""Small transport files and the seeds of a small catalogue that fits them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

CYCLES = """cycle,description,years,first_seqn,last_seqn
2013-2014,first,2,101,110
2017-2020,second,3.2,201,212
"""
ADDRESS = "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public/2013/DataFiles"
FILES = f"""file,cycle,component,address,expected_rows,person_row
DEMO_H,2013-2014,DEMO,{ADDRESS}/DEMO_H.xpt,10,
P_DEMO,2017-2020,DEMO,{ADDRESS.replace("2013", "2017")}/P_DEMO.xpt,12,
PBCD_H,2013-2014,PBCD,{ADDRESS}/PBCD_H.xpt,6,
"""
VARIABLES = """file,variable,name
DEMO_H,SEQN,SEQN
DEMO_H,RIDAGEYR,RIDAGEYR
DEMO_H,WTMEC2YR,WTMEC
DEMO_H,DMDMARTL,DMDMARTL
P_DEMO,SEQN,SEQN
P_DEMO,RIDAGEYR,RIDAGEYR
P_DEMO,WTMECPRP,WTMEC
PBCD_H,SEQN,SEQN
PBCD_H,LBXBPB,LBXBPB
"""

ERRORS = "file,variable,code,page_count,data_count,label,reason\n"

LABELS = {"SEQN": "Respondent sequence number", "LBXBPB": "Blood lead (ug/dL)"}


def frames() -> dict[str, pd.DataFrame]:
    """Return what the small files hold."""
    first, second = np.arange(101.0, 111), np.arange(201.0, 213)
    return {
        "DEMO_H": pd.DataFrame(
            {"SEQN": first, "RIDAGEYR": first - 60, "WTMEC2YR": first * 10, "DMDMARTL": 1.0, "NOTE": "a'b"}
        ),
        "P_DEMO": pd.DataFrame(
            {"SEQN": second, "RIDAGEYR": second - 160, "WTMECPRP": second * 10, "NOTE": 3.0}
        ),
        "PBCD_H": pd.DataFrame({"SEQN": first[:6], "LBXBPB": [0.0, 0.07, np.nan, 1.5, 2.5, 3.5]}),
    }


def pbcd(**columns: object) -> pd.DataFrame:
    """Return the blood metals file with some columns changed or added."""
    return frames()["PBCD_H"].assign(**columns)


def label_all(folder: Path, label: str) -> None:
    """Write all small files with a dataset label."""
    for name, frame in frames().items():
        write_xpt(folder / f"{name}.XPT", frame, label=label)


def write_xpt(path: Path, frame: pd.DataFrame, *, label: str = "", version: int = 5) -> Path:
    """Write a transport file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = {name: LABELS.get(name) for name in frame.columns}
    pyreadstat.write_xport(
        frame,
        str(path),
        file_label=label,
        column_labels=labels,
        table_name="DATA",
        file_format_version=version,
    )
    return path
