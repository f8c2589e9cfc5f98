"""Where the command begins, and how it ends when it is told to."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

# As a shell reports a command that a signal ended.
SIGNALLED = 128
# Those that end a command unless it does something else; not every system has all.
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")


def main() -> int:
    """Run the command and return its exit status, also where it is interrupted.

    What it needs is imported here: Ctrl-C is no more of an error then than later.
    """
    try:
        with end_cleanly():
            from gilscope.cli import main as run_command  # noqa: PLC0415
            from gilscope.cli.status import SIGPIPE, USAGE  # noqa: PLC0415

            return run_command()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say("interrupted")
        return SIGNALLED + signal.SIGINT
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

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # One that is ignored, as nohup does it, stays so.
    numbers = [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say(text: str) -> None:
    """Write a line to standard error, if anybody has it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"gilscope: {text}\n")
        sys.stderr.flush()


def forget_output() -> None:
    """Let what nobody takes be lost: the interpreter tries to write it as it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
