"""Study files become the tables of `models/studies/`, each row with the line that it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.seeds.findings import Finding
from warehouse.seeds.tables import Row, Seed
from warehouse.studies.based_on import with_base
from warehouse.studies.document import Document, KeyPath, read_document
from warehouse.studies.expressions import FORMS, ExpressionError, read_conditions
from warehouse.studies.names import unknown_names
from warehouse.studies.own_levels import check_own_levels, own_level
from warehouse.studies.study_file import Mixture, Mixtures, StudyFile, read_study
from warehouse.studies.variables import circles, in_order, sql_of

FOLDER = "studies"
# The tables, in the order in which the models read them.
TABLES = (
    "studies",
    "person_variables",
    "cohort_rules",
    "cohort_conditions",
    "study_cohort_rules",
    "exposures",
    "study_exposures",
    "outcomes",
    "study_outcomes",
    "study_osteoporosis_sites",
    "covariates",
    "covariate_sets",
    "study_covariate_sets",
    "subgroups",
    "study_subgroups",
    "study_detailed_models",
    "study_mixture_outcomes",
    "study_mixture_covariate_sets",
    "table_one_variables",
    "published_claims",
    "choices",
    "choice_levels",
    "choice_level_rules",
    "choice_level_sites",
    "study_choices",
    "sensitivity_grids",
    "sensitivity_grid_levels",
)

# Where shared rows are numbered as they come, levels within their choice.
ORDERS = {
    "person_variables": "variable_order",
    "exposures": "exposure_order",
    "outcomes": "outcome_order",
    "covariate_sets": "covariate_set_order",
    "subgroups": "subgroup_order",
    "table_one_variables": "variable_order",
    "choices": "choice_order",
    "choice_levels": "level_order",
}

Value = str | int | float | bool | None


@dataclass(frozen=True)
class CompiledStudies:
    """The tables by name, and everything that is wrong in the files."""

    tables: Mapping[str, Seed]
    findings: tuple[Finding, ...]


def compile_studies(root: Path) -> CompiledStudies:
    """Read every study file of a project.

    Parameters
    ----------
    root : Path
        The dbt project; its files are ``studies/*.yml``.

    Returns
    -------
    CompiledStudies
        With the tables of the files that can be read.

    Raises
    ------
    SeedError
        If a file cannot be opened.
    """
    findings: list[Finding] = []
    documents: dict[str, Document] = {}
    for path in sorted((root / FOLDER).glob("*.yml")):
        document, wrong = read_document(path)
        findings += wrong
        if document:
            documents[path.stem] = document
            if document.values.get("study") != path.stem:
                found = repr(document.values.get("study"))
                findings.append(Finding(document.place(("study",)), f"{path.stem!r}, the file's name", found))
    studies: list[tuple[StudyFile, Document]] = []
    for name in documents:
        merged, wrong = with_base(name, documents)
        study, others = read_study(merged)
        findings += wrong + others
        if study:
            findings += unknown_names(study, merged)
            findings += check_own_levels(study, merged)
            findings += circles(study, merged)
            studies.append((study, merged))
    tables = _Tables()
    for number, (study, document) in enumerate(sorted(studies, key=_place_among), start=1):
        _Compiler(study, document, tables).compile(number)
    findings += tables.findings
    # What is wrong in a study is wrong in those that are based on it too.
    once = {str(finding): finding for finding in findings}
    return CompiledStudies(
        {name: Seed(name, tuple(rows)) for name, rows in tables.rows.items()}, tuple(once.values())
    )


def _place_among(studied: tuple[StudyFile, Document]) -> tuple[float, str]:
    study = studied[0]
    return (float("inf") if study.order is None else study.order), study.study


@dataclass(frozen=True)
class _Tables:
    """Rows by table, and where a name is defined in two ways."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    findings: list[Finding] = field(default_factory=list)
    defined: dict[tuple[str, KeyPath], Row] = field(default_factory=dict)


@dataclass(frozen=True)
class _Compiler:
    """Turns one study into rows."""

    study: StudyFile
    document: Document
    tables: _Tables

    def compile(self, number: int) -> None:
        self._study(number)
        self._variables()
        self._people()
        self._measurements()
        self._models()
        self._mixtures()
        self._paper()
        self._sensitivity()

    def _row(self, table: str, path: KeyPath, values: Mapping[str, Value]) -> Row:
        """Make a row, each column with the place of its key below `path`, or else that of `path`."""
        line = self.document.place(path)
        places = {"": line}
        for column in values:
            at = (*path, column)
            places[column] = self.document.place(at) if at in self.document.lines else line
        return Row(table, 0, {column: _text(value) for column, value in values.items()}, places)

    def _add(self, table: str, path: KeyPath, **values: Value) -> None:
        self.tables.rows[table].append(self._row(table, path, {"study": self.study.study, **values}))

    def _define(self, table: str, path: KeyPath, **values: Value) -> bool:
        """Add a row that studies share, once; one that says otherwise is wrong. Tell whether it is new."""
        row = self._row(table, path, values)
        other = self.tables.defined.setdefault((table, path), row)
        for column in values:
            if other[column] != row[column]:
                expected = f"{other[column]!r}, as in {other.place(column)}, or another name"
                self.tables.findings.append(row.finding(column, expected))
        if other is row:
            rows = self.tables.rows[table]
            of_choice = [before for before in rows if before.values.get("choice") == values.get("choice")]
            number = str(1 + len(of_choice if table == "choice_levels" else rows))
            numbered = {ORDERS[table]: number} if table in ORDERS else {}
            rows.append(Row(table, 0, {**row.values, **numbered}, row.places))
        return other is row

    def _study(self, number: int) -> None:
        study, disease = self.study, self.study.osteoporosis
        settings = disease.model_dump() if disease else {}
        row = self._row(
            "studies",
            (),
            {
                "study": study.study,
                "study_order": number,
                "title": study.title,
                "reference_set": settings.get("reference_set"),
                "t_score_cutoff": settings.get("t_score_cutoff"),
                "cutoff_is_osteoporosis": settings.get("cutoff_is_osteoporosis"),
                "plausible_bmd_only": settings.get("plausible_bmd_only"),
                "quantile_groups": study.quantile_groups,
                "quantile_weighting": study.quantile_weighting,
                "description": study.description,
            },
        )
        inner = {
            column: self.document.place(("osteoporosis", column))
            for column in ("reference_set", "t_score_cutoff")
            if disease
        }
        self.tables.rows["studies"].append(Row(row.seed, 0, row.values, {**row.places, **inner}))

    def _variables(self) -> None:
        """Add the variables of a person; each after those that its expression reads."""
        for name in in_order(self.study.variables):
            facts = self.study.variables[name]
            self._define(
                "person_variables",
                ("variables", name),
                variable=name,
                cdc_variable=facts.variable,
                expression=sql_of(facts),
                levels=";".join(facts.codes),
            )

    def _people(self) -> None:
        for rule, facts in self.study.rules.items():
            path: KeyPath = ("rules", rule)
            is_new = self._define(
                "cohort_rules", path, rule=rule, description=facts.name, condition=facts.where
            )
            try:
                conditions = read_conditions(facts.where) if is_new else []
            except ExpressionError as error:
                place = self.document.place((*path, "where"))
                self.tables.findings.append(Finding(place, FORMS, str(error)))
                continue
            for number, condition in enumerate(conditions, start=1):
                values = {"rule": rule, "condition_number": number, **vars(condition)}
                self.tables.rows["cohort_conditions"].append(
                    self._row("cohort_conditions", (*path, "where"), values)
                )
        for step, rule in enumerate(self.study.population, start=1):
            self._add("study_cohort_rules", ("population", step - 1), step=step, rule=rule)

    def _measurements(self) -> None:
        for exposure, measured in self.study.exposures.items():
            path: KeyPath = ("exposures", exposure)
            values: dict[str, Value] = {"exposure": exposure, **measured.model_dump()}
            self._define("exposures", path, **values)
            self._add("study_exposures", path, exposure=exposure, in_mixture=exposure in self.study.mixed)
        for outcome, asked in self.study.outcomes.items():
            path = ("outcomes", outcome)
            values = {"outcome": outcome, **asked.model_dump()}
            self._define("outcomes", path, **values)
            self._add("study_outcomes", path, outcome=outcome)
        disease = self.study.osteoporosis
        for position, site in enumerate(disease.sites if disease else ()):
            self._add("study_osteoporosis_sites", ("osteoporosis", "sites", position), site=site)
        for variable in self.study.table_one:
            self._table_one(variable)

    def _table_one(self, variable: str) -> None:
        """Table 1 has the words of the covariate, exposure or outcome, but for those that it says itself."""
        study = self.study
        of_site = {outcome.site: outcome for outcome in study.outcomes.values()}
        known = study.covariates.get(variable) or study.exposures.get(variable) or of_site.get(variable)
        if known is None:
            return  # told as an unknown name
        own = study.table_one[variable]
        levels = getattr(known, "levels", [])
        self._define(
            "table_one_variables",
            ("table_one", variable),
            variable=variable,
            name=(own and own.name) or known.name,
            kind="categorical" if levels else "continuous",
            unit=(own and own.unit) or known.unit,
            levels=";".join(levels),
        )

    def _models(self) -> None:
        study = self.study
        for covariate, facts in study.covariates.items():
            self._define(
                "covariates",
                ("covariates", covariate),
                covariate=covariate,
                name=facts.name,
                kind="categorical" if facts.reference_level else "continuous",
                reference_level=facts.reference_level,
                unit=facts.unit,
            )
        for name, chosen in study.covariate_sets.items():
            path: KeyPath = ("covariate_sets", name)
            values = {"covariate_set": name, "name": chosen.name, "covariates": ";".join(chosen.covariates)}
            self._define("covariate_sets", path, **values)
            self._add("study_covariate_sets", path, covariate_set=name)
        for variable, subgroups in study.subgroups.items():
            for subgroup, part in subgroups.items():
                path = ("subgroups", variable, subgroup)
                values = {"subgroup_variable": variable, "subgroup": subgroup, **part.model_dump()}
                self._define("subgroups", path, **values)
            self._add("study_subgroups", ("subgroups", variable), subgroup_variable=variable)
        for outcome, sets in study.detailed_models.items():
            for position, name in enumerate(sets):
                path = ("detailed_models", outcome, position)
                self._add("study_detailed_models", path, outcome=outcome, covariate_set=name)

    def _mixtures(self) -> None:
        for method in Mixtures.model_fields:
            mixture: Mixture | None = getattr(self.study.mixtures, method)
            for key in ("outcome", "covariate_set") if mixture else ():
                part = mixture and mixture.by_subgroup
                names, within = (getattr(chosen, f"{key}s", []) for chosen in (mixture, part))
                for position, name in enumerate(names):
                    self._add(
                        f"study_mixture_{key}s",
                        ("mixtures", method, f"{key}s", position),
                        **{"method": method, key: name, "by_subgroup": name in within},
                    )

    def _paper(self) -> None:
        source = self.study.paper.source if self.study.paper else None
        for name, claim in self.study.claims.items():
            rows = self.tables.rows["published_claims"]
            self._add(
                "published_claims",
                ("claims", name),
                claim=name,
                claim_order=len(rows) + 1,
                description=claim.description,
                quantity=claim.quantity,
                outcome=claim.outcome,
                exposure=claim.exposure,
                contrast=claim.contrast,
                subgroup=None if claim.quantity == "count" else claim.subgroup,
                published_value=claim.value,
                published_low=claim.low,
                published_high=claim.high,
                published_p_value=claim.p_value,
                published_text=claim.text,
                source=claim.source or source,
            )

    def _sensitivity(self) -> None:
        if self.study.sensitivity is None:
            return
        for choice, facts in self.study.choices.items():
            path: KeyPath = ("choices", choice)
            values: dict[str, Value] = {"choice": choice, "applies_to": facts.applies_to, "name": facts.name}
            self._define("choices", path, **values)
            for level in facts.levels:
                self._level(choice, level)
            self._add("study_choices", path, choice=choice, level=own_level(self.study, choice))
        for name, grid in self.study.sensitivity.grids.items():
            path = ("sensitivity", "grids", name)
            self._add(
                "sensitivity_grids",
                path,
                grid=name,
                outcome=grid.outcome,
                exposures=";".join(grid.exposures),
                description=grid.description,
            )
            for profile, crossed in (("quick", grid.quick), ("full", grid.full)):
                for choice, levels in crossed.items():
                    for position, level in enumerate(levels):
                        values = {"grid": name, "choice": choice, "level": level, "profile": profile}
                        at = (*path, profile, choice, position)
                        self._add("sensitivity_grid_levels", at, **values)

    def _level(self, choice: str, level: str) -> None:
        path: KeyPath = ("choices", choice, "levels", level)
        meaning = self.study.choices[choice].levels[level]
        is_new = self._define(
            "choice_levels",
            path,
            choice=choice,
            level=level,
            name=meaning.name,
            fixed_covariate=meaning.fixed_covariate,
        )
        for key in ("rule", "site") if is_new else ():
            for position, name in enumerate(getattr(meaning, f"{key}s")):
                values = {"choice": choice, "level": level, key: name}
                table = f"choice_level_{key}s"
                self.tables.rows[table].append(self._row(table, (*path, f"{key}s", position), values))


def _text(value: Value) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
