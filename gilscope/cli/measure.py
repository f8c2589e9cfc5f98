"""`gilscope measure`: what does a statement gain, and cost?"""

import argparse
import contextlib
import sys

from gilscope.cli import options, output
from gilscope.cli.options import option
from gilscope.cli.progress import show_waiting
from gilscope.measure import measure_statement
from gilscope.probe.statement import describe_error

# What one size takes on an idle machine.
SIZE_S = 3.0

MEASURE: options.Arguments = {
    **options.SETUP,
    "--threads": option(
        "N,N",
        "how many threads, and as many processes beside them (default: 2)",
        type=options.parse_threads,
        default=(2,),
    ),
    "--size": option(
        "N,N", "measure at each; {size} in setup and statement stands for it"
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
    texts = [arguments.statement, arguments.held or "", *(arguments.setup or ())]
    if arguments.size and not any("{size}" in text for text in texts):
        message = "--size: expected {size} in the statement or the setup"
        raise output.UsageError(message)
    # As with `python -m timeit`, modules of the current folder can be named.
    options.append_folder()
    setup = options.join_lines(arguments.setup)
    expected_s = SIZE_S * len(arguments.size or (0,))
    try:
        # What the statement prints must not end up in the JSON.
        with (
            contextlib.redirect_stdout(sys.stderr),
            show_waiting(arguments.statement, "measuring", expected_s),
        ):
            found = measure_statement(
                arguments.statement,
                setup,
                threads=arguments.threads,
                sizes=arguments.size,
                held=arguments.held,
            )
    except (KeyboardInterrupt, output.EndedBySignal):
        raise
    except BaseException as error:
        sources = {"<statement>": arguments.statement, "<setup>": setup}
        raise output.UsageError(describe_error(error, sources)) from error
    output.deliver(found, arguments)
    return output.OK
