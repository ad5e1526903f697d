"""Are seeds, studies and dbt variables right? Asked before anything is loaded or built.

Rules that dbt tests declare (`seeds/*.yml`, `models/studies/*.yml`) are read from there, and
`warehouse.studies` refuses a study file that is wrong in itself; the modules here add what those cannot say.
All findings are reported at once, each with file, line, value and the nearest valid names.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from warehouse.checks import cohort_rules, facts, specification_curve, studies
from warehouse.checks.project import Project, UnreadableSeedError, read_project
from warehouse.checks.variables import check_variables
from warehouse.paths import PROJECT_ROOT
from warehouse.seeds.declared import check_declared
from warehouse.seeds.findings import Finding, FindingsError

NAMED: Sequence[Callable[[Project], Iterator[Finding]]] = (
    cohort_rules.conditions,
    cohort_rules.numbers_that_people_have,
    cohort_rules.no_contradictions,
    cohort_rules.study_steps,
    studies.covariate_levels,
    studies.subgroup_levels,
    studies.sites_have_references,
    studies.exposures_are_measured,
    studies.outcomes_have_values,
    studies.expressions_read_known_variables,
    studies.claims_fit_their_study,
    studies.mixtures_are_of_several,
    specification_curve.levels_mean_something,
    specification_curve.grids_bear_on_their_outcome,
    specification_curve.studies_know_all_choices,
    facts.catalogue,
    facts.variables_of_files,
    facts.codes_are_in_the_codebook,
    facts.ranges_hold_no_codes,
    facts.numbers_ascend,
    facts.units_agree,
    facts.weights_are_columns,
)


def project_findings(root: Path = PROJECT_ROOT, variables: Mapping[str, Any] | None = None) -> list[Finding]:
    """Check every seed of a project, and its dbt variables.

    Parameters
    ----------
    root : Path
        The dbt project.
    variables : mapping, optional
        Variables given on the command line (``--vars``).

    Returns
    -------
    list of Finding
        Everything that is wrong; empty if nothing is.

    Raises
    ------
    SeedError
        If a seed or a YAML file cannot be read at all.
    """
    project, findings = read_project(root)
    findings += check_project(project)
    findings += check_variables(root / "dbt_project.yml", variables or {})
    return findings


def check_project(project: Project) -> Iterator[Finding]:
    """Yield what is wrong in seeds that were read: first by the declared rules, then by the named checks."""
    for name, seed in project.seeds.items():
        yield from check_declared(seed, project.declarations[name], project.known)
    for check in NAMED:
        with contextlib.suppress(UnreadableSeedError):  # its form has been reported already
            yield from check(project)


def refuse_findings(root: Path = PROJECT_ROOT, variables: Mapping[str, Any] | None = None) -> None:
    """Raise `FindingsError` if a seed or a variable is wrong; see `project_findings`."""
    findings = project_findings(root, variables)
    if findings:
        raise FindingsError(findings)
