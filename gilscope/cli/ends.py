"""How the command ends: by itself, by a signal, where nobody takes what it writes."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from gilscope.cli import main
from gilscope.cli.output import USAGE, say

# As a shell reports a command that a signal ended.
SIGNALLED = 128
# Not every system has it by name.
SIGPIPE = 13
# How soon an interruption that was lost comes again.
AGAIN_S = 0.01
# Those that end a command unless it does something else; not every system has all.
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")


def run_to_end() -> int:
    """Run the command and return its exit status.

    Raises:
        KeyboardInterrupt: Ctrl-C; all that was started has been ended.
    """
    # What the terminal has no character for is no reason to fail.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with end_cleanly():
            return main()
    except BrokenPipeError:
        # Whoever read the report has seen enough.
        forget_output()
        return SIGNALLED + SIGPIPE
    except OSError as error:
        # Files are told of where they are written; what has no name is standard output.
        if error.filename is not None:
            raise
        forget_output()
        say(f"cannot write standard output: {error.strerror or error}")
        return USAGE


@contextlib.contextmanager
def end_cleanly() -> Iterator[None]:
    """Let the signals that end a command unwind it: no process and no file is left."""

    def leave(number: int, _: object) -> None:
        # Whoever sends one sends it again.
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(SIGNALLED + number)

    def interrupt_again(lost: Any) -> None:
        # Raised where nobody can catch it, such as in a destructor.
        if issubclass(lost.exc_type, KeyboardInterrupt):
            threading.Timer(AGAIN_S, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            sys.__unraisablehook__(lost)

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # One that is ignored, as nohup does it, stays so.
    numbers = [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, leave) for number in numbers}
    hook, sys.unraisablehook = sys.unraisablehook, interrupt_again
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def forget_output() -> None:
    """Let what nobody takes be lost: the interpreter tries to write it as it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
