"""What a study file may say: keys, types, defaults. `studies/schema.json` is made from here."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.seeds.findings import Finding, nearest_names
from warehouse.studies.document import Document, KeyPath

Code = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^\S(.*\S)?$")]
CdcName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=32)]
Codes = Annotated[list[Code], Field(min_length=1)]
Levels = Annotated[dict[Code, Codes], Field(min_length=1)]


class _Part(BaseModel):
    """A part of a study file: no key that is not declared, no value of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Paper(_Part):
    """The publication that a study repeats."""

    doi: Text
    source: Text = Field(description="Where in it the claims are, unless a claim says otherwise.")


class Rule(_Part):
    """Who may be in a study."""

    name: Text = Field(description="The rule in words.")
    where: Text = Field(description="An expression over the variables of a person, as `age_years >= 50`.")


class Variable(_Part):
    """A variable of a person: CDC's own, groups of its codes, or an expression over other variables."""

    variable: CdcName | None = Field(None, description="CDC's name of it, as in seeds/nhanes_variables.csv.")
    codes: dict[Text, float | list[float]] = Field({}, description="The codes of each group.")
    expression: Text | None = Field(None, description="As `pfoa_linear + pfoa_branched`.")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if (self.variable is None) == (self.expression is None):
            raise ValueError("a variable of CDC's or an expression, one of the two")
        if self.codes and self.variable is None:
            raise ValueError("codes of a variable of CDC's")
        return self


class Exposure(_Part):
    """A measured exposure."""

    name: Text = Field(description="In words, with what it was measured in.")
    short_name: Text = Field(description="In words, as short as a row of a figure has room for.")
    variable: Code = Field(description="Laboratory column of the staging models, or a name in `variables`.")
    comment_variable: Code | None = Field(None, description="Column that is 1 below the limit of detection.")
    unit: Text
    weight: Code = Field(description="Kind of survey weight, as in seeds/nhanes_cycle_weights.csv.")
    source: Text


class Outcome(_Part):
    """What the exposures may bear on."""

    name: Text
    kind: Literal["binary", "continuous"]
    site: Code | None = Field(None, description="Site of a BMD, as in seeds/bmd_sites.csv.")
    value: Text | None = Field(None, description="An expression over a person: a number, or true and false.")
    unit: Text | None = None


class Osteoporosis(_Part):
    """Who has osteoporosis: a T-score at or below the cutoff at any of the sites."""

    reference_set: Code = Field(description="Young adults' values, as in seeds/bmd_references.csv.")
    t_score_cutoff: float = Field(ge=-10, le=0)
    cutoff_is_osteoporosis: bool = Field(description="Whether exactly the cutoff counts.")
    plausible_bmd_only: bool = Field(description="Whether implausible BMD is left out, of outcomes too.")
    sites: Codes


class Covariate(_Part):
    """A column of `cohort`; categorical if it has a reference level."""

    name: Text
    unit: Text | None = None
    levels: list[Text] = Field([], description="Levels in the order in which table 1 shows them.")
    reference_level: Text | None = Field(None, description="The level that the others are compared with.")


class CovariateSet(_Part):
    """Covariates of one model."""

    name: Text
    covariates: list[Code]


class Subgroup(_Part):
    """A level of a column of `cohort`, with the name of the subgroup in words."""

    level: Text
    name: Text


class BySubgroup(_Part):
    """Outcomes and covariate sets whose mixtures are fitted in each subgroup too."""

    outcomes: Codes
    covariate_sets: Codes


class Mixture(_Part):
    """Outcomes and covariate sets of one mixture method, each combination of both."""

    outcomes: Codes
    covariate_sets: Codes
    by_subgroup: BySubgroup | None = None


class Mixtures(_Part):
    """Methods for the exposures together."""

    wqs: Mixture | None = None
    qgcomp: Mixture | None = None
    bkmr: Mixture | None = None


class TableOneRow(_Part):
    """What table 1 says otherwise than the covariate, exposure or outcome does."""

    name: Text | None = None
    unit: Text | None = None


class Claim(_Part):
    """A number or finding of the paper."""

    description: Text
    quantity: Code = Field(description="What kind of number it is, as in seeds/verdict_rules.csv.")
    outcome: Code | None = None
    exposure: Code | None = None
    contrast: Code | None = None
    subgroup: Text = "all"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    text: Text | None = Field(None, description="A finding that is no number, in the paper's words.")
    source: Text | None = None


class Level(_Part):
    """One way to choose."""

    name: Text
    rules: list[Code] = Field([], description="Rules that it adds to the population.")
    sites: list[Code] = Field([], description="Sites at which osteoporosis is looked for.")
    fixed_covariate: Code | None = Field(None, description="Covariate that is constant under it.")


class Choice(_Part):
    """A choice of the analyst."""

    name: Text
    applies_to: Literal["all", "binary"] = "all"
    levels: Annotated[dict[Code, Level], Field(min_length=1)]


