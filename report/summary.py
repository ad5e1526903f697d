"""Print the answer of a build in one screen, and where the results lie."""

import argparse
import sys
from itertools import zip_longest
from pathlib import Path
from textwrap import fill, wrap

import pandas as pd

from report.errors import ReportError
from report.findings import answer, claims_of, curves_of
from report.labels import COVARIATE_SET, EXPOSURE, OUTCOME, STUDY, chosen, label, labels, main_models, named
from report.marts import Marts, open_marts
from report.places import results_path
from report.sections import findings
from report.sections.common import DOUBLING, effect, engines, steps, with_effect
from warehouse.paths import user_path

_ASSOCIATIONS = f"""
    select
        {STUDY}, {OUTCOME}, {EXPOSURE}, contrast, {COVARIATE_SET}, engine, estimate, conf_low, conf_high,
        ratio, ratio_low, ratio_high
    from main.associations
    where subgroup = 'all'
"""
_WIDTH = 110  # characters of a line of prose
_CELL = 30  # and of a cell, so that five columns fit the width of most terminals


def summary(database: Path) -> str:
    """Return the summary of a build as text: the first screen of the report.

    What was asked of whom, the answer, and a row per finding of the paper. Where no paper's claims are
    checked, the associations of the first study's first outcome.

    Parameters
    ----------
    database : pathlib.Path
        Published results, or a warehouse that `dbt build` finished.

    Returns
    -------
    str
        Text for a terminal.

    Raises
    ------
    ReportError
        The database cannot be read, or is of another version.
    """
    with open_marts(database) as marts:
        asked = findings.asked(marts)
        claims = claims_of(marts)
        found = claims[claims["is_finding"].eq(True)] if len(claims) else claims
        if len(found):
            texts = answer(claims)
            table = findings.table(found, curves_of(marts, claims)).shown
            table["Certainty, and why"] = table["Certainty, and why"].str.partition(":")[0]
            table = table.rename(columns={"Certainty, and why": "Certainty"}).drop(
                columns=list(findings.TICKED)
            )
        else:
            title, table = _associations(marts)
            texts = (title,)
        run = marts.frame("select source, run_id, started_at from main.runs order by started_at desc limit 1")
    ((source, run_id, started_at),) = run.itertuples(index=False, name=None)
    banner = "SYNTHETIC DATA: nothing here is a finding about people.\n\n" if source == "demo" else ""
    prose = "\n\n".join(fill(text, _WIDTH) for text in (asked, " ".join(texts)))
    return (
        f"\n{banner}{prose}\n\n{table_text(_wrapped(table))}\n\n"
        f"Run {run_id} of {started_at:%Y-%m-%d %H:%M} UTC, source = '{source}'\n"
        f"Results: {database}\n"
        'Ask them: .venv/bin/python -m report.query "from replication", or any DuckDB client from 1.5'
    )


def _associations(marts: Marts) -> tuple[str, pd.DataFrame]:
    """Return what is estimated, and the estimates of the first outcome of the first study.

    The highest group of each exposure against the lowest, and a doubling; a column per covariate set.
    """
    frame, main = marts.frame(_ASSOCIATIONS), main_models(marts)
    for code in ("study", "outcome"):
        frame = frame[frame[code] == next(iter(labels(frame, code)))]
    sets = chosen(frame, "covariate_set", main)
    contrasts = [*steps(frame["contrast"])[-1:], DOUBLING]
    frame = frame[frame["covariate_set"].isin(sets) & frame["contrast"].isin(contrasts)]
    how = effect(frame)
    drawn = with_effect(frame, how)
    exposures, names = list(labels(drawn, "exposure").values()), engines(drawn)
    wide = (
        drawn.assign(exposure=named(drawn, "exposure"), covariate_set=named(drawn, "covariate_set"))
        .pivot(index=["contrast", "exposure", "engine"], columns="covariate_set", values="said")
        .reindex(
            pd.MultiIndex.from_product(
                [contrasts, exposures, names], names=["contrast", "exposure", "engine"]
            ),
            columns=list(sets.values()),
        )
        .rename_axis(columns=None)
        .dropna(how="all")
        .reset_index()
    )
    estimate = "odds ratios" if how.is_ratio else f"differences in {how.unit}"
    return f"{label(drawn, 'outcome')}, {estimate} (95 % interval)", wide


def _wrapped(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose long cells go on in rows below, left-aligned."""
    cells = frame.astype(object).where(frame.notna(), "").astype(str)
    rows = [
        lines
        for row in cells.itertuples(index=False)
        for lines in zip_longest(*(wrap(cell, _CELL) for cell in row), fillvalue="")
    ]
    aligned = {}
    for name, lines in pd.DataFrame(rows, columns=frame.columns).items():
        width = max(map(len, [str(name), *lines]))
        aligned[str(name).ljust(width)] = [line.ljust(width) for line in lines]
    return pd.DataFrame(aligned)


def table_text(frame: pd.DataFrame) -> str:
    """Return a data frame as lines of text, nulls left empty."""
    text = frame.astype(object).where(frame.notna(), "").to_string(index=False)
    return "\n".join(line.rstrip() for line in text.splitlines())


def main() -> None:
    """Print the summary that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m report.summary", description=__doc__)
    parser.add_argument("database", nargs="?", type=user_path, help="default: the results")
    try:
        print(summary(parser.parse_args().database or results_path()))
    except ReportError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
