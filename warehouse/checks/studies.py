"""Studies: what each of them needs is there, and fits."""

from collections.abc import Iterator

from warehouse.checks.project import Project
from warehouse.seeds.findings import Finding

# Of regressions without groups, and the two directions of a WQS index.
_OTHER_CONTRASTS = ("per_doubling", "trend_score", "trend_median", "positive", "negative")
# What cohort_outcomes has values of beside BMD.
_BINARY_OUTCOME = "osteoporosis"


def covariate_levels(project: Project) -> Iterator[Finding]:
    """Covariates are columns of `cohort`; categorical ones have a reference level that exists."""
    columns = frozenset(project.cohort.columns)
    for row in project.seed("covariates").rows:
        covariate, level = row["covariate"], row["reference_level"]
        levels = project.levels(covariate)
        if covariate not in columns:
            yield row.unknown("covariate", "a column of cohort", columns)
        elif row["kind"] == "continuous" and level:
            yield row.finding("reference_level", "nothing for a continuous covariate")
        elif row["kind"] == "categorical" and not level:
            yield row.finding(
                "reference_level", f"a reference level for {covariate}", "nothing", sorted(levels)
            )
        elif level and levels and level not in levels:
            yield row.unknown("reference_level", f"a level of {covariate}", levels)


def subgroup_levels(project: Project) -> Iterator[Finding]:
    """A subgroup is a level of a column of `cohort`."""
    columns = frozenset(project.cohort.columns)
    for row in project.seed("subgroups").rows:
        levels = project.levels(row["subgroup_variable"])
        if row["subgroup_variable"] not in columns:
            yield row.unknown("subgroup_variable", "a column of cohort", columns)
        elif levels and row["level"] not in levels:
            yield row.unknown("level", f"a level of {row['subgroup_variable']}", levels)


def sites_have_references(project: Project) -> Iterator[Finding]:
    """The reference set of a study has young adults' values for each of its sites."""
    sets = {row["study"]: row["reference_set"] for row in project.seed("studies").rows}
    there = {(row["reference_set"], row["site"]) for row in project.seed("bmd_references").rows}
    for row in project.seed("study_osteoporosis_sites").rows:
        chosen = sets.get(row["study"])
        sites = frozenset(site for name, site in there if name == chosen)
        if sites and row["site"] not in sites:
            yield row.unknown("site", f"a site of the reference set {chosen} of {row['study']}", sites)


def exposures_are_measured(project: Project) -> Iterator[Finding]:
    """Each exposure of a study has a limit of detection and a weight in each release."""
    cycles = sorted(project.seed("nhanes_cycles").values("cycle"))
    limits = {(row["exposure"], row["cycle"]) for row in project.seed("detection_limits").rows}
    weights = {(row["weight"], row["cycle"]) for row in project.seed("nhanes_cycle_weights").rows}
    used = project.seed("study_exposures").values("exposure")
    for row in project.seed("exposures").rows:
        exposure, weight = row["exposure"], row["weight"]
        for cycle in cycles if exposure in used else ():
            if (exposure, cycle) not in limits:
                expected = f"a row of seeds/detection_limits.csv for {cycle}"
                yield row.finding("exposure", expected, f"none for {exposure!r}")
            if (weight, cycle) not in weights:
                expected = f"a row of seeds/nhanes_cycle_weights.csv for {cycle}"
                yield row.finding("weight", expected, f"none for {weight!r}")


def outcomes_are_of_bone(project: Project) -> Iterator[Finding]:
    """A continuous outcome is the BMD of a site; the only binary one is told by T-scores."""
    for row in project.seed("outcomes").rows:
        outcome, kind = row["outcome"], row["kind"]
        if kind == "binary" and outcome != _BINARY_OUTCOME:
            expected = (
                f"continuous for {outcome!r}: the one binary outcome that can be told is {_BINARY_OUTCOME}, "
                "by T-scores at the sites of a study"
            )
            yield row.finding("kind", expected)
        elif kind == "continuous" and not row["site"]:
            yield row.finding("site", "the site of a continuous outcome", "nothing")
        elif kind == "binary" and row["site"]:
            yield row.finding("site", "nothing for a binary outcome: its sites are those of the study")


def claims_fit_their_study(project: Project) -> Iterator[Finding]:
    """A published number is about a contrast that its study estimates."""
    groups = {row["study"]: int(row["quantile_groups"]) for row in project.seed("studies").rows}
    for row in project.seed("published_claims").rows:
        quantiles = [f"Q{group}" for group in range(2, groups.get(row["study"], 1) + 1)]
        contrasts = frozenset({*quantiles, *_OTHER_CONTRASTS})
        if row["contrast"] and row["contrast"] not in contrasts:
            yield row.unknown("contrast", f"a contrast of {row['study']}", contrasts)


def mixtures_are_of_several(project: Project) -> Iterator[Finding]:
    """A study with mixtures has two exposures in them at least."""
    mixed = [row["study"] for row in project.seed("study_exposures").rows if row["in_mixture"] == "true"]
    wanted = {row["study"] for row in project.seed("study_mixture_outcomes").rows}
    for row in project.seed("studies").rows:
        if row["study"] in wanted and mixed.count(row["study"]) < 2:
            expected = "at least two exposures in a mixture (the key `mixture`, or no key `mixtures`)"
            yield row.finding("study", expected, f"{mixed.count(row['study'])} for {row['study']!r}")
