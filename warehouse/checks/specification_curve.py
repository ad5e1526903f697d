"""The specification curve: levels are settings that exist, and grids cross what can change their outcome."""

from collections.abc import Iterator

from warehouse.checks.project import Project
from warehouse.seeds.findings import Finding

# Levels that are settings of the models themselves (int_sensitivity_*), by choice.
_SETTINGS = {
    "weighting": frozenset({"unweighted", "survey"}),
    "exposure_form": frozenset({"quantile", "per_doubling", "trend_score", "trend_median"}),
    "plausibility": frozenset({"any", "plausible_only"}),
    "cutoff": frozenset({"below", "at_or_below"}),
    "missing_covariates": frozenset({"complete_case", "imputed"}),
}


def levels_mean_something(project: Project) -> Iterator[Finding]:
    """A level is a setting that exists, and one of bone_sites has sites."""
    settings = _SETTINGS | {
        "reference_set": project.seed("bmd_references").values("reference_set"),
        "bone_sites": project.seed("choice_level_sites").values("level"),
    }
    places = {
        "reference_set": "a reference set of seeds/bmd_references.csv",
        "bone_sites": "a level with sites",
    }
    for row in project.seed("choice_levels").rows:
        known = settings.get(row["choice"])
        if known is not None and row["level"] not in known:
            expected = places.get(row["choice"], f"one of {', '.join(sorted(known))}")
            yield row.unknown("level", expected, known)
    levels = {(row["choice"], row["level"]) for row in project.seed("choice_levels").rows}
    for row in project.seed("study_choices").rows:
        if (row["choice"], row["level"]) not in levels:
            known = frozenset(level for choice, level in levels if choice == row["choice"])
            yield row.unknown("level", f"a level that is {row['study']}", known)


def grids_bear_on_their_outcome(project: Project) -> Iterator[Finding]:
    """A grid crosses choices that can change its outcome."""
    kinds = {row["outcome"]: row["kind"] for row in project.seed("outcomes").rows}
    outcomes = {(row["study"], row["grid"]): row["outcome"] for row in project.seed("sensitivity_grids").rows}
    binary_only = {row["choice"] for row in project.seed("choices").rows if row["applies_to"] == "binary"}
    for row in project.seed("sensitivity_grid_levels").rows:
        outcome = outcomes[row["study"], row["grid"]]
        if kinds[outcome] == "continuous" and row["choice"] in binary_only:
            expected = f"a choice that bears on {outcome}, which is continuous"
            yield row.finding("level", expected, repr(row["choice"]))


def studies_know_all_choices(project: Project) -> Iterator[Finding]:
    """Studies with grids have the same choices: a specification is a level of each."""
    choices = project.seed("choices").values("choice")
    told: set[str] = set()
    for grid in project.seed("sensitivity_grids").rows:
        study = grid["study"]
        own = {row["choice"] for row in project.seed("study_choices").rows if row["study"] == study}
        if choices - own and study not in told:
            told.add(study)
            yield grid.finding(
                "grid",
                f"the choices {', '.join(sorted(choices))} in `choices` of {study}",
                f"no {', '.join(sorted(choices - own))}",
            )
