"""The command ``python -m ingest``."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ingest.sources import Source
from warehouse.errors import ProjectError, WarehouseError
from warehouse.paths import PROJECT_ROOT, project_directory
from warehouse.seeds.catalogue import Catalogue, read_catalogue

_EPILOG = """\
examples:
  python -m ingest cdc                          download from CDC what is not here yet, and load it
  python -m ingest directory ~/nhanes           load the files that lie in a folder or its sub-folders
  python -m ingest demo --people 5000           make synthetic files and load them
  python -m ingest status                       list what is loaded
  python -m ingest status --data data/demo      the same for the synthetic data
  python -m ingest check                        are seeds, studies and dbt variables right? (loads nothing)

Files go into DIR/raw.duckdb (DIR is --data; by default data/nhanes in the project's folder, for demo
data/demo): a table per file in schema nhanes_files, a view per component in schema nhanes, facts in
schema meta. A file that has not changed is not read again. All files are checked first; if one is
refused, nothing changes. seeds/nhanes_files.csv lists the files. A folder given as
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
    commands.add_parser("check", help="check seeds, studies and dbt variables, and load nothing")
    for command in (cdc, directory, demo, status):
        default = "data/demo" if command is demo else "data/nhanes"
        command.add_argument(
            "--data",
            type=Path,
            metavar="DIR",
            default=PROJECT_ROOT / default,
            help=f"folder of the raw database (default: {default} in the project's folder)",
        )
    for command in (cdc, directory, demo):
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
    data = options.data.expanduser().resolve()
    if options.command == "status":
        _status(data / FILE_NAME)
        return
    refuse_findings(project_directory())
    catalogue = read_catalogue()
    _load(_source(options, data), catalogue, data / FILE_NAME, options.wait)


def _source(options: argparse.Namespace, data: Path) -> Source:
    if options.command == "cdc":
        from ingest.sources.cdc import CdcSource

        return CdcSource(data / "xpt", workers=options.workers)
    if options.command == "demo":
        from ingest.sources.demo import DemoSource

        return DemoSource(data / "xpt", people=options.people, seed=options.seed)
    from ingest.sources.directory import DirectorySource

    return DirectorySource(options.directory.expanduser())


def _load(source: Source, catalogue: Catalogue, path: Path, seconds: float) -> None:
    from ingest.load import run

    start = time.monotonic()
    report = run(source, path, catalogue, _say, seconds)
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
