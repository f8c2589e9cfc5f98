"""`gilscope check`: does a statement release the GIL?"""

import argparse
import contextlib
import sys
import traceback
from typing import Any

from compare.check import check_statement
from compare.cli.options import add_json
from compare.cli.output import check_writable, write, write_text
from compare.cli.status import OK, UNSURE, WRONG, UsageError

CHECK_STATUS = {"releases": OK, "inconclusive": UNSURE}


def add_check(commands: Any) -> None:
    """Add `gilscope check`."""
    parser = commands.add_parser("check", help="does a statement release the GIL?")
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run once before; again for another line (default: pass)",
    )
    add_json(parser)
    parser.add_argument(
        "statement",
        nargs="+",
        metavar="STATEMENT",
        help="as `python -m timeit` takes it: each argument is a line",
    )
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace) -> int:
    """Judge the statement, and show the verdict with its evidence."""
    check_writable(arguments.json)
    setup = "\n".join(arguments.setup or ("pass",))
    try:
        # What the statement prints must not end up in the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            found = check_statement("\n".join(arguments.statement), setup)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        message = f"the statement cannot be checked: {text.splitlines()[-1]}"
        raise UsageError(message) from error
    if arguments.json != "-":
        write(str(found))
    write_text(arguments.json, found.to_json())
    return CHECK_STATUS.get(found.verdict, WRONG)
