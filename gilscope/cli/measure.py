"""`gilscope measure`: what does a statement gain, and cost?"""

import argparse
import contextlib
import sys
from functools import partial

from gilscope.cli import options, output
from gilscope.cli.options import option
from gilscope.cli.progress import show_waiting
from gilscope.measure import measure_statement
from gilscope.threads import SIZE_LIMITS
from gilscope.timing.calls import describe_work_error

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
    # As with `python -m timeit`, modules of the current folder can be named.
    options.append_folder()
    expected_s = SIZE_S * len(arguments.size or (0,))
    try:
        # What the statement prints must not end up in the JSON.
        with (
            contextlib.redirect_stdout(sys.stderr),
            show_waiting(arguments.statement, "measuring", expected_s),
        ):
            found = measure_statement(
                arguments.statement,
                options.join_lines(arguments.setup),
                threads=arguments.threads,
                sizes=arguments.size,
                held=arguments.held,
            )
    except (KeyboardInterrupt, output.EndedBySignal):
        raise
    except BaseException as error:
        raise output.UsageError(describe_work_error(error)) from error
    output.deliver(found, arguments)
    return output.OK
