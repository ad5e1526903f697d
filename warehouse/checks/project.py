"""All seeds and studies of a project with their declarations, and the names that they may ask models for."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from warehouse.errors import SeedError, cannot
from warehouse.seeds.declared import Declaration, read_declaration
from warehouse.seeds.findings import Finding, nearest_names
from warehouse.seeds.tables import Seed, read_seed
from warehouse.studies.compile import compile_studies

# What int_person_values takes from stg_demographics beside the covariates.
_OF_DEMOGRAPHICS = ("sex", "exam_status_code", "pregnancy_code")
_KEYS = frozenset({"seqn", "cycle"})


class UnreadableSeedError(Exception):
    """A check needs a seed that could not be read."""


@dataclass(frozen=True)
class Project:
    """Seeds, tables of the studies and declarations by name; `unreadable` are those whose form is wrong."""

    root: Path
    seeds: Mapping[str, Seed]
    declarations: Mapping[str, Declaration]
    unreadable: frozenset[str]
    _models: dict[str, Declaration] = field(default_factory=dict)

    def seed(self, name: str) -> Seed:
        """Return a seed; raises `UnreadableSeedError` if it is not there or its form is wrong."""
        if name not in self.seeds or name in self.unreadable:
            raise UnreadableSeedError(name)
        return self.seeds[name]

    def known(self, relation: str, field: str) -> frozenset[str] | None:
        """Return the values of a seed's column, or of a model's; None if that cannot be told."""
        try:
            if relation in self.seeds:
                return self.seed(relation).values(field)
            if (relation, field) == ("int_laboratory_values", "variable"):
                return self.laboratory_variables
            if (relation, field) == ("int_person_values", "variable"):
                return self.person_variables
        except UnreadableSeedError:
            pass
        return None

    def model(self, name: str) -> Declaration:
        """Read the declaration of a model."""
        if name not in self._models:
            paths = sorted((self.root / "models").rglob(f"{name}.yml"))
            if not paths:
                raise SeedError(f"{self.root / 'models'}: expected {name}.yml in it, found no such file.")
            self._models[name] = read_declaration(paths[0])
        return self._models[name]

    @cached_property
    def cohort(self) -> Declaration:
        """The mart `cohort`, whose columns covariates must be."""
        return self.model("cohort")

    @cached_property
    def laboratory_variables(self) -> frozenset[str]:
        """The columns that int_laboratory_values makes rows of."""
        path = self.root / "models" / "intermediate" / "int_laboratory_values.sql"
        try:
            listed = re.search(r"set laboratory_models = (\[.*?\])", path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SeedError(cannot("read", path, error)) from error
        if not listed:
            raise SeedError(f"{path}: expected `set laboratory_models = [...]` in it.")
        columns = {column for model in ast.literal_eval(listed[1]) for column in self.model(model).columns}
        return frozenset(name for name in columns - _KEYS if not name.endswith("_comment"))

    @cached_property
    def person_variables(self) -> frozenset[str]:
        """The variables of int_people."""
        sites = self.seed("bmd_sites").values("site")
        plausible = {f"plausible_{site}" for site in sites}
        exposures = self.seed("exposures").values("exposure")
        return self.basic_variables | exposures | sites | plausible

    @cached_property
    def basic_variables(self) -> frozenset[str]:
        """The variables of int_person_variables: those of the models, and those that studies define."""
        columns = {*self.model("int_covariates").columns, *self.model("int_menopause").columns}
        defined = self.seed("person_variables").values("variable")
        return frozenset({*(columns - _KEYS), "cycle", *_OF_DEMOGRAPHICS, *defined})

    @cached_property
    def analysed_columns(self) -> frozenset[str]:
        """The columns of int_analysed_people, which covariates and subgroups must be."""
        return frozenset({*self.cohort.columns, "sex", *self.seed("person_variables").values("variable")})

    @cached_property
    def cdc_variables(self) -> frozenset[str]:
        """CDC's variables that are loaded."""
        return self.seed("nhanes_variables").values("name")

    @cached_property
    def weight_variables(self) -> frozenset[str]:
        """The weights that int_weights makes rows of."""
        columns = {*self.model("stg_demographics").columns, *self.model("stg_blood_metals").columns}
        return frozenset(name for name in columns if name.endswith("_weight")) | self.cdc_variables

    def levels(self, variable: str) -> frozenset[str]:
        """Return the levels that a variable of a person can have; empty if they are not declared."""
        if variable == "cycle":
            return self.seed("nhanes_cycles").values("cycle")
        for row in self.seed("person_variables").rows:
            if row["variable"] == variable and row["levels"]:
                return frozenset(row["levels"].split(";"))
        for model in ("int_covariates", "stg_demographics"):
            if levels := self.model(model).accepted(variable):
                return levels
        rows = self.seed("answer_groups").rows
        return frozenset(row["answer_group"] for row in rows if row["covariate"] == variable)

    def bounds(self, variable: str) -> tuple[str, str]:
        """Return the least and the most that a variable of a person can be; '' where not declared."""
        found = (self.model(model).bounds(variable) for model in ("stg_demographics", "participants"))
        return next((bounds for bounds in found if bounds), ("", ""))


def read_project(root: Path) -> tuple[Project, list[Finding]]:
    """Read every seed and study file of a project, and say what is wrong with the form of each."""
    seeds: dict[str, Seed] = {}
    declarations: dict[str, Declaration] = {}
    findings: list[Finding] = []
    unreadable: set[str] = set()
    tables = {path.stem: path for path in sorted((root / "seeds").glob("*.csv"))}
    described = {path.stem: path for path in sorted((root / "seeds").glob("*.yml"))}
    for name in sorted(tables.keys() ^ described.keys()):
        there, missing = ("csv", "yml") if name in tables else ("yml", "csv")
        others = nearest_names(name, tables.keys() & described.keys())
        findings.append(Finding(f"seeds/{name}.{there}", f"seeds/{name}.{missing} beside it", "none", others))
    for name in sorted(tables.keys() & described.keys()):
        declarations[name] = read_declaration(described[name])
        seeds[name], wrong = read_seed(tables[name], declarations[name].types)
        findings += wrong
        if wrong:
            unreadable.add(name)
    studies = compile_studies(root)
    findings += studies.findings
    for name, table in studies.tables.items():
        declarations[name] = read_declaration(root / "models" / "studies" / f"{name}.yml")
        seeds[name] = table
        if studies.findings:
            unreadable.add(name)
    return Project(root, seeds, declarations, frozenset(unreadable)), findings
