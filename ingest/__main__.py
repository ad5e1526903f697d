"""The command ``python -m ingest``."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ingest.sources import Source
from warehouse.errors import ProjectError, WarehouseError
from warehouse.paths import PROJECT_ROOT, project_directory
from warehouse.seeds.catalogue import Catalogue, read_catalogue

_EPILOG = """\
examples:
  python -m ingest cdc                          download from CDC what is not here yet, and load it
  python -m ingest directory ~/nhanes           load the files that lie in a folder or its sub-folders
  python -m ingest search blood selenium        find variables of any release, and say what is loaded of them
  python -m ingest add 2009-2010 PBCD_F PFC_F   load more files of any release beside those of the project
  python -m ingest demo --people 5000           make synthetic files and load them
  python -m ingest status                       list what is loaded
  python -m ingest status --data data/demo      the same for the synthetic data
  python -m ingest check                        are seeds, studies and dbt variables right? (loads nothing)

Files go into DIR/raw.duckdb (DIR is --data; by default data/nhanes in the project's folder, for demo
data/demo): a table per file in schema nhanes_files; in schema nhanes a view per component, and of all
files the long table answers and what CDC's pages say, variables and codes; facts in schema meta. CDC's
page of a file (NAME.htm) lies beside it and is compared with it. A file that has not changed is not read
again. If one file is refused, nothing changes. seeds/nhanes_files.csv lists the files. A folder given as
a relative path is relative to where the command is run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0, or 1 after an error that is explained on standard error, or 130 if interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except ProjectError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was loaded before is unchanged. Run again to go on.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Load NHANES transport files (XPT) into the raw DuckDB database.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    cdc = commands.add_parser("cdc", help="download the files from CDC (resumable), then load them")
    cdc.add_argument(
        "--workers", type=_positive, default=4, metavar="N", help="downloads at once (default 4)"
    )
    directory = commands.add_parser("directory", help="load files that lie in a folder")
    directory.add_argument("directory", type=Path, metavar="DIR", help="looked through with its sub-folders")
    demo = commands.add_parser("demo", help="make synthetic files, then load them")
    demo.add_argument("--people", type=_people, default=25_735, metavar="N", help="default 25735")
    demo.add_argument("--seed", type=_natural, default=20_130_101, metavar="S", help="default 20130101")
    status = commands.add_parser("status", help="print what is loaded")
    add = commands.add_parser("add", help="load more files of a release beside those that are loaded")
    add.add_argument("release", metavar="RELEASE", help="years, such as 2009-2010")
    add.add_argument("files", nargs="+", metavar="FILE", help="name, such as PBCD_F or PBCD")
    add.add_argument(
        "--from", dest="taken_from", type=Path, metavar="DIR", help="copy from this folder, not from CDC"
    )
    search = commands.add_parser("search", help="find variables by words, over all releases")
    search.add_argument("words", nargs="+", metavar="WORD")
    search.add_argument("--release", action="append", default=[], metavar="RELEASE", help="only this one")
    search.add_argument("--all", action="store_true", help="show all variables that are found")
    catalogue = commands.add_parser("catalogue", help="read CDC's lists of files and variables anew")
    catalogue.add_argument("--base", metavar="ADDRESS", help="folder of the lists (default: CDC's)")
    commands.add_parser("check", help="check seeds, studies and dbt variables, and load nothing")
    for command in (cdc, directory, demo, status, add, search):
        default = "data/demo" if command is demo else "data/nhanes"
        command.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            default=PROJECT_ROOT / default,
            help=f"folder of the raw database (default: {default} in the project's folder)",
        )
    for command in (cdc, directory, demo, add):
        command.add_argument(
            "--wait",
            type=_natural,
            metavar="SECONDS",
            default=60,
            help="how long to wait for another run in the same folder (default 60)",
        )
    return parser


def _positive(text: str) -> int:
    return _at_least(1, text)


def _people(text: str) -> int:
    from demo.errors import DemoError
    from demo.generate import check_people

    try:
        return check_people(int(text) if text.removeprefix("-").isdecimal() else text)
    except DemoError as error:
        raise argparse.ArgumentTypeError(f"{error} (make: PEOPLE=)") from error


