"""Of each choice, the level that is the study itself: as its settings, sites and rules say."""

from collections.abc import Iterator

from warehouse.seeds.findings import Finding
from warehouse.studies.document import Document
from warehouse.studies.study_file import StudyFile


def own_level(study: StudyFile, choice: str) -> str | None:
    """Return a study's own level of a choice; None if none of the levels is the study.

    The level that `sensitivity: own` names, or else that of the setting, or with the study's sites, or with
    the most rules of its population; where the levels have nothing of these, the first.
    """
    levels = study.choices[choice].levels
    if study.sensitivity and choice in study.sensitivity.own:
        return study.sensitivity.own[choice]
    disease = study.osteoporosis
    settings = disease and {
        "reference_set": disease.reference_set,
        "cutoff": "at_or_below" if disease.cutoff_is_osteoporosis else "below",
        "plausibility": "plausible_only" if disease.plausible_bmd_only else "any",
    }
    if settings and choice in settings:
        return settings[choice]
    if any(level.sites for level in levels.values()):
        alike = (name for name, level in levels.items() if disease and set(level.sites) == set(disease.sites))
        return next(alike, None)
    if any(level.rules for level in levels.values()):
        met = {name: level for name, level in levels.items() if set(level.rules) <= set(study.population)}
        return max(met, key=lambda name: len(met[name].rules), default=None)
    return next(iter(levels))


def check_own_levels(study: StudyFile, document: Document) -> Iterator[Finding]:
    """Yield choices of which no level is the study, and rules that some level brings but no own level."""
    if study.sensitivity is None:
        return
    own = {choice: own_level(study, choice) for choice in study.choices}
    optional, brought = set(), set()
    for choice, facts in study.choices.items():
        if own[choice] is None:
            place = document.place(("choices", choice))
            yield Finding(place, f"a level that is the study {study.study}", ", ".join(facts.levels))
        for name, level in facts.levels.items():
            optional |= set(level.rules)
            brought |= set(level.rules) if name == own[choice] else set()
    for step, rule in enumerate(study.population):
        if rule in optional - brought:
            expected = "a rule of the study's own level of a choice, or of no level"
            yield Finding(document.place(("population", step)), expected, repr(rule))
