"""Where the project, its data and its results lie."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Names that a build writes and the report reads.
DATABASE = "nhanes_bone.duckdb"
MANIFEST = "manifest.json"


def user_path(text: str | Path) -> Path:
    """Return a path that a user gave, `~` as the home directory: not every place that asks has a shell."""
    return Path(text).expanduser()


def project_directory() -> Path:
    """Return the dbt project whose seeds count, for ingest as for dbt: DBT_PROJECT_DIR, else this one."""
    return _named("DBT_PROJECT_DIR", PROJECT_ROOT).resolve()


def seeds_directory() -> Path:
    """Return the folder of the seeds, `seeds/` of `project_directory`."""
    return project_directory() / "seeds"


def data_directory() -> Path:
    """Return the folder of the databases: NHANES_BONE_DATA, else data/current of this project."""
    return _named("NHANES_BONE_DATA", PROJECT_ROOT / "data" / "current").resolve()


def fits_directory() -> Path:
    """Return the store of fits: NHANES_BONE_FITS, else data/fits of this project."""
    return _named("NHANES_BONE_FITS", PROJECT_ROOT / "data" / "fits")


def results_directory() -> Path:
    """Return the published results: a link to one whole build."""
    return PROJECT_ROOT / "results"


def _named(variable: str, default: Path) -> Path:
    """Return the folder that an environment variable names."""
    return user_path(os.environ.get(variable, default))
