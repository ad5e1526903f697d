"""What a build ran with (code version, configuration, package versions) and what the studies say, in SQL.

Seeds, studies and variables are checked first. dbt-duckdb loads `Plugin` (profiles.yml); the macro record_run
calls the functions at the start of a build, the macro study_rows in the models of `models/studies/`.
"""

import json
import logging
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from warehouse.checks import refuse_findings
from warehouse.errors import ProjectError
from warehouse.paths import PROJECT_ROOT, data_directory
from warehouse.studies.compile import compile_studies

# What computes the results: the library and the analyses.
CODE = (PROJECT_ROOT / "mixepi" / "src", PROJECT_ROOT / "analysis")
SUFFIXES = {".csv", ".py", ".sql", ".yml"}
PACKAGES = (
    "nhanes-bone",
    "mixepi",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "formulaic",
    "numba",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scipy",
    "statsmodels",
    "svy",
)


def code_version() -> str:
    """Return the commit of the project, with `-dirty` after it where files differ from it.

    Without git, or outside a clone, the package version takes its place.
    """
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return f"nhanes-bone {version('nhanes-bone')}"
    return described.stdout.strip()


def configuration_digest(variables: str) -> str:
    """Return one sha256 over everything that decides results.

    That is: seeds, studies, models, macros and Python models of the project that dbt builds, the analyses,
    the library, and the dbt variables (JSON) of this invocation.
    """
    root = _project_directory()
    digest = sha256(variables.encode())
    digest.update((root / "dbt_project.yml").read_bytes())
    for folder in (
        *(root / name for name in ("seeds", "studies", "models", "macros", "python_models")),
        *CODE,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}".encode())
            digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _project_directory() -> Path:
    return Path(getattr(get_flags(), "PROJECT_DIR", None) or PROJECT_ROOT)  # type: ignore[no-untyped-call]


def compiled_study_rows(table: str) -> str:
    """Return the rows of a table of `models/studies/` as JSON; what is empty is null."""
    rows = compile_studies(_project_directory()).tables[table].rows
    return json.dumps([{column: value or None for column, value in row.values.items()} for row in rows])


def package_versions() -> str:
    """Return the versions of the packages that a result depends on, as a JSON object."""
    return json.dumps({name: version(name) for name in PACKAGES})


class Plugin(BasePlugin):
    """Say where the databases lie; check seeds, variables and that there is data; offer functions to SQL."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        try:
            given = getattr(get_flags(), "VARS", None) or {}  # type: ignore[no-untyped-call]
            refuse_findings(_project_directory(), given)
        except ProjectError as error:
            raise DbtRuntimeError(str(error)) from error
        # On a full disk every line of dbt's log would be a traceback on the terminal.
        logging.raiseExceptions = False
        # profiles.yml names files; a path that is absolute stays as it is
        data = data_directory()
        creds.path = str(data / creds.path)
        for attachment in creds.attach or []:
            attachment.path = str(data / attachment.path)
            if not Path(attachment.path).exists():
                raise DbtRuntimeError(
                    f"expected loaded NHANES files in {attachment.path}, found no such file: "
                    "run `make demo` (synthetic data), `make build` (downloads from CDC) "
                    "or `make build NHANES_DIR=DIR` (files you have)"
                )

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        conn.create_function("compiled_study_rows", compiled_study_rows, ["VARCHAR"], "VARCHAR")
        conn.create_function("code_version", code_version, [], "VARCHAR")
        conn.create_function("configuration_digest", configuration_digest, ["VARCHAR"], "VARCHAR")
        conn.create_function("package_versions", package_versions, [], "VARCHAR")
