"""The specification curve: choices have levels, grids cross them, and a study's own levels are the study."""

from collections.abc import Iterator

from warehouse.checks.project import Project
from warehouse.seeds.findings import Finding, nearest_names
from warehouse.seeds.tables import Row

# Levels that are settings of the models themselves (int_sensitivity_*), by choice.
_SETTINGS = {
    "weighting": frozenset({"unweighted", "survey"}),
    "exposure_form": frozenset({"quantile", "per_doubling", "trend_score", "trend_median"}),
    "plausibility": frozenset({"any", "plausible_only"}),
    "cutoff": frozenset({"below", "at_or_below"}),
    "missing_covariates": frozenset({"complete_case", "imputed"}),
}
# Settings of a study, and the level of a choice that says the same.
_SAME = {
    "plausible_bmd_only": ("plausibility", {"true": "plausible_only", "false": "any"}),
    "cutoff_is_osteoporosis": ("cutoff", {"true": "at_or_below", "false": "below"}),
}


def choices_are_numbered(project: Project) -> Iterator[Finding]:
    """Choices are numbered 1, 2, 3, ...: they are crossed one after the other."""
    rows = project.seed("choices").rows
    numbers = {str(number) for number in range(1, len(rows) + 1)}
    for row in rows:
        if row["choice_order"] and row["choice_order"] not in numbers:
            yield row.finding("choice_order", f"the numbers 1 to {len(rows)}")


def levels_are_of_their_choice(project: Project) -> Iterator[Finding]:
    """Every level that a seed names is a level of its choice."""
    for seed in ("sensitivity_grid_levels", "study_choices", "choice_level_rules", "choice_level_sites"):
        for row in project.seed(seed).rows:
            known = _levels(project, row["choice"])
            if row["level"] and known and row["level"] not in known:
                yield row.unknown("level", f"a level of {row['choice']} in seeds/choice_levels.csv", known)


def levels_mean_something(project: Project) -> Iterator[Finding]:
    """A level is a setting that exists, and one of bone_sites has sites."""
    settings = _SETTINGS | {
        "reference_set": project.seed("bmd_references").values("reference_set"),
        "covariate_set": project.seed("covariate_sets").values("covariate_set"),
        "bone_sites": project.seed("choice_level_sites").values("level"),
    }
    places = {
        "reference_set": "a reference set of seeds/bmd_references.csv",
        "covariate_set": "a covariate set of seeds/covariate_sets.csv",
        "bone_sites": "a level with sites in seeds/choice_level_sites.csv",
    }
    for row in project.seed("choice_levels").rows:
        known = settings.get(row["choice"])
        if row["level"] and known is not None and row["level"] not in known:
            expected = places.get(row["choice"], f"one of {', '.join(sorted(known))}")
            yield row.unknown("level", expected, known)


def grids_cross_levels(project: Project) -> Iterator[Finding]:
    """A grid crosses levels, in the quick settings too; a row of levels is of a grid."""
    crossed: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in project.seed("sensitivity_grid_levels").rows:
        crossed.setdefault((row["study"], row["grid"]), {}).setdefault(row["choice"], []).append(row)
    grids = project.seed("sensitivity_grids").rows
    for grid in grids:
        if (grid["study"], grid["grid"]) not in crossed:
            yield grid.finding(
                "grid", "a level in seeds/sensitivity_grid_levels.csv", f"none for {grid['grid']!r}"
            )
    for (study, name), choices in crossed.items():
        known = frozenset(grid["grid"] for grid in grids if grid["study"] == study)
        for rows in choices.values():
            if name not in known:
                yield rows[0].unknown("grid", f"a grid of {study} in seeds/sensitivity_grids.csv", known)
            elif all(row["profile"] == "full" for row in rows):
                expected = "a level of each choice in the quick settings too"
                yield rows[0].finding("profile", expected, f"only 'full' for {rows[0]['choice']!r}")


