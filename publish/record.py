"""The manifest of a published run: what it is, what it was made from, and a digest of every file."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from publish.database import Written
from publish.errors import DamagedError
from warehouse.paths import MANIFEST


@dataclass(frozen=True)
class Published:
    """A published run as its manifest tells it; `folder` is where it lies, links followed."""

    folder: Path
    facts: dict[str, Any]

    @property
    def run_id(self) -> str:
        return str(self.facts["run_id"])

    @property
    def source(self) -> str:
        return str(self.facts["source"])

    def __str__(self) -> str:
        kind = "synthetic data" if self.source == "demo" else "NHANES"
        started = self.facts["started_at"]
        return f"run {self.run_id} of {started}, source {self.source!r} ({kind}), in {self.folder}"


def write_manifest(folder: Path, written: Written) -> None:
    """Write `manifest.json` beside the files that it lists.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the published files, all of them.
    written : publish.database.Written
        The run and its tables.
    """
    run = written.run
    facts = {
        "run_id": run.run_id,
        "source": run.source,
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "published_at": _time(datetime.now(UTC)),
        "code_version": run.code_version,
        "configuration_digest": run.configuration_digest,
        "variables": json.loads(run.variables),
        "package_versions": json.loads(run.package_versions),
        "inputs_digest": run.inputs_digest,
        "inputs": [asdict(file) for file in written.inputs],
        "tables": written.rows,
        "outputs": _outputs(folder),
    }
    (folder / MANIFEST).write_text(json.dumps(facts, indent=2) + "\n")


def read_published(results: Path) -> Published:
    """Read the manifest of a published run, and check its files against it.

    Parameters
    ----------
    results : pathlib.Path
        The link `results`, or the folder of a run.

    Raises
    ------
    DamagedError
        If there is no manifest, or a file is missing, altered or too many.
    """
    folder = results.resolve()
    try:
        facts = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise DamagedError(
            f"expected published results in {results}, found no manifest that can be read ({error}): "
            "run `make build` or `make demo`"
        ) from error
    found = _outputs(folder)
    for name in sorted(facts["outputs"].keys() | found.keys()):
        if facts["outputs"].get(name) != found.get(name):
            raise DamagedError(
                f"expected {folder / name} as {MANIFEST} lists it, {facts['outputs'].get(name, 'absent')}; "
                f"found {found.get(name, 'no such file')}: "
                "publish the run again with `python -m publish again`"
            )
    return Published(folder, facts)


def _outputs(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
