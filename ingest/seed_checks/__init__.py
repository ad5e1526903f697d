"""Are the seeds and dbt variables right? Asked before anything is loaded or built.

Rules that dbt tests declare (`seeds/*.yml`) are read from there; the modules here add what those cannot say.
All mistakes are reported at once, each with seed, line, column, value and the nearest valid names.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.home import PROJECT_ROOT
from ingest.mistakes import Mistake, MistakesError
from ingest.seed_checks import cohort_rules, facts, studies
from ingest.seed_checks.declared import check_declared
from ingest.seed_checks.project import Project, read_project
from ingest.seed_checks.variables import check_variables

# Each named check, and the seeds that it reads: it is passed over while one of them has a wrong form.
_STUDY_SEEDS = ("study_cohort_rules", "study_osteoporosis_sites", "study_outcomes", "study_exposures")
_CATALOGUE = ("nhanes_cycles", "nhanes_files", "nhanes_variables")
NAMED: Mapping[Callable[[Project], Iterator[Mistake]], tuple[str, ...]] = {
    cohort_rules.conditions: (
        "cohort_conditions",
        "covariates",
        "bmd_sites",
        "exposures",
        "answer_groups",
        "nhanes_cycles",
    ),
    cohort_rules.rules_have_conditions: ("cohort_rules", "cohort_conditions"),
    cohort_rules.distinct_rules: ("cohort_conditions",),
    cohort_rules.no_contradictions: ("cohort_conditions",),
    cohort_rules.study_steps: ("study_cohort_rules", "cohort_conditions"),
    studies.covariate_lists: ("covariate_sets", "covariates"),
    studies.covariate_levels: ("covariates", "answer_groups", "nhanes_cycles"),
    studies.subgroup_levels: ("subgroups", "answer_groups", "nhanes_cycles"),
    studies.studies_are_whole: ("studies", *_STUDY_SEEDS, "study_covariate_sets"),
    studies.sites_have_references: ("studies", "bmd_references", "study_osteoporosis_sites"),
    studies.exposures_are_measured: (
        "nhanes_cycles",
        "detection_limits",
        "nhanes_cycle_weights",
        "exposures",
        "study_exposures",
    ),
    studies.outcomes_have_sites: ("outcomes",),
    studies.claims_fit_their_study: (
        "studies",
        "published_claims",
        "study_outcomes",
        "outcomes",
        "study_exposures",
        "exposures",
    ),
    studies.mixtures_fit_their_study: (
        "study_mixture_outcomes",
        "study_mixture_covariate_sets",
        "study_outcomes",
        "outcomes",
        "study_covariate_sets",
        "covariate_sets",
        "study_exposures",
    ),
    facts.catalogue: _CATALOGUE,
    facts.variables_of_files: ("nhanes_variables", "nhanes_codebook", "variable_labels"),
    facts.codes_are_in_the_codebook: ("nhanes_codebook", "answer_groups", "drinking_days"),
    facts.ranges_hold_no_codes: ("nhanes_codebook",),
    facts.numbers_ascend: ("bmd_sites", "published_prevalence", "published_claims"),
    facts.weights_are_columns: ("nhanes_cycle_weights",),
}


def find_mistakes(root: Path = PROJECT_ROOT, variables: Mapping[str, Any] | None = None) -> list[Mistake]:
    """Check every seed of a project, and its dbt variables.

    Parameters
    ----------
    root : Path
        The dbt project.
    variables : mapping, optional
        Variables given on the command line (``--vars``).

    Returns
    -------
    list of Mistake
        Everything that is wrong; empty if nothing is.

    Raises
    ------
    CatalogueError
        If a seed or a YAML file cannot be read at all.
    """
    project, mistakes = read_project(root)
    mistakes += check_project(project)
    mistakes += check_variables(root / "dbt_project.yml", variables or {})
    return mistakes


def check_project(project: Project) -> Iterator[Mistake]:
    """Yield what is wrong in seeds that were read: first by the declared rules, then by the named checks."""
    for name, seed in project.seeds.items():
        yield from check_declared(seed, project.declarations[name], project.known)
    well_formed = project.seeds.keys() - project.unreadable
    for check, needed in NAMED.items():
        if well_formed.issuperset(needed):
            yield from check(project)


def refuse_mistakes(root: Path = PROJECT_ROOT, variables: Mapping[str, Any] | None = None) -> None:
    """Raise `MistakesError` if a seed or a variable is wrong; see `find_mistakes`."""
    mistakes = find_mistakes(root, variables)
    if mistakes:
        raise MistakesError(mistakes)
