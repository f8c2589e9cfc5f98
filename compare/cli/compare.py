"""`gilscope compare`: functions of one's own side by side, in a minute."""

import argparse
from typing import Any

import compare.render.comparisons  # noqa: F401 - registers how it is shown.
from compare.cli.output import list_search_path
from compare.statements import StatementError, compare_statements
from gilscope.cli.options import add_files, parse_duration, parse_statement
from gilscope.cli.progress import show_waiting
from gilscope.cli.show import check_files, show_result, write_files
from gilscope.cli.status import OK, WRONG, UsageError

# What one statement takes on an idle machine.
STATEMENT_S = 4.0
STATEMENTS_MIN = 2


def add_compare(commands: Any) -> None:
    """Add `gilscope compare`."""
    parser = commands.add_parser("compare")
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run once before each statement; again for another line",
    )
    parser.add_argument(
        "--timeout",
        type=parse_duration,
        default=120.0,
        metavar="T",
        help="how long all of it may take, such as 90s (default: 120s)",
    )
    add_files(parser)
    parser.add_argument(
        "statement",
        nargs="+",
        type=parse_statement,
        metavar="STATEMENT",
        help="as `python -m timeit` takes it; the value of an expression is its answer",
    )
    parser.set_defaults(run=run_compare)


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare, and show the statements in one table with a closing sentence."""
    statements = arguments.statement
    if len(statements) < STATEMENTS_MIN:
        message = "expected two statements or more, got 1; of one: gilscope measure"
        raise UsageError(message)
    check_files(arguments)
    expected_s = STATEMENT_S * len(statements)
    try:
        with show_waiting("statements", "comparing", expected_s):
            found = compare_statements(
                statements,
                "\n".join(arguments.setup or ("pass",)),
                timeout_s=arguments.timeout,
                path=list_search_path(),
            )
    except StatementError as error:
        raise UsageError(str(error)) from error
    show_result(found, arguments)
    write_files(found, arguments)
    return OK if found.ok else WRONG
