"""`gilscope compare`: functions of one's own side by side, in a minute."""

import argparse
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
from compare.statements import StatementError, compare_statements
from gilscope.cli.options import (
    FILES,
    add_options,
    add_statement,
    join_lines,
    list_search_path,
    parse_duration,
)
from gilscope.cli.output import OK, WRONG, UsageError, check_files, deliver
from gilscope.cli.progress import show_waiting

# What one statement takes on an idle machine.
STATEMENT_S = 4.0
STATEMENTS_MIN = 2


def add_compare(commands: Any) -> None:
    """Add `gilscope compare`."""
    parser = commands.add_parser("compare")
    add_options(parser, "--setup")
    parser.add_argument(
        "--timeout",
        type=parse_duration,
        default=120.0,
        metavar="T",
        help="how long all of it may take, such as 90s (default: 120s)",
    )
    add_options(parser, *FILES)
    add_statement(parser, "; the value of an expression is its answer", nargs="+")
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
                join_lines(arguments.setup),
                timeout_s=arguments.timeout,
                path=list_search_path(),
            )
    except StatementError as error:
        raise UsageError(str(error)) from error
    deliver(found, arguments)
    return OK if found.ok else WRONG
