"""Studies: what each of them needs is there, and fits."""

from collections.abc import Iterator

from warehouse.checks.project import Project
from warehouse.seeds.findings import Finding, nearest_names
from warehouse.seeds.tables import Row
from warehouse.studies.expressions import FORMS, ExpressionError, variables_of

# Of regressions without groups, and the two directions of a WQS index.
_OTHER_CONTRASTS = ("per_doubling", "trend_score", "trend_median", "positive", "negative")
# The outcome that T-scores at the sites of a study tell.
_BY_T_SCORES = "osteoporosis"
_DEMOGRAPHICS = ("seqn", "cycle", "sex", "exam_status_code", "pregnancy_code")


def covariate_levels(project: Project) -> Iterator[Finding]:
    """Covariates are columns of `cohort`; categorical ones have a reference level that exists."""
    columns = project.analysed_columns
    for row in project.seed("covariates").rows:
        covariate, level = row["covariate"], row["reference_level"]
        levels = project.levels(covariate)
        if covariate not in columns:
            yield row.unknown("covariate", "a column of cohort, sex, or a variable of a study", columns)
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
    columns = project.analysed_columns
    for row in project.seed("subgroups").rows:
        levels = project.levels(row["subgroup_variable"])
        if row["subgroup_variable"] not in columns:
            yield row.unknown(
                "subgroup_variable", "a column of cohort, sex, or a variable of a study", columns
            )
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
    laboratory = project.laboratory_variables | project.seed("person_variables").values("variable")
    for row in project.seed("exposures").rows:
        for column in ("variable", "comment_variable"):
            if row[column] and row[column] not in laboratory:
                yield row.unknown(
                    column, "a column of int_laboratory_values, or a variable of a study", laboratory
                )
        exposure, weight = row["exposure"], row["weight"]
        for cycle in cycles if exposure in used else ():
            if (exposure, cycle) not in limits:
                expected = f"a row of seeds/detection_limits.csv for {cycle}"
                yield row.finding("exposure", expected, f"none for {exposure!r}")
            if (weight, cycle) not in weights:
                expected = f"a row of seeds/nhanes_cycle_weights.csv for {cycle}"
                yield row.finding("weight", expected, f"none for {weight!r}")


def outcomes_have_values(project: Project) -> Iterator[Finding]:
    """An outcome is the BMD of a site, an expression, or osteoporosis by T-scores at the sites of a study."""
    for row in project.seed("outcomes").rows:
        has = bool(row["site"]), bool(row["value"])
        if row["kind"] == "continuous" and sum(has) != 1:
            yield row.finding(
                "outcome", "a site or a value for a continuous outcome", "both" if all(has) else "none"
            )
        elif row["kind"] == "binary" and (has[0] or (not has[1] and row["outcome"] != _BY_T_SCORES)):
            expected = (
                f"a value for a binary outcome, no site; {_BY_T_SCORES} alone may have none, by T-scores"
            )
            yield row.finding("kind", expected, "a site" if has[0] else "none")
    told = project.seed("study_osteoporosis_sites").values("study")
    by_t_scores = {row["outcome"] for row in project.seed("outcomes").rows if not row["value"]} & {
        _BY_T_SCORES
    }
    asked = {row["study"] for row in project.seed("study_outcomes").rows if row["outcome"] in by_t_scores}
    for row in project.seed("studies").rows:
        if row["study"] in asked - told:
            yield row.finding("study", f"a section {_BY_T_SCORES}, for the outcome of that name", "none")


def expressions_read_known_variables(project: Project) -> Iterator[Finding]:
    """Variables and outcomes are of variables that people have; a name of a study is not one of a model."""
    taken = project.model("int_covariates").columns + project.model("int_menopause").columns
    for row in project.seed("person_variables").rows:
        if row["variable"] in (*taken, *_DEMOGRAPHICS):
            yield row.finding("variable", "a name that no model has", repr(row["variable"]))
        if row["cdc_variable"] and row["cdc_variable"] not in project.cdc_variables:
            expected = "a name in seeds/nhanes_variables.csv"
            yield row.unknown("cdc_variable", expected, project.cdc_variables)
        elif not row["cdc_variable"]:
            yield from _expression(row, "expression", project.basic_variables)
    for row in project.seed("outcomes").rows:
        if row["value"]:
            yield from _expression(row, "value", project.person_variables)


def _expression(row: Row, column: str, known: frozenset[str]) -> Iterator[Finding]:
    try:
        unknown = [name for name in variables_of(row[column]) if name not in known]
    except ExpressionError as error:
        yield row.finding(column, FORMS, str(error))
        return
    for name in unknown:
        yield row.finding(column, "variables of a person", repr(name), nearest_names(name, known))


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
