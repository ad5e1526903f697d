"""Fits kept on disk by what decides them: input rows, specification, and the code and libraries that fit."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import mixepi
from analysis.cache import checkpoints
from mixepi.errors import MixepiError
from warehouse.errors import cannot
from warehouse.files import replacing

CHECKPOINTS = "checkpoints"
# What computes a fit: the analyses and the library.
CODE = (Path(__file__).resolve().parent.parent, Path(mixepi.__file__).parent)
LIBRARIES = ("formulaic", "numba", "numpy", "pandas", "polars", "scipy", "statsmodels", "svy")


class StoreError(MixepiError):
    """A finished fit cannot be stored."""


@cache
def code_digest() -> str:
    """Return one sha256 over the source of what fits and the versions of the libraries it computes with."""
    versions = {"python": python_version()} | {name: version(name) for name in LIBRARIES}
    digest = sha256(json.dumps(versions).encode())
    for folder in CODE:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fit_digest(kind: str, specification: Mapping[str, Any], data: pd.DataFrame) -> str:
    """Return the key of a fit: equal exactly when nothing that decides its result differs.

    Parameters
    ----------
    kind : str
        Name of the analysis.
    specification : mapping
        Everything besides the rows that decides the result, as JSON values. Names for display do not
        belong here: with them, a new label would fit everything again.
    data : pandas.DataFrame
        The rows, in the order in which they are fitted.
    """
    digest = sha256(code_digest().encode())
    digest.update(json.dumps([kind, dict(specification)], sort_keys=True).encode())
    table = pa.Table.from_pandas(data, preserve_index=False).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    digest.update(sink.getvalue())
    return digest.hexdigest()


@dataclass(frozen=True)
class FitCache:
    """A folder of fits, one Parquet file each.

    Attributes
    ----------
    folder : pathlib.Path
        Made when the first fit is stored. May be removed at any time.
    refit : bool
        Read nothing, checkpoints neither, so that everything is fitted and stored again; false by default.
    """

    folder: Path
    refit: bool = False

    def get(self, digest: str) -> pa.Table | None:
        """Return the stored table of a fit, or None."""
        path = self._path(digest)
        if self.refit or not path.exists():
            return None
        try:
            return pq.read_table(path)
        except (pa.ArrowInvalid, OSError):  # damaged, or removed meanwhile: fit again
            return None

    def put(self, digest: str, table: pa.Table) -> None:
        """Store the table of a fit, whole or not at all, and remove its checkpoint.

        Raises
        ------
        StoreError
            The file cannot be written; the checkpoint stays.
        """
        path = self._path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as new:
                pq.write_table(table, new, compression="zstd")
        except OSError as error:
            raise StoreError(
                f"{cannot('store a finished fit in', self.folder, error)} Then run again: what was stored "
                "before is kept"
            ) from error
        checkpoints.remove(self._checkpoint(digest))

    def checkpoint(self, digest: str) -> Path:
        """Return the folder in which a fit that takes long may keep its state until it is stored."""
        folder = self._checkpoint(digest)
        if self.refit:
            checkpoints.remove(folder)
        return folder

    def remove_stale(self) -> None:
        """Remove what nobody goes on with: checkpoints, and what killed processes had half written."""
        checkpoints.remove_stale(self.folder / CHECKPOINTS)
        for left in self.folder.glob("*/.*"):
            if checkpoints.is_stale(left):
                shutil.rmtree(left, ignore_errors=True)

    def _checkpoint(self, digest: str) -> Path:
        return self.folder / CHECKPOINTS / digest

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.parquet"
