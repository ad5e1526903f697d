"""The command ``python -m publish``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from publish.layout import PublishLayout
from warehouse.errors import ProjectError
from warehouse.paths import PROJECT_ROOT, data_directory

_EPILOG = """\
examples:
  python -m publish build demo --people 5000     synthetic data, from files to results
  python -m publish build directory ~/nhanes     files that lie in a folder
  python -m publish build --profile quick cdc    download from CDC; fewer bootstraps and draws
  python -m publish status                       which run the results are, and whether they are whole
  python -m publish show nhanes                  have results show the real data's last run again
  python -m publish again                        publish the last build of data/current once more

A build works in DIR/warehouse.duckdb, which nobody else need read. Only when every model, seed and test has
succeeded, the result tables, the report and the documentation are written to DIR/published/RUN, and the link
`results` is turned to them in one step. A build that fails or is killed changes nothing that was published.
The run published before is kept, for readers that have it open; older ones are removed."""

_PROFILES = ("quick", "full")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0, or that of the step that failed, or 1 after another error that is explained on standard
        error, or 130 if interrupted.
    """
    from publish.errors import StepError

    options, rest = _parse(arguments)
    try:
        _run(options, rest)
    except StepError as error:
        _say(f"error: {error}. {_unchanged(options)}")
        return error.code
    except ProjectError as error:
        _say(f"error: {str(error).rstrip('.')}. {_unchanged(options)}")
        return 1
    except KeyboardInterrupt:
        _say(f"Interrupted. {_unchanged(options)}")
        return 130
    return 0


def _parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m publish",
        description="Build the study and publish its results, whole or not at all.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    build = commands.add_parser("build", help="ingest, dbt build, audit, publish")
    build.add_argument(
        "--profile",
        type=_profile,
        metavar="{" + ",".join(_PROFILES) + "}",
        help="dbt variable fit_profile: how long the fits may take (default: that of the project)",
    )
    again = commands.add_parser("again", help="publish the build that the warehouse holds")
    show = commands.add_parser("show", help="turn results to the last run of a kind of data")
    show.add_argument("kind", choices=("demo", "nhanes"))
    status = commands.add_parser("status", help="say which run the results are")
    commands.add_parser("dictionary", help="write docs/data-dictionary.md from the models' YAML")
    for command in (build, again, show):
        command.add_argument(
            "--data", type=Path, metavar="DIR", help="data directory (default: data/demo or data/nhanes)"
        )
    for command in (build, again, show, status):
        command.add_argument(
            "--results",
            type=Path,
            metavar="LINK",
            default=PROJECT_ROOT / "results",
            help="the link that readers open (default: results in the project's folder)",
        )
    for command in (build, again):
        command.add_argument(
            "--wait",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="for another build, or a program that has the warehouse open (default 60)",
        )
    build.add_argument(
        "source",
        choices=("cdc", "directory", "demo"),
        help="of the files, with the options of python -m ingest",
    )
    build.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    options = parser.parse_args(arguments)
    return options, [options.source, *options.rest] if options.command == "build" else []


def _profile(text: str) -> str:
    if text not in _PROFILES:
        raise argparse.ArgumentTypeError(
            f"expected {' or '.join(_PROFILES)}, found {text!r} (make: PROFILE=)"
        )
    return text


def _run(options: argparse.Namespace, ingest_arguments: list[str]) -> None:
    from publish import dictionary, programs
    from publish.build import BuildSteps, build, publish_again, show
    from publish.record import read_published

    if options.command == "dictionary":
        dictionary.PAGE.write_text(dictionary.page(dictionary.read_models()))
        return
    if options.command == "status":
        published = read_published(options.results)
        for table, rows in published.facts["tables"].items():
            print(f"{rows:>10,}  {table}")
        print(f"{options.results} shows {published}")
        return
    layout = _layout(options)
    if options.command == "show":
        _say(f"{layout.results} now shows {show(layout)}")
        return
    variables = {"fit_profile": options.profile} if getattr(options, "profile", None) else {}
    steps = BuildSteps(
        load=lambda: programs.load(ingest_arguments, layout.data),
        transform=lambda: programs.transform(layout.data, variables),
    )
    if options.command == "build":
        with programs.methods_compiled_meanwhile():
            published = build(layout, steps, _say, options.wait)
    else:
        published = publish_again(layout, steps, _say, options.wait)
    _say(f"{layout.results} now shows {published}")


def _layout(options: argparse.Namespace) -> PublishLayout:
    if options.data is not None:
        data = options.data.expanduser()
    elif options.command == "again":
        data = data_directory()
    else:
        kind = options.kind if options.command == "show" else options.source
        data = PROJECT_ROOT / "data" / ("demo" if kind == "demo" else "nhanes")
    results: Path = options.results.expanduser().absolute()
    return PublishLayout(data.resolve(), results)


def _unchanged(options: argparse.Namespace) -> str:
    """Say what readers see after an error, for the commands that might have changed it."""
    from publish.errors import DamagedError
    from publish.record import read_published

    if options.command not in ("build", "again"):
        return ""
    try:
        return f"{options.results} still shows {read_published(options.results)}."
    except DamagedError:
        return "There are no published results yet."


def _say(text: str) -> None:
    print(text.rstrip(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
