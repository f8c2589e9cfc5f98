"""`gilscope measure`: what does a statement gain, and cost?"""

import argparse
import contextlib
import sys
from typing import Any

from gilscope.cli import options, output
from gilscope.cli.progress import show_waiting
from gilscope.measure import measure_statement
from gilscope.probe.statement import describe_error

# What one size takes on an idle machine.
SIZE_S = 3.0


def add_measure(commands: Any) -> None:
    """Add `gilscope measure`."""
    parser = commands.add_parser("measure")
    options.add(parser, "--setup")
    parser.add_argument(
        "--threads",
        type=options.parse_counts,
        default=(2,),
        metavar="N,N",
        help="how many threads, and as many processes beside them (default: 2)",
    )
    parser.add_argument(
        "--size",
        type=options.parse_counts,
        metavar="N,N",
        help="measure at each; {size} in setup and statement stands for it",
    )
    parser.add_argument(
        "--held",
        metavar="STATEMENT",
        help="does the same and holds the GIL: from which size does releasing pay?",
    )
    options.add(parser, *options.FILES)
    options.add_statement(parser)
    parser.set_defaults(run=run_measure)


def run_measure(arguments: argparse.Namespace) -> int:
    """Measure, and show the findings with their figures."""
    output.check_files(arguments)
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
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sources = {"<statement>": arguments.statement, "<setup>": setup}
        raise output.UsageError(describe_error(error, sources)) from error
    output.deliver(found, arguments)
    return output.OK