def _natural(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, found {text!r}")
    return int(text)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(options: argparse.Namespace) -> None:
    from ingest.raw_database import FILE_NAME
    from warehouse.checks import refuse_findings

    if options.command == "check":
        refuse_findings(project_directory())
        _say("Seeds, studies and dbt variables are well formed and agree with each other.")
        return
    if options.command == "catalogue":
        _renew(options.base)
        return
    data = options.data.expanduser().resolve()
    if options.command == "status":
        _status(data / FILE_NAME)
        return
    if options.command == "search":
        _search(options, data / FILE_NAME)
        return
    refuse_findings(project_directory())
    catalogue = read_catalogue()
    beside = options.command == "add"
    _load(_source(options, data, catalogue), catalogue, data / FILE_NAME, options.wait, beside)


def _search(options: argparse.Namespace, path: Path) -> None:
    from ingest.search import lines, search, with_loaded
    from warehouse.seeds.published import read_published

    hits = search(read_published(), " ".join(options.words), options.release)
    for line in lines(with_loaded(hits, path), len(hits) if options.all else 20):
        print(line)


def _renew(base: str | None) -> None:
    from ingest.cdc_lists import BASE, read_lists
    from warehouse.seeds.published import read_published, write_published

    base = base or BASE
    before = read_published()
    published = read_lists(before, base=base)
    write_published(published, f"CDC's lists of public data files and variables, {base}, {date.today()}")
    new = sorted(published.files.keys() - before.files.keys())
    _say(f"{len(published.files):,} files and {len(published.variables):,} variables; new: {len(new)}.")


def _source(options: argparse.Namespace, data: Path, catalogue: Catalogue) -> Source:
    if options.command == "demo":
        from ingest.sources.demo import DemoSource

        return DemoSource(data / "xpt", people=options.people, seed=options.seed)
    from ingest.sources.added import FOLDER_NAME, AddedSource, WithAdded, chosen, published_entry
    from ingest.sources.cdc import CdcSource
    from ingest.sources.directory import DirectorySource

    if options.command == "add":
        from warehouse.seeds.published import read_published

        files = chosen(read_published(), options.release, options.files)
        return AddedSource(
            entries=[published_entry(file, catalogue) for file in files],
            cdc=CdcSource(data / FOLDER_NAME),
            taken_from=options.taken_from and options.taken_from.expanduser(),
        )
    source: Source
    if options.command == "cdc":
        source = CdcSource(data / "xpt", workers=options.workers)
    else:
        source = DirectorySource(options.directory.expanduser())
    return WithAdded(source=source, folder=data / FOLDER_NAME)


def _load(source: Source, catalogue: Catalogue, path: Path, seconds: float, beside: bool) -> None:
    from ingest.load import run

    start = time.monotonic()
    report = run(source, path, catalogue, _say, seconds, beside=beside)
    seconds = time.monotonic() - start
    if report.loaded:
        count = _files(len(report.loaded))
        _say(f"Loaded {count}, {report.rows:,} rows, into {path} in {seconds:.1f} s.")
    if report.unchanged:
        _say(f"Unchanged in {path} and not read again: {_files(len(report.unchanged))}.")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _status(path: Path) -> None:
    from ingest.raw_database import read_contents

    contents = read_contents(path)
    if not contents.files:
        raise WarehouseError(
            f"Nothing is loaded in {path}: run `python -m ingest cdc`, `directory` or `demo` first."
        )
    head = (
        "file",
        "cycle",
        "component",
        "source",
        "rows",
        "columns",
        "MB",
        "sha256",
        "loaded (UTC)",
        "address",
    )
    table = [head] + [
        (
            facts.file,
            facts.cycle,
            facts.component,
            facts.source,
            f"{facts.rows:,}",
            str(facts.columns),
            f"{facts.bytes / 1e6:.1f}",
            facts.sha256[:12],
            f"{facts.loaded_at:%Y-%m-%d %H:%M}",
            facts.address,
        )
        for facts in contents.files
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = {"rows", "columns", "MB"}
    for row in table:
        cells = (
            f"{cell:>{width}}" if name in right else f"{cell:<{width}}"
            for cell, width, name in zip(row, widths, head, strict=True)
        )
        print("  ".join(cells).rstrip())
    print(f"{len(contents.files)} files, {sum(facts.rows for facts in contents.files):,} rows in {path}")


if __name__ == "__main__":
    sys.exit(main())
