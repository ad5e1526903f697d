"""Print the flow of the cohort, the main associations and where the results lie."""

import argparse
import os
from pathlib import Path

import duckdb
import pandas as pd

from ingest.home import PROJECT_ROOT

RESULTS = PROJECT_ROOT / "results" / "nhanes_bone.duckdb"

FLOW = """
    select step, description, n, excluded, osteoporosis_cases as cases
    from cohort_flow
    where study = 'peng2025' and cycle = 'all'
    order by step
"""
ASSOCIATIONS = """
    pivot (
        select
            metal,
            contrast,
            engine,
            covariate_set,
            format('{:.2f} ({:.2f}, {:.2f})', ratio, ratio_low, ratio_high) as odds_ratio
        from associations
        where study = 'peng2025' and outcome = 'osteoporosis' and contrast in ('Q4', 'per_doubling')
            and subgroup = 'all'
    )
    on covariate_set in ('crude', 'age_bmi', 'full')
    using any_value(odds_ratio)
    order by contrast, metal, engine desc
"""
VERDICTS = """
    select
        description as claim,
        format('{:.3f}', published_value) as paper,
        format('{:.3f}', our_value) as ours,
        verdict
    from replication
    order by claim_order
"""


def warehouse_path() -> Path:
    """Return the private warehouse that `dbt build` writes: in NHANES_BONE_DATA, by default data/current."""
    return Path(os.environ["NHANES_BONE_DATA"]).resolve() / "warehouse.duckdb"


def results_path() -> Path:
    """Return the published database, or the private warehouse where nothing is published yet."""
    return RESULTS.resolve() if RESULTS.exists() else warehouse_path()


def summary(database: Path) -> str:
    """Return the summary of a build as text.

    Parameters
    ----------
    database : pathlib.Path
        Published results, or a warehouse that `dbt build` finished.

    Returns
    -------
    str
        Several tables for a terminal.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        flow, associations, verdicts = (
            table_text(connection.execute(query).df()) for query in (FLOW, ASSOCIATIONS, VERDICTS)
        )
        source, run_id, started_at = connection.execute(
            "select source, run_id, started_at from runs order by started_at desc limit 1"
        ).fetchall()[0]
    banner = "SYNTHETIC DATA: nothing here is a finding about people.\n\n" if source == "demo" else ""
    return (
        f"\n{banner}Flow of the cohort, study peng2025\n{flow}\n\n"
        f"Osteoporosis, odds ratios (95 % interval), study peng2025\n{associations}\n\n"
        f"The paper's numbers and ours\n{verdicts}\n\n"
        f"Run {run_id} of {started_at:%Y-%m-%d %H:%M} UTC, source = '{source}'\n"
        f"Results: {database}\n"
        'Ask them: .venv/bin/python -m report.query "from replication", or any DuckDB client from 1.5'
    )


def table_text(frame: pd.DataFrame) -> str:
    """Return a data frame as lines of text, nulls left empty."""
    return frame.astype(object).where(frame.notna(), "").to_string(index=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m report.summary", description=__doc__)
    parser.add_argument("database", nargs="?", type=Path, default=results_path(), help="default: the results")
    print(summary(parser.parse_args().database))
