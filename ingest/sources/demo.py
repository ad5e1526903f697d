"""Synthetic files from the demo generator, as a source like the others."""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ingest.errors import SourceError
from ingest.sources import Say, SourceFile
from ingest.sources.directory import DirectorySource
from warehouse.errors import cannot
from warehouse.files import replacing
from warehouse.paths import PROJECT_ROOT, seeds_directory
from warehouse.seeds.catalogue import Catalogue

_STAMP = "demo.json"


@dataclass(frozen=True)
class DemoSource:
    """Generates the files, unless the same files were generated before.

    Parameters
    ----------
    folder : Path
        Where the files go; belongs to this source alone and is replaced as a whole.
    people : int
        Size of the synthetic population.
    seed : int
        The same seed gives the same population.
    """

    folder: Path
    people: int
    seed: int

    def fetch(self, catalogue: Catalogue, say: Say) -> list[SourceFile]:
        """Generate every file of the catalogue; see `ingest.sources.Source`."""
        stamp = json.dumps({"people": self.people, "seed": self.seed, "code": _code_digest()})
        try:
            if not _same(self.folder / _STAMP, stamp):
                say(f"Making synthetic files of {self.people:,} people (seed {self.seed}) in {self.folder}")
                self._generate(stamp)
        except OSError as error:
            raise SourceError(cannot("write", Path(error.filename or self.folder), error)) from error
        found = DirectorySource(self.folder).fetch(catalogue, say)
        return [replace(file, source="demo") for file in found]

    def _generate(self, stamp: str) -> None:
        from demo.generate import write_demo_files

        if self.folder.exists() and not (self.folder / _STAMP).is_file() and any(self.folder.iterdir()):
            raise SourceError(
                f"Expected {self.folder} to be empty or to hold generated files, found other files: "
                "choose another folder with --data."
            )
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder) as new:
            new.mkdir()
            write_demo_files(new, people=self.people, seed=self.seed)
            (new / _STAMP).write_text(stamp)


def _same(path: Path, stamp: str) -> bool:
    return path.is_file() and path.read_text() == stamp


def _code_digest() -> str:
    """Digest of the generator and of the seeds that it may read."""
    digest = sha256()
    paths = [*(PROJECT_ROOT / "demo").rglob("*.py"), *seeds_directory().glob("*.csv")]
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()
