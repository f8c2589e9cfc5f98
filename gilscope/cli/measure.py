"""`gilscope measure`: what does a statement gain, and cost?"""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from gilscope.cli.options import add_files, parse_counts, parse_statement
from gilscope.cli.progress import show_waiting
from gilscope.cli.show import check_files, show_result, write_files
from gilscope.cli.status import OK, UsageError
from gilscope.measure import measure_statement
from gilscope.probe.statement import describe_error

# What one size takes on an idle machine.
SIZE_S = 3.0


def add_measure(commands: Any) -> None:
    """Add `gilscope measure`."""
    parser = commands.add_parser("measure")
    parser.add_argument(
        "-s",
        "--setup",
        action="append",
        metavar="SETUP",
        help="run once before, in each process; again for another line",
    )
    parser.add_argument(
        "--threads",
        type=parse_counts,
        default=(2,),
        metavar="N,N",
        help="how many threads, and as many processes beside them (default: 2)",
    )
    parser.add_argument(
        "--size",
        type=parse_counts,
        metavar="N,N",
        help="measure at each; {size} in setup and statement stands for it",
    )
    parser.add_argument(
        "--held",
        metavar="STATEMENT",
        help="does the same and holds the GIL: from which size does releasing pay?",
    )
    add_files(parser)
    parser.add_argument(
        "statement",
        type=parse_statement,
        metavar="STATEMENT",
        help="as `python -m timeit` takes it",
    )
    parser.set_defaults(run=run_measure)


def run_measure(arguments: argparse.Namespace) -> int:
    """Measure, and show the findings with their figures."""
    check_files(arguments)
    texts = [arguments.statement, arguments.held or "", *(arguments.setup or ())]
    if arguments.size and not any("{size}" in text for text in texts):
        message = "--size: expected {size} in the statement or the setup"
        raise UsageError(message)
    # As with `python -m timeit`, modules of the current folder can be named. They come
    # last: one could take the place of what is needed here.
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    setup = "\n".join(arguments.setup or ("pass",))
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
        raise UsageError(describe_error(error, sources)) from error
    show_result(found, arguments)
    write_files(found, arguments)
    return OK
