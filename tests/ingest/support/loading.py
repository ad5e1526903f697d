"""Load a folder in a process of its own, which tests can limit, stop and kill."""

import sys
from pathlib import Path

_LOAD = """
import sys
from pathlib import Path
from ingest import load
from ingest import raw_database
from warehouse.seeds.catalogue import read_catalogue
from warehouse.errors import ProjectError
from ingest.sources.directory import DirectorySource
from ingest import transport
import duckdb, numpy, psutil
folder, path, seeds = map(Path, sys.argv[1:])
print("start", flush=True)
try:
    load.run(DirectorySource(folder), path, read_catalogue(seeds), print, seconds=60)
except ProjectError as error:
    sys.exit(str(error))
"""


def loading(folder: Path, path: Path, first: str = "") -> list[str]:
    """Return the command: it runs `first`, says `start`, and loads. The seeds lie beside the folder."""
    return [sys.executable, "-c", first + _LOAD, str(folder), str(path), str(folder.parent / "seeds")]
