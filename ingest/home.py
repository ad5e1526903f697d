"""Where this project lies, so that `dbt` and `python -m ingest` work from any working directory.

`nhanes_bone.pth` imports this module whenever a Python of the project's environment starts.
Only defaults are set: a variable that the user has set wins.
"""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

if (PROJECT_ROOT / "dbt_project.yml").exists():
    os.environ.setdefault("DBT_PROJECT_DIR", str(PROJECT_ROOT))
    os.environ.setdefault("DBT_PROFILES_DIR", str(PROJECT_ROOT))
    os.environ.setdefault("NHANES_BONE_DATA", str(PROJECT_ROOT / "data" / "current"))


def project_directory() -> Path:
    """Return the dbt project whose seeds count, for ingest as for dbt: DBT_PROJECT_DIR, else this one."""
    return Path(os.environ.get("DBT_PROJECT_DIR", PROJECT_ROOT)).resolve()


def fits_directory() -> Path:
    """Return the store of fits: NHANES_BONE_FITS, else data/fits of this project."""
    return Path(os.environ.get("NHANES_BONE_FITS", PROJECT_ROOT / "data" / "fits"))
