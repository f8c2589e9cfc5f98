"""The command `gilscope`: the only part that prints.

The report goes to standard output, everything else to standard error. Exit status: 0
all well, 1 something is wrong, 2 usage, 3 could not tell.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from backends import UnknownBackendError
from compare.cli.check import add_check
from compare.cli.demo import add_demo
from compare.cli.diff import add_diff
from compare.cli.output import say
from compare.cli.run import add_list, add_run
from compare.cli.status import (
    OK,
    SIGNALLED,
    SIGPIPE,
    UNSURE,
    USAGE,
    WRONG,
    UsageError,
)
from compare.cli.sweep import add_sweep
from compare.environment import read_version

__all__ = ["OK", "UNSURE", "USAGE", "WRONG", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    arguments = make_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    # As with `python -m`, modules of the current folder can be named.
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with terminate_cleanly():
            status = run(arguments)
            sys.stdout.flush()
            return status
    except (UsageError, UnknownBackendError) as error:
        say(str(error))
        return USAGE
    except KeyboardInterrupt:
        say("interrupted")
        return SIGNALLED + signal.SIGINT
    except BrokenPipeError:
        # Whoever read the report has seen enough; the interpreter must not try to
        # flush the rest as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGNALLED + SIGPIPE


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each subcommand adds itself."""
    parser = argparse.ArgumentParser(
        prog="gilscope", description="Compare what binding technologies do to the GIL."
    )
    parser.add_argument(
        "--version", action="version", version=f"gilscope {read_version()}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (add_run, add_demo, add_list, add_check, add_sweep, add_diff):
        add(commands)
    return parser


@contextlib.contextmanager
def terminate_cleanly() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that no worker is left behind."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(SIGNALLED + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
