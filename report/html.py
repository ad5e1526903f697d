"""Write the results as two self-contained pages, the report and its appendix: `python -m report.html`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from report.banners import banners, is_synthetic
from report.elements import Block, ByStudy, Section
from report.errors import ReportError
from report.explorer import explorer
from report.findings import default_study, studies
from report.marts import Marts, open_marts
from report.page import render
from report.places import warehouse_path
from report.sections import (
    associations,
    bkmr,
    dose_response,
    exposures,
    findings,
    flow,
    mixtures,
    provenance,
    qgcomp,
    question,
    replication,
    sensitivity,
    subgroups,
    table_one,
    wqs,
)
from warehouse.files import replacing
from warehouse.paths import DATABASE, MANIFEST, user_path

APPENDIX = "appendix.html"

SECTIONS: Sequence[Callable[[Marts], Section]] = (
    question.section,
    replication.section,
    flow.section,
    table_one.section,
    exposures.section,
    associations.section,
    dose_response.section,
    wqs.section,
    qgcomp.section,
    bkmr.section,
    subgroups.section,
    sensitivity.section,
    provenance.section,
)
"""Of the appendix: everything."""

BRIEF: Sequence[tuple[str, str, str, Callable[[Marts, str], Sequence[Block]]]] = (
    ("flow", "Who is analysed?", "", flow.brief),
    ("table-one", "Who are they?", "", table_one.brief),
    ("exposures", "How are they exposed?", "", exposures.brief),
    ("associations", "What goes with each exposure alone?", "", associations.brief),
    ("dose-response", "What shape has it?", "", dose_response.brief),
    ("mixtures", "And all exposures together?", "", mixtures.brief),
    ("subgroups", "Does it differ between groups?", "", subgroups.brief),
)
"""Of the report, after the summary of findings: a section per question, its blocks for each study."""

# What a slow line or a telephone opens without a wait.
LARGEST_BYTES = 2_500_000


def write_report(database: Path, output: Path) -> None:
    """Write the report of one database as an HTML file that needs no network, and `appendix.html` beside it.

    A table that the database lacks is said to be absent; the rest of the report is written all the same. A
    report that is larger than `LARGEST_BYTES` is written too, with a warning on standard error.

    Parameters
    ----------
    database : pathlib.Path
        The warehouse that `dbt build` made, or the published file; opened read-only.
    output : pathlib.Path
        The file to write; an earlier one is replaced at once, after the new one is complete.

    Raises
    ------
    ReportError
        The database cannot be read or is of another version, or a file cannot be written.
    """
    appendix = output.with_name(APPENDIX)
    if output.name == APPENDIX:
        raise ReportError(f"expected another name than {APPENDIX}, which the report's own appendix has")
    with open_marts(database) as marts:
        common: dict[str, Any] = {"is_synthetic": is_synthetic(marts), "first_study": default_study(marts)}
        title = question.title(marts)
        page = render(
            title=title,
            sections=_report(marts),
            banners=[],
            studies=studies(marts),
            other_page=(appendix.name, "Appendix: everything else"),
            explorer=explorer(marts),
            citation=provenance.citation(marts),
            **common,
        )
        more = render(
            title=f"Appendix. {title}",
            sections=[build(marts) for build in SECTIONS],
            banners=banners(marts),
            studies={},
            other_page=(output.name, "The report"),
            prefix="A",
            **common,
        )
    _replace(appendix, more)
    _replace(output, page)
    _warn_if_large(output)


def _report(marts: Marts) -> list[Section]:
    """Return the sections of the report."""
    codes = studies(marts)
    return [
        findings.section(marts),
        *(
            Section(anchor, title, text, (ByStudy({study: tuple(build(marts, study)) for study in codes}),))
            for anchor, title, text, build in BRIEF
        ),
        Section(
            "specifications",
            "How much does it depend on choices?",
            sensitivity.INTRODUCTION,
            sensitivity.brief(marts),
        ),
    ]


def _warn_if_large(output: Path) -> None:
    size = output.stat().st_size
    if size > LARGEST_BYTES:
        print(
            f"warning: expected a report of at most {LARGEST_BYTES / 1e6:.1f} MB, found {size / 1e6:.1f} MB: "
            "it is whole, but opens slowly; fewer studies, outcomes or grids (seeds/) make it smaller",
            file=sys.stderr,
        )


def _replace(output: Path, page: str) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(output) as new:
            new.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"expected to write the report to {output}, which failed: {error.strerror}"
        ) from error


def _refuse_published(output: Path) -> None:
    """Keep what was published as its manifest lists it: `python -m publish` alone writes there.

    Raises
    ------
    ReportError
        The file would lie in the folder of a published run, or beside such folders.
    """
    path = output.resolve()
    for folder in (path, *path.parents):
        for run in (folder, folder / "latest"):
            if (run / MANIFEST).is_file() and (run / DATABASE).is_file():
                raise ReportError(
                    f"expected a file to write, found {output} in {folder}, which holds published results "
                    "and is never changed: name another with --output, or publish the build again with "
                    "`python -m publish again`"
                )


def main() -> None:
    """Write the report that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m report.html", description=__doc__)
    parser.add_argument(
        "--database", type=user_path, help="results (default: warehouse.duckdb of the last build)"
    )
    parser.add_argument(
        "--output",
        type=user_path,
        default=Path("report.html"),
        help="file to write, not among published results (default: report.html in the current directory)",
    )
    arguments = parser.parse_args()
    try:
        _refuse_published(arguments.output)
        write_report(arguments.database or warehouse_path(), arguments.output)
    except ReportError as error:
        sys.exit(f"error: {error}")
    print(f"Report: {arguments.output.resolve()}\nAppendix: {arguments.output.resolve().with_name(APPENDIX)}")


if __name__ == "__main__":
    main()
