"""Pages of the small files, right for each as it lies there."""

from pathlib import Path

import pandas as pd

from demo.write_page import write_page
from tests.ingest.support.small_files import LABELS

CODES = {
    "RIDAGEYR": [("0 to 79", "Range of Values"), ("80", "80 years or over"), (".", "Missing")],
    "DMDMARTL": [("1", "Married"), ("77", "Refused"), ("99", "Don't know"), (".", "Missing")],
    "WTMEC2YR": [("0 to 1", "Range of Values"), (".", "Missing")],
    "LBXBPB": [("0 to 1", "Range of Values"), (".", "Missing")],
}


def page_of(folder: Path, name: str, frame: pd.DataFrame, **codes: list[tuple[str, str]]) -> Path:
    """Write the page of a file, with some codes other than those above."""
    path = folder / f"{name}.htm"
    numbers = frame.select_dtypes("number")
    write_page(numbers, path, file=name, labels=LABELS, codes={**CODES, **codes})
    return path
