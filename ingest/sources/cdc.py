"""Files from CDC: several at once, each resumed and retried (see `ingest.download`)."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ingest.download import Policy, download
from ingest.errors import DownloadError
from ingest.http_client import UnreachableError, origin
from ingest.progress import Progress
from ingest.sources import Say, SourceFile, page_beside
from warehouse.locks import exclusive_lock
from warehouse.seeds.catalogue import Catalogue, CatalogueFile

WAYS_OUT = (
    "There are two ways out: `make build NHANES_DIR=DIR` takes files that you already have, "
    "and `make demo` works on synthetic data."
)


@dataclass(frozen=True)
class CdcSource:
    """Downloads what is not there yet. A file that is there is kept: delete it to have it fetched again.

    Parameters
    ----------
    folder : Path
        Files go into ``<folder>/<cycle>/<NAME>.XPT``.
    workers : int
        How many are fetched at once.
    base : str, optional
        For tests: fetch from this server instead, under the same paths.
    policy : Policy, optional
        Limits of each download.
    """

    folder: Path
    workers: int = 4
    base: str | None = None
    policy: Policy = field(default_factory=Policy)

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Download every file of the catalogue that is missing; see `ingest.sources.Source`."""
        wanted = [file for file in catalogue.files if not self._path(file).is_file()]
        if wanted:
            say(f"Fetching {len(wanted)} of {len(catalogue.files)} files from CDC into {self.folder}")
            with exclusive_lock(self.folder):
                self._fetch(wanted)
        return [
            SourceFile(
                entry=file,
                path=self._path(file),
                page=page_beside(self._path(file)),
                source="cdc",
                address=file.address,
            )
            for file in catalogue.files
        ]

    def _path(self, file: CatalogueFile) -> Path:
        return self.folder / file.cycle.name / f"{file.name}.XPT"

    def _address(self, file: CatalogueFile) -> str:
        return file.address if self.base is None else self.base + urlsplit(file.address).path

    def _fetch(self, wanted: list[CatalogueFile]) -> None:
        origins = frozenset(origin(self._address(file)) for file in wanted)
        stop = threading.Event()
        errors: list[str] = []
        with (
            Progress("Downloading", "B") as progress,
            ThreadPoolExecutor(max_workers=self.workers) as pool,
        ):
            futures: list[Future[None]] = [
                pool.submit(
                    download,
                    self._address(file),
                    self._path(file),
                    origins=origins,
                    progress=progress,
                    policy=self.policy,
                    stop=stop,
                )
                for file in wanted
            ]
            try:
                for future in as_completed(futures):
                    try:
                        future.result()
                    except UnreachableError as error:
                        raise DownloadError(
                            f"There is no connection to CDC.\n  {error}\n{WAYS_OUT}"
                        ) from error
                    except DownloadError as error:
                        errors.append(str(error))
            finally:
                stop.set()  # on an error or an interruption: the others end soon, and keep what they have
                pool.shutdown(wait=True, cancel_futures=True)
        if errors:
            head = f"{len(errors)} of {len(wanted)} files could not be fetched; the others are kept."
            raise DownloadError("\n".join([head, *(f"  {text}" for text in sorted(errors)), WAYS_OUT]))
