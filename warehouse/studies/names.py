"""Names in a study file are names that the file defines, and no list has one twice."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from warehouse.seeds.findings import Finding, nearest_names
from warehouse.studies.document import Document, KeyPath
from warehouse.studies.study_file import Mixtures, Sensitivity, StudyFile


@dataclass(frozen=True)
class _Use:
    """Names that stand somewhere in the file, and those that may stand there."""

    path: KeyPath
    names: Collection[str | None]
    known: Collection[str]
    what: str


def unknown_names(study: StudyFile, document: Document) -> Iterator[Finding]:
    """Yield each name that the study does not define, and each that a list has twice."""
    for use in _uses(study):
        seen: set[str] = set()
        for position, name in enumerate(use.names):
            if name is None:
                continue
            place = document.place((*use.path, name if isinstance(use.names, dict) else position))
            if name not in use.known:
                expected = f"one of the {use.what} of {study.study}"
                yield Finding(place, expected, repr(name), nearest_names(name, use.known))
            elif name in seen:
                yield Finding(place, "each name once", f"{name!r} again")
            seen.add(name)


def _uses(study: StudyFile) -> Iterator[_Use]:
    exposures, outcomes, sets = study.exposures, study.outcomes, study.covariate_sets
    sites = [outcome.site for outcome in outcomes.values() if outcome.site]
    shown = [*study.covariates, *exposures, *sites]
    yield _Use(("population",), study.population, study.rules, "rules")
    yield _Use(("mixture",), study.mixture or [], exposures, "exposures")
    yield _Use(("table_one",), study.table_one, shown, "covariates, exposures and sites of outcomes")
    for name, chosen in sets.items():
        path: KeyPath = ("covariate_sets", name, "covariates")
        yield _Use(path, chosen.covariates, study.covariates, "covariates")
    yield _Use(("detailed_models",), study.detailed_models, outcomes, "outcomes")
    for outcome, of_outcome in study.detailed_models.items():
        yield _Use(("detailed_models", outcome), of_outcome, sets, "covariate sets")
    for method in Mixtures.model_fields:
        if (mixture := getattr(study.mixtures, method)) is None:
            continue
        at: KeyPath = ("mixtures", method)
        yield _Use((*at, "outcomes"), mixture.outcomes, outcomes, "outcomes")
        yield _Use((*at, "covariate_sets"), mixture.covariate_sets, sets, "covariate sets")
        if part := mixture.by_subgroup:
            at = (*at, "by_subgroup")
            yield _Use((*at, "outcomes"), part.outcomes, mixture.outcomes, f"outcomes of {method}")
            known, what = mixture.covariate_sets, f"covariate sets of {method}"
            yield _Use((*at, "covariate_sets"), part.covariate_sets, known, what)
    subgroups = ["all", *(name for levels in study.subgroups.values() for name in levels)]
    for name, claim in study.claims.items():
        yield _Use(("claims", name, "outcome"), [claim.outcome], outcomes, "outcomes")
        yield _Use(("claims", name, "exposure"), [claim.exposure], exposures, "exposures")
        yield _Use(("claims", name, "subgroup"), [claim.subgroup], subgroups, "subgroups")
    if study.sensitivity:
        yield from _uses_of_sensitivity(study, study.sensitivity)


def _uses_of_sensitivity(study: StudyFile, sensitivity: Sensitivity) -> Iterator[_Use]:
    choices = study.choices
    for choice, facts in choices.items():
        for level, meaning in facts.levels.items():
            at: KeyPath = ("choices", choice, "levels", level)
            yield _Use((*at, "rules"), meaning.rules, study.rules, "rules")
            yield _Use((*at, "fixed_covariate"), [meaning.fixed_covariate], study.covariates, "covariates")
    yield _Use(("sensitivity", "own"), sensitivity.own, choices, "choices")
    for choice, level in sensitivity.own.items():
        known = choices[choice].levels if choice in choices else [level]
        yield _Use(("sensitivity", "own", choice), [level], known, f"levels of {choice}")
    for name, grid in sensitivity.grids.items():
        at = ("sensitivity", "grids", name)
        yield _Use((*at, "outcome"), [grid.outcome], study.outcomes, "outcomes")
        yield _Use((*at, "exposures"), grid.exposures, study.exposures, "exposures")
        yield _Use((*at, "quick"), grid.quick, choices, "choices")
        yield _Use((*at, "full"), grid.full, grid.quick, f"choices in the quick settings of {name}")
        for choice in choices.keys() & grid.quick.keys():
            levels = choices[choice].levels
            if choice == "covariate_set":
                levels = {
                    level: meaning for level, meaning in levels.items() if level in study.covariate_sets
                }
            yield _Use((*at, "quick", choice), grid.quick[choice], levels, f"levels of {choice}")
            added = {level: None for level in levels if level not in grid.quick[choice]}
            yield _Use((*at, "full", choice), grid.full.get(choice, []), added, f"other levels of {choice}")
