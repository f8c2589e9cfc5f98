"""`gilscope measure`: what does a statement gain, and cost?"""

import argparse
from functools import partial

from gilscope.cli import options, output
from gilscope.cli.options import option
from gilscope.cli.progress import show_waiting
from gilscope.probe.child import StatementError
from gilscope.threads import SIZE_LIMITS
from gilscope.timing.statements import measure_statement

# What one size takes on an idle machine.
SIZE_S = 3.0

MEASURE: options.Arguments = {
    **options.SETUP,
    "--threads": option(
        "N,N",
        "how many threads, and as many processes beside them (default: 2)",
        default=(2,),
    ),
    "--size": option(
        "N,N",
        "measure at each; {size} in setup and statement stands for it",
        type=partial(options.parse_counts, limits=SIZE_LIMITS),
    ),
    "--held": option(
        "STATEMENT",
        "does the same and holds the GIL: from which size does releasing pay?",
    ),
    **options.FILES,
    **options.make_statement(),
}


def run_measure(arguments: argparse.Namespace) -> int:
    """Measure, and show the findings with their figures."""
    setup, sizes = options.join_lines(arguments.setup), arguments.size
    if sizes and "{size}" not in f"{arguments.statement}{setup}":
        message = "--size: expected {size} in the statement or the setup"
        raise output.UsageError(message)
    with (
        output.refuse(StatementError),
        show_waiting(arguments.statement, "measuring", SIZE_S * len(sizes or (0,))),
    ):
        found = measure_statement(
            arguments.statement,
            setup=setup,
            threads=arguments.threads,
            sizes=sizes,
            held=arguments.held,
            path=options.list_search_path(),
        )
    output.deliver(found, arguments)
    return output.OK
