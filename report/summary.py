"""Print the flow of the cohort, the main associations and where the results lie."""

import argparse
import sys
from pathlib import Path

import duckdb
import pandas as pd

from report.errors import ReportError
from report.places import results_path

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


def main() -> None:
    """Print the summary that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m report.summary", description=__doc__)
    parser.add_argument("database", nargs="?", type=Path, help="default: the results")
    try:
        print(summary(parser.parse_args().database or results_path()))
    except ReportError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