class Grid(_Part):
    """Levels that are crossed; a choice that is not named stays the study's own."""

    outcome: Code
    exposures: Codes
    description: Text
    quick: Levels = Field(description="Levels of the quick settings.")
    full: dict[Code, Codes] = Field({}, description="Levels that the full settings add.")


class Sensitivity(_Part):
    """The specification curve."""

    grids: Annotated[dict[Code, Grid], Field(min_length=1)]
    own: dict[Code, Code] = Field(
        {}, description="The study's own levels that its settings and rules do not tell, where not the first."
    )


class StudyFile(_Part):
    """A study of NHANES."""

    study: Code = Field(description="Name of the study, and of its file.")
    order: int | None = Field(None, ge=1, description="Place among the studies; those without come last.")
    title: Text = Field(description="In words, as short as a heading.")
    description: Text = Field(description="Why it is as it is.")
    based_on: Code | None = Field(
        None,
        description=(
            "A study whose sections count where this file has none. Rules, covariates and choices of both "
            "are known, and so are variables. Claims and sensitivity are never taken over."
        ),
    )
    paper: Paper | None = None
    quantile_groups: int = Field(4, ge=2, le=20, description="Groups that each exposure is divided into.")
    quantile_weighting: Literal["unweighted", "survey"] = Field(
        "unweighted", description="Groups of equally many people, or of equal shares of the population."
    )
    variables: dict[Code, Variable] = Field({}, description="Variables of a person that no model has yet.")
    rules: Annotated[dict[Code, Rule], Field(min_length=1)]
    population: Codes = Field(description="Rules that people must meet, in order.")
    exposures: Annotated[dict[Code, Exposure], Field(min_length=1)]
    mixture: list[Code] | None = Field(None, description="Exposures taken together; by default all.")
    outcomes: Annotated[dict[Code, Outcome], Field(min_length=1)]
    osteoporosis: Osteoporosis | None = None
    covariates: dict[Code, Covariate] = {}
    covariate_sets: Annotated[dict[Code, CovariateSet], Field(min_length=1)]
    subgroups: dict[Code, dict[Text, Subgroup]] = {}
    detailed_models: dict[Code, Codes] = Field(
        {}, description="Covariate sets, by outcome, that are fitted by subgroup and drawn as curves too."
    )
    mixtures: Mixtures = Mixtures()
    table_one: dict[Code, TableOneRow | None] = {}
    claims: dict[Code, Claim] = {}
    choices: dict[Code, Choice] = {}
    sensitivity: Sensitivity | None = None

    @property
    def mixed(self) -> list[str]:
        """The exposures that are taken together."""
        return list(self.exposures) if self.mixture is None else self.mixture


def read_study(document: Document) -> tuple[StudyFile | None, list[Finding]]:
    """Read a study from the values of its file, with what is wrong in them."""
    try:
        return StudyFile.model_validate(document.values), []
    except ValidationError as error:
        return None, [_finding(document, dict(one)) for one in error.errors(include_url=False)]


def _finding(document: Document, error: dict[str, Any]) -> Finding:
    path: KeyPath = tuple(key for key in error["loc"] if key != "[key]")
    found = repr(error["input"])
    if error["type"] == "missing":
        return Finding(document.place(path[:-1]), f"the key {path[-1]!r}", "none")
    if error["type"] == "extra_forbidden":
        known = _keys(path[:-1])
        expected = f"one of the keys {', '.join(known)}"
        return Finding(document.place(path), expected, repr(path[-1]), nearest_names(str(path[-1]), known))
    expected = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if error["type"] == "string_pattern_mismatch":
        is_code = "Z0-9_" in error["ctx"]["pattern"] or "z0-9_" in error["ctx"]["pattern"]
        expected = (
            "a name of letters, digits and underscores"
            if is_code
            else "text without blanks or line breaks around it"
        )
    near: tuple[str, ...] = ()
    if error["type"] == "literal_error":
        near = nearest_names(str(error["input"]), expected.replace("'", "").replace(" or ", ", ").split(", "))
    if error["type"] == "too_short":
        expected, found = "at least one", "none"
    return Finding(document.place(path), expected, found if len(found) < 100 else f"{found[:100]}...", near)


def _keys(path: KeyPath) -> list[str]:
    """Return the keys that a part of a study file may have."""
    part: Any = StudyFile
    for key in path:
        if isinstance(part, type) and issubclass(part, BaseModel):
            part = part.model_fields[str(key)].annotation
        else:
            part = next(iter(get_args(part)[-1:]), None)
        part = _inner(part)
    return list(part.model_fields) if isinstance(part, type) and issubclass(part, BaseModel) else []


def _inner(annotation: Any) -> Any:
    """Return the model in `Model | None` and in `Annotated[Model, ...]`."""
    while type(annotation).__name__ in ("_AnnotatedAlias",):
        annotation = annotation.__origin__
    options = [option for option in get_args(annotation) if option is not type(None)]
    return options[0] if type(None) in get_args(annotation) and options else annotation
