"""Stands for ingest and dbt: fills a warehouse in several transactions, as dbt does, with one value.

`python small_build.py DATA RESULTS COUNT` forks a child for each of COUNT builds, with values 1, 2, ...;
kills it after a delay read from standard input, and says on standard output when it is gone.
"""

import os
import signal
import sys
import time
import uuid
from pathlib import Path

from publish.build import BuildSteps, build
from publish.layout import PublishLayout
from warehouse.connection import connect

SCHEMAS = """
create schema if not exists provenance;
create schema if not exists staging;
create table if not exists provenance.run_log (
    run_id varchar, started_at timestamp, source varchar, code_version varchar, inputs_digest varchar,
    configuration_digest varchar, package_versions varchar
);
create table if not exists provenance.run_outcomes (
    run_id varchar, finished_at timestamp, variables varchar, expected integer, succeeded integer,
    problems varchar, marts varchar[]
);
create or replace table staging.stg_nhanes_files as
    select 'DEMO_H' as file, '2013-2014' as cycle, 'demo' as file_source, 'abc' as sha256, 9 as row_count;
create or replace view main.runs as select * from provenance.run_log;
comment on view main.runs is 'One row per build.';
"""
MARTS = ("first", "people", "second")


def fill(
    warehouse: Path, value: int, *, source: str = "demo", marts: tuple[str, ...] = MARTS, succeeded: int = 9
) -> str:
    """Write a warehouse as a build does: log, tables one by one, outcome (unless `succeeded` is negative)."""
    run_id = str(uuid.uuid4())
    with connect(warehouse, read_only=False) as connection:
        connection.execute(SCHEMAS)
        connection.execute(
            "insert into provenance.run_log select ?, now() at time zone 'utc', ?, 'v1', 'd', 'c', '{}'",
            [run_id, source],
        )
        for mart in marts:
            person = ", range as seqn" if mart == "people" else ""
            connection.execute(
                f"create or replace table main.{mart} as select {value} as value, '{run_id}' as run_id, "
                f"'{source}' as source{person} from range(2000)"
            )
            connection.execute(f"comment on table main.{mart} is 'One row per number.'")
            connection.execute(f"comment on column main.{mart}.value is 'Made for a test, g/cm2.'")
        if succeeded >= 0:
            connection.execute(
                "insert into provenance.run_outcomes "
                "select ?, now() at time zone 'utc', '{}', 9, ?, 'a_test fail', ?",
                [run_id, succeeded, [*MARTS, "runs"]],
            )
    return run_id


def steps(layout: PublishLayout, value: int, source: str = "demo") -> BuildSteps:
    def write_docs(_: Path, folder: Path) -> None:
        (folder / "dbt_docs.html").write_text(f"{value}\n" * 5000)

    def transform() -> None:
        fill(layout.warehouse, value, source=source)

    return BuildSteps(
        load=lambda: None, transform=transform, write_docs=write_docs, write_report=_write_report
    )


def _write_report(warehouse: Path, folder: Path) -> None:
    with connect(warehouse, read_only=True) as connection:
        ((value,),) = connection.execute("select distinct value from first").fetchall()
    (folder / "report.html").write_text(f"{value}\n")


def main(data: str, results: str, count: str) -> None:
    layout = PublishLayout(Path(data), Path(results))
    print("ready", flush=True)
    for value in range(1, int(count) + 1):
        delay = float(input())
        child = os.fork()
        if child == 0:
            build(layout, steps(layout, value), lambda _: None, 10)
            os._exit(0)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "finished", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
