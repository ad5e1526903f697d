"""What is published about one release: its files, columns, size and counts per code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demo.draws import BoolArray, FloatArray
from demo.errors import DemoError
from warehouse.paths import seeds_directory
from warehouse.seeds.catalogue import read_catalogue
from warehouse.seeds.declared import load_seed

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


@dataclass(frozen=True, kw_only=True)
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
    codes : mapping
        Code and CDC's words, in CDC's order, by variable, by file name.
    """

    cycle: str
    people: int
    first_seqn: int
    files: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]]
    published: Mapping[tuple[str, str], Mapping[str, int]]
    codes: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]

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
    """Read both releases from the seeds.

    Raises
    ------
    FindingsError
        If a seed is wrong.
    DemoError
        If a release is listed that the generator does not know.
    """
    catalogue = read_catalogue()
    releases = tuple(dict.fromkeys(file.cycle for file in catalogue.files))
    unknown = sorted({release.name for release in releases} - {FIRST, SECOND})
    if unknown:
        raise DemoError(
            f"expected the releases {FIRST} and {SECOND}, found {', '.join(unknown)} in nhanes_cycles.csv: "
            "add its age, race and design tables to demo/population.py and design.py"
        )
    label = {
        (row["file"], row["variable"]): row["label"]
        for row in load_seed(seeds_directory() / "variable_labels.csv").rows
    }
    published: dict[tuple[str, str], dict[str, int]] = {}
    codes: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for row in load_seed(seeds_directory() / "nhanes_codebook.csv").rows:
        counts = published.setdefault((row["file"], row["variable"]), {})
        counts[row["code"]] = int(row["published_count"])
        listed = codes.setdefault(row["file"], {}).setdefault(row["variable"], [])
        listed.append((row["code"], row["description"]))
    found = []
    for release in releases:
        files = [file for file in catalogue.files if file.cycle == release]
        names = {file.name for file in files}
        found.append(
            Release(
                cycle=release.name,
                people=release.last_seqn - release.first_seqn + 1,
                first_seqn=release.first_seqn,
                files={file.component: file.name for file in files},
                labels={f.name: {v.variable: label[f.name, v.variable] for v in f.variables} for f in files},
                published={key: counts for key, counts in published.items() if key[0] in names},
                codes={file: listed for file, listed in codes.items() if file in names},
            )
        )
    return found
