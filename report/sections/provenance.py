"""Where the numbers come from."""

import json
from collections.abc import Mapping

import pandas as pd

from report.elements import Block, Paragraph, Section, Table, absent
from report.formats import count, plain
from report.marts import Marts

_SOURCES = {
    "demo": "demo: synthetic data",
    "nhanes": "nhanes: files of the National Center for Health Statistics",
}


def section(marts: Marts) -> Section:
    """Return the section."""
    return Section(
        "provenance",
        "Where the numbers come from",
        "Every row of every table names the run that made it; this page shows rows of these runs. Digests "
        "are sha256.",
        (*_runs(marts), *_files(marts), tables(marts)),
    )


def citation(marts: Marts) -> str:
    """Return how to cite the results: the project, its version, the run and its data."""
    if marts.missing("runs"):
        return ""
    runs = marts.frame("select * from main.runs order by started_at desc limit 1")
    if runs.empty:
        return ""
    run = runs.iloc[0]
    return (
        f"The nhanes-bone authors. nhanes-bone: a warehouse that re-runs an NHANES paper. Code "
        f"{plain(run['code_version'])}, run {plain(run['run_id'])} of {run['started_at']:%Y-%m-%d}. Data: "
        f"{'synthetic' if run['source'] == 'demo' else 'National Center for Health Statistics, NHANES'}."
    )


def _runs(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("runs"):
        return (absent(*gone),)
    used = " union ".join(
        f"select run_id from main.{table}" for table in sorted(marts.columns) if table != "runs"
    )
    runs = marts.frame(f"""
        select run_id, started_at, source, code_version, inputs_digest, configuration_digest, package_versions
        from main.runs
        where run_id in ({used or "select run_id from main.runs"})
        order by started_at desc
    """)
    blocks: list[Block] = [run_table(runs)]
    if len(runs) > 1:
        blocks.append(
            Paragraph(f"The tables come from {len(runs)} runs: some were built again without the others.")
        )
    return tuple(blocks)


def run_table(runs: pd.DataFrame) -> Table:
    """Return the runs as a table, a row per fact."""
    facts = [
        (label, plain(value))
        for run in runs.to_dict("records")
        for label, value in (
            ("Run", run["run_id"]),
            ("Started", f"{run['started_at']:%Y-%m-%d %H:%M} UTC"),
            ("Data source", _SOURCES.get(run["source"], run["source"])),
            ("Version of the code", run["code_version"]),
            ("Digest of all input files", run["inputs_digest"]),
            ("Digest of seeds, models and settings", run["configuration_digest"]),
            *(
                (f"Version of {name}", version)
                for name, version in _versions(run["package_versions"]).items()
            ),
        )
    ]
    return Table(
        "runs",
        "The run",
        pd.DataFrame(facts, columns=["Fact", "Value"]),
        runs,
        text_columns=("Value",),
    )


def _versions(text: object) -> Mapping[str, str]:
    try:
        versions = json.loads(str(text))
    except ValueError:
        return {"packages": plain(text)}
    return versions if isinstance(versions, dict) else {"packages": plain(text)}


def _files(marts: Marts) -> tuple[Block, ...]:
    if gone := marts.missing("input_files"):
        return (absent(*gone),)
    files = marts.frame(
        "select file, cycle, row_count, bytes, sha256 from main.input_files order by cycle, file"
    )
    shown = pd.DataFrame(
        {
            "File": files["file"],
            "Release": files["cycle"],
            "Rows": files["row_count"].map(count),
            "Bytes": files["bytes"].map(count),
            "sha256": files["sha256"],
        }
    )
    return (
        Table(
            "input-files",
            "The files that were read",
            shown,
            files,
            1,
            ("Release", "sha256"),
            most_rows=len(shown),
        ),
    )


def tables(marts: Marts) -> Table:
    """Return the list of result tables with their numbers of rows and runs; those of persons stay private."""
    facts = pd.concat(
        [
            marts.frame(
                f"select '{table}' as table_name, count(*) as row_count, "
                f"string_agg(distinct run_id, ', ' order by run_id) as run_id from main.{table}"
            )
            for table in sorted(marts.columns)
            if table != "runs" and "seqn" not in marts.columns[table]
        ],
        ignore_index=True,
    )
    shown = pd.DataFrame(
        {"Result table": facts["table_name"], "Rows": facts["row_count"].map(count), "Run": facts["run_id"]}
    )
    return Table("result-tables", "The result tables of this database", shown, facts, 1, ("Run",))
