"""The command `gilscope`: the only part that prints.

The report goes to standard output, everything else to standard error. Exit status: 0
all well, 1 something is wrong, 2 usage, 3 could not tell.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gilscope.cli.output import say
from gilscope.cli.status import (
    OK,
    SIGNALLED,
    SIGPIPE,
    UNSURE,
    USAGE,
    WRONG,
    UsageError,
)
from gilscope.environment import read_version

__all__ = ["OK", "UNSURE", "USAGE", "WRONG", "main"]

# Where each command is and what adds it. Those of the harness are imported only when
# one of them is asked for: the instrument knows nothing of it otherwise.
COMMANDS = {
    "run": ("compare.cli.run", "add_run"),
    "demo": ("compare.cli.demo", "add_demo"),
    "list": ("compare.cli.run", "add_list"),
    "check": ("gilscope.cli.check", "add_check"),
    "imports": ("gilscope.cli.imports", "add_imports"),
    "sweep": ("compare.cli.sweep", "add_sweep"),
    "diff": ("compare.cli.diff", "add_diff"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = make_parser(words[0] if words else None).parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    # As with `python -m`, modules of the current folder can be named.
    if not sys.flags.safe_path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        with terminate_cleanly():
            status = run(arguments)
            sys.stdout.flush()
            return status
    except (UsageError, LookupError) as error:
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


def make_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; each subcommand adds itself.

    Args:
        command: the only one that is needed; None = all of them.
    """
    parser = argparse.ArgumentParser(
        prog="gilscope", description="Compare what binding technologies do to the GIL."
    )
    parser.add_argument(
        "--version", action="version", version=f"gilscope {read_version()}"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in (command,) if command in COMMANDS else COMMANDS:
        module_name, entry = COMMANDS[name]
        getattr(importlib.import_module(module_name), entry)(commands)
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
