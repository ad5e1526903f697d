"""Files from CDC: several at once, each resumed and retried (see `ingest.download`)."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ingest.download import PAGE, TRANSPORT, Kind, Policy, download
from ingest.errors import DownloadError
from ingest.http_client import UnreachableError, origin
from ingest.progress import Progress
from ingest.sources import Say, SourceFile, page_beside
from warehouse.locks import exclusive_lock
from warehouse.seeds.catalogue import Catalogue, CatalogueFile
from warehouse.seeds.published import page_address

WAYS_OUT = (
    "There are two ways out: `make build NHANES_DIR=DIR` takes files that you already have, "
    "and `make demo` works on synthetic data."
)


@dataclass(frozen=True, kw_only=True)
class _Item:
    """A file or a page to fetch; `file` is the name of the file that it belongs to."""

    file: str
    address: str
    target: Path
    kind: Kind


@dataclass(frozen=True)
class CdcSource:
    """Downloads files and their pages that are not there yet. What is there is kept: delete it for a new one.

    Parameters
    ----------
    folder : Path
        Files go into ``<folder>/<cycle>/<NAME>.XPT``, their pages beside them as ``<NAME>.htm``.
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
        wanted = [item for file in catalogue.files for item in self._items(file) if not item.target.is_file()]
        if wanted:
            files = len({item.file for item in wanted})
            say(f"Fetching {files} of {len(catalogue.files)} files and pages from CDC into {self.folder}")
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

    def _items(self, file: CatalogueFile) -> list["_Item"]:
        path = self._path(file)
        kinds = (
            (file.address, path, TRANSPORT),
            (page_address(file.address), path.with_suffix(".htm"), PAGE),
        )
        return [
            _Item(
                file=file.name,
                address=address if self.base is None else self.base + urlsplit(address).path,
                target=target,
                kind=kind,
            )
            for address, target, kind in kinds
        ]

    def _fetch(self, wanted: list["_Item"]) -> None:
        origins = frozenset(origin(item.address) for item in wanted)
        stop = threading.Event()
        errors: dict[str, str] = {}
        with (
            Progress("Downloading", "B") as progress,
            ThreadPoolExecutor(max_workers=self.workers) as pool,
        ):
            futures: dict[Future[None], _Item] = {
                pool.submit(
                    download,
                    item.address,
                    item.target,
                    origins=origins,
                    progress=progress,
                    kind=item.kind,
                    policy=self.policy,
                    stop=stop,
                ): item
                for item in wanted
            }
            try:
                for future in as_completed(futures):
                    try:
                        future.result()
                    except UnreachableError as error:
                        raise DownloadError(
                            f"There is no connection to CDC.\n  {error}\n{WAYS_OUT}"
                        ) from error
                    except DownloadError as error:
                        errors[str(error)] = futures[future].file
            finally:
                stop.set()  # on an error or an interruption: the others end soon, and keep what they have
                pool.shutdown(wait=True, cancel_futures=True)
        if errors:
            files, of = len(set(errors.values())), len({item.file for item in wanted})
            head = f"{files} of {of} files, or their pages, could not be fetched; the others are kept."
            raise DownloadError("\n".join([head, *(f"  {text}" for text in sorted(errors)), WAYS_OUT]))
