"""dbt variables: known names, a known fit profile, and settings that are positive whole numbers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ingest.errors import CatalogueError, cannot
from ingest.mistakes import Mistake, nearest_names

PROFILE, PROFILES = "fit_profile", "fit_profiles"


def check_variables(project_file: Path, given: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield what is wrong with the variables of a project.

    Parameters
    ----------
    project_file : Path
        ``dbt_project.yml``, which declares every variable with its default.
    given : mapping
        What the command line gives instead (``--vars``); each replaces its default as a whole.
    """
    declared = _declared(project_file)
    for name, value in given.items():
        if name not in declared:
            nearest = nearest_names(name, declared)
            yield Mistake(f"--vars, {name}", "a variable of dbt_project.yml", repr(value), nearest)
    values = {**declared, **{name: value for name, value in given.items() if name in declared}}
    places = {name: "--vars" if name in given else project_file.name for name in values}
    if PROFILES not in values:
        return
    profiles = values[PROFILES]
    if not isinstance(profiles, Mapping) or not all(isinstance(p, Mapping) for p in profiles.values()):
        yield Mistake(f"{places[PROFILES]}, {PROFILES}", "settings for each profile", repr(profiles))
        return
    if values.get(PROFILE) not in profiles:
        nearest = nearest_names(str(values.get(PROFILE)), profiles)
        yield Mistake(
            f"{places[PROFILE]}, {PROFILE}", f"a profile of {PROFILES}", repr(values.get(PROFILE)), nearest
        )
    known = {setting: None for settings in declared[PROFILES].values() for setting in settings}
    for name, settings in profiles.items():
        yield from _settings(f"{places[PROFILES]}, {PROFILES}, {name}", settings, known)


def _settings(place: str, settings: Mapping[str, Any], known: Mapping[str, None]) -> Iterator[Mistake]:
    for setting, value in settings.items():
        if setting not in known:
            yield Mistake(
                f"{place}, {setting}", "a known setting", repr(setting), nearest_names(setting, known)
            )
        elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
            yield Mistake(f"{place}, {setting}", "a whole number of at least 1", repr(value))
    missing = [setting for setting in known if setting not in settings]
    if missing:
        yield Mistake(place, f"the settings {', '.join(known)}", f"no {', '.join(missing)}")


def _declared(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except OSError as error:
        raise CatalogueError(cannot("read", path, error)) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogueError(f"{path}: expected YAML, found: {error}") from error
    variables = dict(content.get("vars") or {})
    return variables | dict(variables.pop(content.get("name"), None) or {})
