"""`gilscope diff`: what changed between two reports."""

import argparse
import json
from pathlib import Path
from typing import Any

from compare.model import Report
from compare.render.diff import diff
from compare.render.spread import FAMILIES
from gilscope.cli.options import add_json
from gilscope.cli.output import check_writable, write, write_text
from gilscope.cli.status import OK, UNSURE, WRONG, UsageError


def add_diff(commands: Any) -> None:
    """Add `gilscope diff`."""
    parser = commands.add_parser("diff")
    parser.add_argument("before", metavar="BEFORE.json")
    parser.add_argument("after", metavar="AFTER.json")
    parser.add_argument(
        "--fail-on",
        action="append",
        choices=FAMILIES,
        default=[],
        metavar="FIGURE",
        help="a figure that may not get worse beyond its spread; again for another "
        f"one: {', '.join(FAMILIES)}",
    )
    add_json(parser)
    parser.set_defaults(run=run_diff)


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two reports that were written with --json."""
    check_writable(arguments.json)
    found = diff(read_report(arguments.before), read_report(arguments.after))
    if arguments.json != "-":
        write(str(found))
    write_text(arguments.json, json.dumps(found.to_dict(), indent=2) + "\n")
    if found.find_regressions(arguments.fail_on):
        return WRONG
    return UNSURE if found.find_unsure(arguments.fail_on) else OK


def read_report(path: str) -> Report:
    """Read a report from a file."""
    try:
        return Report.from_json(Path(path))
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        message = f"cannot read {path}: {text}"
        raise UsageError(message) from error