def grids_fit_their_study(project: Project) -> Iterator[Finding]:
    """A grid has an outcome and exposures of its study, and crosses choices that can change that outcome."""
    kinds = {row["outcome"]: row["kind"] for row in project.seed("outcomes").rows}
    known = project.seed("exposures").values("exposure")
    binary_only = {row["choice"] for row in project.seed("choices").rows if row["applies_to"] == "binary"}
    continuous: dict[tuple[str, str], str] = {}
    for row in project.seed("sensitivity_grids").rows:
        study, outcome = row["study"], row["outcome"]
        if kinds.get(outcome) == "continuous":
            continuous[study, row["grid"]] = outcome
        outcomes = _of_study(project, "study_outcomes", study, "outcome")
        if outcome in kinds and outcomes <= kinds.keys() and outcome not in outcomes:
            yield row.unknown("outcome", f"one in seeds/study_outcomes.csv for {study}", outcomes)
        exposures = _of_study(project, "study_exposures", study, "exposure")
        names = row["exposures"].split(";") if row["exposures"] else []
        for name in dict.fromkeys(names):
            if exposures and exposures <= known and name not in exposures:
                expected = f"exposures of {study}, joined by semicolons without blanks"
                yield row.finding("exposures", expected, repr(name), nearest_names(name, exposures))
            elif names.count(name) > 1:
                yield row.finding("exposures", "each exposure once", f"{name!r} {names.count(name)} times")
    for row in project.seed("sensitivity_grid_levels").rows:
        outcome = continuous.get((row["study"], row["grid"]), "")
        if outcome and row["choice"] in binary_only:
            yield row.finding("choice", f"a choice that bears on {outcome}, which is continuous")


def own_levels_are_the_study(project: Project) -> Iterator[Finding]:
    """Of each choice, a study with grids has its own level, which says what the study's other seeds say."""
    choices = project.seed("choices").values("choice")
    grids = {row["study"]: row for row in reversed(project.seed("sensitivity_grids").rows)}
    studies = {row["study"]: row for row in project.seed("studies").rows}
    for study in grids.keys() & studies.keys():
        own = {row["choice"]: row for row in project.seed("study_choices").rows if row["study"] == study}
        for choice in sorted(choices - own.keys()):
            expected = f"a row of seeds/study_choices.csv for each choice of {study!r}"
            yield grids[study].finding("study", expected, f"none for {choice!r}")
        yield from _same_settings(studies[study], own)
        yield from _same_sites(project, study, own)
        yield from _same_rules(project, study, own)


def _same_settings(study: Row, own: dict[str, Row]) -> Iterator[Finding]:
    wanted = {"reference_set": study["reference_set"]}
    wanted |= {choice: levels.get(study[column], "") for column, (choice, levels) in _SAME.items()}
    for choice, level in wanted.items():
        if level and choice in own and own[choice]["level"] != level:
            yield own[choice].finding("level", f"{level!r}, as seeds/studies.csv says of {study['study']}")


def _same_sites(project: Project, study: str, own: dict[str, Row]) -> Iterator[Finding]:
    if "bone_sites" not in own:
        return
    row = own["bone_sites"]
    found = {
        other["site"] for other in project.seed("choice_level_sites").rows if other["level"] == row["level"]
    }
    wanted = _of_study(project, "study_osteoporosis_sites", study, "site")
    if found and wanted and found != wanted:
        expected = f"a level with the sites of {study}: {', '.join(sorted(wanted))}"
        yield row.finding("level", expected, f"{row['level']!r}: {', '.join(sorted(found))}")


def _same_rules(project: Project, study: str, own: dict[str, Row]) -> Iterator[Finding]:
    """A rule that some level adds is in the study if and only if one of its own levels adds it."""
    brought: dict[str, Row] = {}
    optional = set()
    for row in project.seed("choice_level_rules").rows:
        optional.add(row["rule"])
        if row["choice"] in own and own[row["choice"]]["level"] == row["level"]:
            brought[row["rule"]] = own[row["choice"]]
    rules = {row["rule"]: row for row in project.seed("study_cohort_rules").rows if row["study"] == study}
    for rule in sorted(brought.keys() - rules.keys()):
        expected = f"a level whose rules are in seeds/study_cohort_rules.csv for {study}"
        yield brought[rule].finding("level", expected, f"{brought[rule]['level']!r}, with {rule!r}")
    for rule in sorted((rules.keys() & optional) - brought.keys()):
        yield rules[rule].finding("rule", f"a rule of {study}'s own levels, in seeds/choice_level_rules.csv")


def _levels(project: Project, choice: str) -> frozenset[str]:
    return frozenset(row["level"] for row in project.seed("choice_levels").rows if row["choice"] == choice)


def _of_study(project: Project, seed: str, study: str, column: str) -> frozenset[str]:
    return frozenset(row[column] for row in project.seed(seed).rows if row["study"] == study)
