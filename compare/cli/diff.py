"""`gilscope diff` and `gilscope gather`: two results, and many, side by side."""

import argparse
from pathlib import Path
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
from compare.comparing import diff_sources, gather_sources
from compare.entries import FAMILIES, Source, read_sources
from gilscope.cli import options, output


def add_diff(commands: Any) -> None:
    """Add `gilscope diff`."""
    parser = commands.add_parser("diff")
    parser.add_argument(
        "before", metavar="BEFORE.json", help="a result, written with --json"
    )
    parser.add_argument(
        "after", metavar="AFTER.json", help="a later one of the same kind"
    )
    parser.add_argument(
        "--fail-on",
        action="append",
        choices=FAMILIES,
        default=[],
        metavar="FIGURE",
        help="a figure that may not get worse beyond its range; again for another "
        f"one: {', '.join(FAMILIES)}",
    )
    options.add(parser, *options.FILES)
    parser.set_defaults(run=run_diff)


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two results that were written with --json."""
    output.check_files(arguments)
    found = diff_sources(read(arguments.before), read(arguments.after))
    output.deliver(found, arguments)
    if found.select_regressions(arguments.fail_on):
        return output.WRONG
    return output.UNSURE if found.select_unsure(arguments.fail_on) else output.OK


def add_gather(commands: Any) -> None:
    """Add `gilscope gather`."""
    parser = commands.add_parser("gather")
    parser.add_argument(
        "file",
        nargs="+",
        metavar="FILE.json",
        help="a report, checks or a measurement, written with --json",
    )
    options.add(parser, *options.FILES)
    parser.set_defaults(run=run_gather)


def run_gather(arguments: argparse.Namespace) -> int:
    """Show many results in one table."""
    output.check_files(arguments)
    found = gather_sources({Path(path).stem: read(path) for path in arguments.file})
    output.deliver(found, arguments)
    return output.OK


def read(path: str) -> list[Source]:
    """Read what a file has that can be compared."""
    try:
        return read_sources(path)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        message = f"cannot read {path}: {text}"
        raise output.UsageError(message) from error
