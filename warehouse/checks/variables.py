"""dbt variables: known names, a known fit profile, and settings that are counts or switches."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from warehouse.seeds.declared import read_yaml
from warehouse.seeds.findings import Finding, nearest_names

PROFILE, PROFILES = "fit_profile", "fit_profiles"
# Whole numbers for which 0 means something: a seed like others, and work that is left out.
_MAY_BE_ZERO = frozenset({"seed", "bkmr_warmup", "bkmr_bivariate_grid"})


def check_variables(project_file: Path, given: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the variables of a project.

    Parameters
    ----------
    project_file : Path
        ``dbt_project.yml``, which declares every variable with its default.
    given : mapping
        What the command line gives instead (``--vars``); each replaces its default as a whole.
    """
    declared = _declared(project_file)
    for name in given:
        if name not in declared:
            nearest = nearest_names(name, declared)
            yield Finding(f"--vars, {name}", "a variable of dbt_project.yml", repr(name), nearest)
    values = {**declared, **{name: value for name, value in given.items() if name in declared}}
    places = {name: "--vars" if name in given else project_file.name for name in values}
    if PROFILES not in values:
        return
    profiles = values[PROFILES]
    if not isinstance(profiles, Mapping) or not all(isinstance(p, Mapping) for p in profiles.values()):
        yield Finding(f"{places[PROFILES]}, {PROFILES}", "settings for each profile", repr(profiles))
        return
    if values.get(PROFILE) not in profiles:
        nearest = nearest_names(str(values.get(PROFILE)), profiles)
        yield Finding(
            f"{places[PROFILE]}, {PROFILE}", f"a profile of {PROFILES}", repr(values.get(PROFILE)), nearest
        )
    examples = {name: value for settings in declared[PROFILES].values() for name, value in settings.items()}
    for name, settings in profiles.items():
        yield from _settings(f"{places[PROFILES]}, {PROFILES}, {name}", settings, examples)


def _settings(place: str, settings: Mapping[str, Any], examples: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the settings of a profile with those that the project declares, by name and kind."""
    for setting, value in settings.items():
        if setting not in examples:
            nearest = nearest_names(setting, examples)
            yield Finding(f"{place}, {setting}", "a known setting", repr(setting), nearest)
        elif isinstance(examples[setting], bool):
            if not isinstance(value, bool):
                yield Finding(f"{place}, {setting}", "true or false", repr(value))
        else:
            least = 0 if setting in _MAY_BE_ZERO else 1
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                yield Finding(f"{place}, {setting}", f"a whole number of at least {least}", repr(value))
    missing = [setting for setting in examples if setting not in settings]
    if missing:
        yield Finding(place, f"the settings {', '.join(examples)}", f"no {', '.join(missing)}")


def _declared(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    variables = dict(content.get("vars") or {})
    return variables | dict(variables.pop(content.get("name"), None) or {})
