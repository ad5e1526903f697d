"""Facts about releases, codes and measurements that must agree with each other."""

from collections.abc import Iterator
from itertools import pairwise

from warehouse.checks.project import Project
from warehouse.seeds.catalogue import CATALOGUE_SEEDS, catalogue_findings
from warehouse.seeds.findings import Finding
from warehouse.seeds.tables import as_number

# Columns of numbers that must not fall from left to right.
_ASCENDING = {
    "bmd_sites": ("lowest_plausible", "highest_plausible"),
    "published_prevalence": ("lowest_t_score", "highest_t_score"),
    "published_claims": ("published_low", "published_value", "published_high"),
}


def catalogue(project: Project) -> Iterator[Finding]:
    """Files, releases and variables make a catalogue that ingest accepts."""
    yield from catalogue_findings(*(project.seed(name) for name in CATALOGUE_SEEDS))


def variables_of_files(project: Project) -> Iterator[Finding]:
    """Codebook and labels are about variables of the catalogue."""
    listed: dict[str, dict[str, str]] = {}
    for row in project.seed("nhanes_variables").rows:
        listed.setdefault(row["file"], {})[row["variable"]] = row["name"]
    for seed in ("nhanes_codebook", "variable_labels"):
        for row in project.seed(seed).rows:
            names = listed.get(row["file"], {})
            if names and row["variable"] not in names:
                yield row.unknown(
                    "variable", f"a variable of {row['file']} in seeds/nhanes_variables.csv", names
                )
            elif names and row.values.get("name") not in (None, names[row["variable"]]):
                yield row.finding("name", f"{names[row['variable']]!r}, as in seeds/nhanes_variables.csv")


def codes_are_in_the_codebook(project: Project) -> Iterator[Finding]:
    """Answers that are grouped or counted are answers that CDC's codebook has."""
    codes: dict[str, set[str]] = {}
    for row in project.seed("nhanes_codebook").rows:
        codes.setdefault(row["name"], set()).add(row["code"])
    for seed in ("answer_groups", "drinking_days"):
        for row in project.seed(seed).rows:
            variable = row["variable"]
            if variable not in codes:
                yield row.unknown("variable", "a variable of seeds/nhanes_codebook.csv", codes)
            elif row["code"] not in codes[variable]:
                yield row.unknown(
                    "code", f"a code of {variable} in seeds/nhanes_codebook.csv", frozenset(codes[variable])
                )


def ranges_hold_no_codes(project: Project) -> Iterator[Finding]:
    """No code such as 777 (refused) lies within the range of measured values."""
    ranges: dict[tuple[str, str], tuple[float, float]] = {}
    rows = project.seed("nhanes_codebook").rows
    for row in rows:
        if row["kind"] == "range":
            low, _, high = row["code"].partition(" to ")
            ends = as_number(low), as_number(high)
            if ends[0] is None or ends[1] is None or ends[0] > ends[1]:
                yield row.finding("code", "a range such as '0 to 365'")
            else:
                ranges[row["file"], row["variable"]] = (ends[0], ends[1])
    for row in rows:
        bounds, code = ranges.get((row["file"], row["variable"])), as_number(row["code"])
        if bounds and code is not None and bounds[0] <= code <= bounds[1]:
            yield row.finding(
                "code", f"a code outside the range {bounds[0]:g} to {bounds[1]:g} of the variable"
            )


def numbers_ascend(project: Project) -> Iterator[Finding]:
    """Lower ends are not above upper ends."""
    for seed, columns in _ASCENDING.items():
        for row in project.seed(seed).rows:
            numbers = [
                (column, number) for column in columns if (number := as_number(row[column])) is not None
            ]
            for (low, smaller), (high, larger) in pairwise(numbers):
                if smaller > larger:
                    yield row.finding(high, f"at least the {low} of the row, {smaller:g}")


def units_agree(project: Project) -> Iterator[Finding]:
    """Limits of detection and rows of table 1 are in the unit of their exposure."""
    exposures = {row["exposure"]: row for row in project.seed("exposures").rows}
    for seed, column in (("detection_limits", "exposure"), ("table_one_variables", "variable")):
        for row in project.seed(seed).rows:
            exposure = exposures.get(row[column])
            if exposure and row["unit"] != exposure["unit"]:
                place = exposure.place("unit")
                yield row.finding("unit", f"{exposure['unit']!r}, the unit of {row[column]} in {place}")


def weights_are_columns(project: Project) -> Iterator[Finding]:
    """The weight of a release is a column that int_weights reads."""
    for row in project.seed("nhanes_cycle_weights").rows:
        if row["weight_variable"] not in project.weight_variables:
            expected = "a weight of stg_demographics or stg_blood_metals"
            yield row.unknown("weight_variable", expected, project.weight_variables)
