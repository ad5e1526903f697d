"""Settings of a running `dbt build` that Python models need."""

import os
from pathlib import Path

from dbt.flags import get_flags

from envmix.study.fit_cache import FitCache
from ingest.home import PROJECT_ROOT


def fit_cache() -> FitCache:
    """Return the store of fits, which `--full-refresh` does not read: NHANES_BONE_FITS, else data/fits."""
    folder = Path(os.environ.get("NHANES_BONE_FITS", PROJECT_ROOT / "data" / "fits"))
    return FitCache(folder, refit=bool(get_flags().FULL_REFRESH))  # type: ignore[no-untyped-call]
