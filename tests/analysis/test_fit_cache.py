"""The store of fits when a fit cannot be written into it."""

import os
import shutil
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.cache.checkpoints import DAYS_KEPT
from analysis.cache.fit_cache import FitCache, StoreError

SMALL = pa.table({"value": [1.0, 2.0]})


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_fit_that_cannot_be_stored_leaves_nothing_behind(tmp_path, monkeypatch, error):
    cache = FitCache(tmp_path)
    cache.put("aa1", SMALL)
    cache.checkpoint("aa2").mkdir(parents=True)
    with monkeypatch.context() as context:

        def write_a_half(table, file, **options):
            file.write_bytes(b"PAR1")
            raise error

        context.setattr(pq, "write_table", write_a_half)
        wanted = StoreError if isinstance(error, OSError) else KeyboardInterrupt
        with pytest.raises(wanted):
            cache.put("aa2", SMALL)
    assert files(tmp_path) == ["aa1.parquet"]
    assert cache.checkpoint("aa2").exists(), "the fit can go on from it"
    cache.put("aa2", SMALL)
    assert cache.get("aa2").equals(SMALL)
    assert not cache.checkpoint("aa2").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "fits").write_text("no folder")
    with pytest.raises(
        StoreError, match=r"Cannot store a finished fit in .*fits: a file lies where a folder should be"
    ):
        FitCache(tmp_path / "fits").put("aa1", SMALL)


def test_a_full_disk_is_said_and_keeps_what_was_stored(small_disk):
    cache = FitCache(small_disk / "fits")
    cache.put("aa1", SMALL)
    large = pa.table({"value": np.random.default_rng(1).normal(size=100_000)})
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 100_000))
    with pytest.raises(StoreError, match=r"the disk is full: free some space"):
        cache.put("aa2", large)
    assert files(cache.folder) == ["aa1.parquet"]
    assert cache.get("aa1").equals(SMALL)
    filler.unlink()
    cache.put("aa2", large)
    assert cache.get("aa2").equals(large)


def test_half_files_of_long_ago_are_removed(tmp_path):
    cache = FitCache(tmp_path)
    cache.put("aa1", SMALL)
    for name, days in ((".new.1", DAYS_KEPT - 1), (".old.1", DAYS_KEPT + 1), ("aa1.parquet", 99)):
        path = tmp_path / "aa" / name
        path.touch() if path.suffix == ".parquet" else path.mkdir()
        then = time.time() - days * 24 * 3600
        os.utime(path, (then, then))
    cache.remove_stale()
    assert sorted(path.name for path in (tmp_path / "aa").iterdir()) == [".new.1", "aa1.parquet"]
