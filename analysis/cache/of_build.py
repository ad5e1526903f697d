"""The store of fits that a running `dbt build` reads and fills."""

from dbt.flags import get_flags

from analysis.cache.fit_cache import FitCache
from warehouse.paths import fits_directory


def fit_cache() -> FitCache:
    """Return the store of fits, which `--full-refresh` does not read."""
    return FitCache(fits_directory(), refit=bool(get_flags().FULL_REFRESH))  # type: ignore[no-untyped-call]
