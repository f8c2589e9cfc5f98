"""`gilscope check`: does a statement release the GIL?"""

import argparse
import contextlib
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gilscope.check import check_both, check_statement
from gilscope.cli.options import add_json
from gilscope.cli.output import check_writable, write, write_text
from gilscope.cli.statement import describe_error
from gilscope.cli.status import OK, UNSURE, WRONG, UsageError
from gilscope.environment import is_free_threaded_build
from gilscope.model import Check
from gilscope.record import SCHEMA

CHECK_STATUS = {"releases": OK, "inconclusive": UNSURE}


def add_check(commands: Any) -> None:
    """Add `gilscope check`."""
    parser = commands.add_parser("check")
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run once before; again for another line (default: pass)",
    )
    parser.add_argument(
        "--both",
        action="store_true",
        help="judge with the GIL on and with it off, on a free-threaded build",
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
    statement = "\n".join(arguments.statement)
    judge = check_both if arguments.both else check_once
    # As with `python -m timeit`, modules of the current folder can be named. They come
    # last: one could take the place of what is needed here.
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    if arguments.both and not is_free_threaded_build():
        message = (
            "--both: expected a free-threaded build of Python, got "
            f"{platform.python_version()} with nothing but a GIL"
        )
        raise UsageError(message)
    try:
        # What the statement prints must not end up in the JSON.
        with contextlib.redirect_stdout(sys.stderr):
            checks = judge(statement, setup)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sources = {"<statement>": statement, "<setup>": setup}
        raise UsageError(describe_error(error, sources)) from error
    if arguments.json != "-":
        write("\n\n".join(map(str, checks)))
    write_text(arguments.json, render_json(checks))
    # With two of them the first is the worst: holds, then unsure, then all well.
    statuses = {CHECK_STATUS.get(found.verdict, WRONG) for found in checks}
    return next(status for status in (WRONG, UNSURE, OK) if status in statuses)


def check_once(statement: str, setup: str) -> tuple[Check]:
    """Judge the statement in this process."""
    return (check_statement(statement, setup),)


def render_json(checks: Sequence[Check]) -> str:
    """Return one check as it is, and both by what their verdicts mean."""
    if len(checks) == 1:
        return checks[0].to_json()
    content = {"schema": SCHEMA} | {
        found.environment.meaning: found.to_dict() for found in checks
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
