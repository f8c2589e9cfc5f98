"""`gilscope compare`: functions of one's own side by side, in a minute."""

import argparse

import compare.render  # noqa: F401 - registers how results are shown.
from compare.statements import compare_statements
from gilscope.cli import options, output
from gilscope.cli.progress import show_waiting
from gilscope.probe.child import StatementError

# What one statement takes on an idle machine.
STATEMENT_S = 4.0
STATEMENTS_MIN = 2

COMPARE: options.Arguments = {
    **options.SETUP,
    "--timeout": options.option(
        "T",
        "how long all of it may take, such as 90s (default: 120s)",
        type=options.parse_time_limit,
        default=120.0,
    ),
    **options.FILES,
    **options.make_statement("; the value of an expression is its answer", nargs="+"),
}


def run_compare(arguments: argparse.Namespace) -> int:
    """Compare, and show the statements in one table with a closing sentence."""
    statements = arguments.statement
    if len(statements) < STATEMENTS_MIN:
        message = "expected two statements or more, got 1; of one: gilscope measure"
        raise output.UsageError(message)
    with (
        output.refuse(StatementError),
        show_waiting("statements", "comparing", STATEMENT_S * len(statements)),
    ):
        found = compare_statements(
            statements,
            options.join_lines(arguments.setup),
            timeout_s=arguments.timeout,
            path=options.list_search_path(),
        )
    output.deliver(found, arguments)
    return output.OK if found.ok else output.WRONG
