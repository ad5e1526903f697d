"""Is the private warehouse one whole build in which everything succeeded?

The build says so itself: macro `record_outcome` (macros/runs.sql) writes, at the end of a `dbt build`, how
many of the project's models, seeds and tests there are and how many succeeded in this very run. A build that
failed, was killed, or built a part only leaves no such row, or one that says so.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from publish.errors import AuditError
from warehouse.connection import named_rows, quote_name

AGAIN = "run `make build` or `make demo` (or `dbt build`, the whole of it) again"


@dataclass(frozen=True, kw_only=True)
class Run:
    """The build that a warehouse holds.

    `marts` are its tables of the schema main; `person_marts` those of them with a row per person.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    source: str
    code_version: str
    inputs_digest: str
    configuration_digest: str
    package_versions: str
    variables: str
    marts: tuple[str, ...]
    person_marts: tuple[str, ...]

    @property
    def result_marts(self) -> tuple[str, ...]:
        """What may be published: tables without a row per person."""
        return tuple(mart for mart in self.marts if mart not in self.person_marts)

    @property
    def name(self) -> str:
        """A name for its folder, in the order of time."""
        return f"{self.started_at:%Y%m%dT%H%M%SZ}-{self.run_id[:8]}"


def audit(connection: duckdb.DuckDBPyConnection, database: str, path: Path) -> Run:
    """Return the run that a warehouse holds, if it is whole.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Has the warehouse open or attached; nothing else can write it meanwhile.
    database : str
        Its name in the connection.
    path : pathlib.Path
        Its file, for messages.

    Raises
    ------
    AuditError
        If the last build did not finish, did not build and test everything, had an error, or if a result
        table is of another run.
    """
    where = f"schema_name = 'provenance' and database_name = '{database}'"
    tables = {
        row[0]
        for row in connection.execute(f"select table_name from duckdb_tables() where {where}").fetchall()
    }
    if not {"run_log", "run_outcomes"} <= tables:
        raise AuditError(f"expected a finished build in {path}, found none: {AGAIN}")
    executed = connection.execute(f"""
        select log.*, outcome.* exclude (run_id)
        from {database}.provenance.run_log as log
        left join {database}.provenance.run_outcomes as outcome using (run_id)
        order by log.started_at desc limit 1
    """)
    found = named_rows(executed)
    if not found:
        raise AuditError(f"expected a finished build in {path}, found none: {AGAIN}")
    facts = found[0]
    run_id = facts["run_id"]
    if facts["finished_at"] is None:
        raise AuditError(
            f"expected the last build in {path} to have finished, found that run {run_id} of "
            f"{facts['started_at']:%Y-%m-%d %H:%M} UTC did not (or was no `dbt build`): {AGAIN}"
        )
    if facts["succeeded"] != facts["expected"]:
        raise AuditError(
            f"expected all {facts['expected']} models, seeds and tests of the last build in {path} to "
            f"succeed, found {facts['succeeded']} in run {run_id}; of the others: {facts['problems']}. "
            f"Fix what failed, and {AGAIN}"
        )
    persons = _check_marts(connection, database, path, run_id, facts["source"], facts["marts"])
    return Run(
        **{
            name: facts[name]
            for name in Run.__dataclass_fields__
            if name in facts and name not in ("marts", "person_marts")
        },
        marts=tuple(sorted(facts["marts"])),
        person_marts=persons,
    )


def _check_marts(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    path: Path,
    run_id: str,
    source: str,
    marts: list[str],
) -> tuple[str, ...]:
    """Check that every row of every mart is of this run; return the marts with a row per person."""
    columns: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_name, column_name from duckdb_columns() "
        "where database_name = ? and schema_name = 'main'",
        [database],
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    for mart in marts:
        if not {"run_id", "source"} <= columns.get(mart, set()):
            raise AuditError(f"expected {mart} with run_id and source in {path}, found it without: {AGAIN}")
        if mart == "runs":
            continue
        others = connection.execute(
            f"select distinct run_id, source from {database}.main.{quote_name(mart)} "
            "where (run_id, source) is distinct from (?, ?)",
            [run_id, source],
        ).fetchall()
        if others:
            raise AuditError(
                f"expected every row of {mart} in {path} to be of run {run_id}, source {source!r}; found "
                f"{others[0]}: {AGAIN}"
            )
    return tuple(sorted(mart for mart in marts if "seqn" in columns[mart]))
