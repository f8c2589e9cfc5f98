"""`gilscope compare`: functions of one's own side by side, in a minute."""

import argparse
from typing import Any

import compare.render  # noqa: F401 - registers how results are shown.
from compare.statements import StatementError, compare_statements
from gilscope.cli import options, output
from gilscope.cli.progress import show_waiting

# What one statement takes on an idle machine.
STATEMENT_S = 4.0
STATEMENTS_MIN = 2


def add_compare(commands: Any) -> None:
    """Add `gilscope compare`."""
    parser = commands.add_parser("compare")
    options.add(parser, "--setup")
    parser.add_argument(
        "--timeout",
        type=options.parse_duration,
        default=120.0,
        metavar="T",
        help="how long all of it may take, such as 90s (default: 120s)",
    )
    options.add(parser, *options.FILES)
    options.add_statement(
        parser, "; the value of an expression is its answer", nargs="+"
    )
    parser.set_defaults(run=run_compare)


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare, and show the statements in one table with a closing sentence."""
    statements = arguments.statement
    if len(statements) < STATEMENTS_MIN:
        message = "expected two statements or more, got 1; of one: gilscope measure"
        raise output.UsageError(message)
    output.check_files(arguments)
    expected_s = STATEMENT_S * len(statements)
    try:
        with show_waiting("statements", "comparing", expected_s):
            found = compare_statements(
                statements,
                options.join_lines(arguments.setup),
                timeout_s=arguments.timeout,
                path=options.list_search_path(),
            )
    except StatementError as error:
        raise output.UsageError(str(error)) from error
    output.deliver(found, arguments)
    return output.OK if found.ok else output.WRONG
