"""What is published about one release: its files, columns, size and counts per code."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from demo.draws import BoolArray, FloatArray
from demo.errors import DemoError
from warehouse.checks.catalogue import SEEDS

FIRST = "2013-2014"
SECOND = "2017-2020"


@dataclass(frozen=True)
class Section:
    """The rows and columns of one file before they are written.

    Attributes
    ----------
    component : str
        Name of the file without its release, such as ``"PBCD"``.
    rows : numpy.ndarray of bool
        Who is in the file, one entry per person of the release.
    columns : dict of numpy.ndarray
        Values by NHANES variable, one entry per person; missing is NaN.
    """

    component: str
    rows: BoolArray
    columns: dict[str, FloatArray]


@dataclass(frozen=True)
class Release:
    """One release of NHANES as the seeds describe it.

    Attributes
    ----------
    cycle : str
        ``"2013-2014"`` or ``"2017-2020"``.
    people, first_seqn : int
        How many people the real release has, and its first sequence number.
    files : mapping
        File name by component.
    labels : mapping
        Label by variable, in the order of the columns, by file name.
    published : mapping
        CDC's count by code (``"."`` is missing), by file name and variable.
    """

    cycle: str
    people: int
    first_seqn: int
    files: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]
    published: Mapping[tuple[str, str], Mapping[str, int]]

    def counts(self, component: str, variable: str) -> Mapping[str, int]:
        """Return CDC's published count by code."""
        return self.published[self.files[component], variable]

    def share(self, component: str, variable: str, code: str) -> float:
        """Return the published share of `code` among those who have a value."""
        counts = self.counts(component, variable)
        return counts.get(code, 0) / sum(n for key, n in counts.items() if key != ".")

    def missing(self, component: str, variable: str) -> float:
        """Return the published share of the file's rows without a value."""
        counts = self.counts(component, variable)
        return counts.get(".", 0) / sum(counts.values())

    def has(self, component: str, variable: str) -> bool:
        """Say whether this release has the variable."""
        return (self.files.get(component, ""), variable) in self.published


def read_releases() -> list[Release]:
    """Read both releases from the seeds."""
    cycles = pd.read_csv(SEEDS / "nhanes_cycles.csv")
    files = pd.read_csv(SEEDS / "nhanes_files.csv")
    variables = pd.read_csv(SEEDS / "nhanes_variables.csv").merge(
        pd.read_csv(SEEDS / "variable_labels.csv"), on=["file", "variable"], how="left", validate="1:1"
    )
    counts = pd.read_csv(SEEDS / "nhanes_codebook.csv", dtype={"code": str})
    labels = {
        str(name): dict(zip(group["variable"], group["label"], strict=True))
        for name, group in variables.groupby("file", sort=False)
    }
    published = {
        (str(key[0]), str(key[1])): dict(zip(group["code"], group["published_count"], strict=True))
        for key, group in counts.groupby(["file", "variable"], sort=False)
    }
    unknown = sorted(set(cycles["cycle"]) - {FIRST, SECOND})
    if unknown:
        raise DemoError(
            f"expected the releases {FIRST} and {SECOND}, found {', '.join(unknown)} in nhanes_cycles.csv: "
            "add its age, race and design tables to demo/population.py and design.py"
        )
    releases = []
    for cycle in cycles.to_dict("records"):
        own = files[files["cycle"] == cycle["cycle"]]
        names = dict(zip(own["component"], own["file"], strict=True))
        releases.append(
            Release(
                cycle=str(cycle["cycle"]),
                people=int(cycle["last_seqn"]) - int(cycle["first_seqn"]) + 1,
                first_seqn=int(cycle["first_seqn"]),
                files=names,
                labels={name: labels[name] for name in names.values()},
                published={key: value for key, value in published.items() if key[0] in names.values()},
            )
        )
    return releases
