"""Where the command begins: it can be interrupted from its first line on."""

import os
import sys

# What `signal` is made of, without the enumerations that take as long as all of this.
from _signal import (  # type: ignore[import-not-found]
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

# As a shell reports a command that a signal ended.
INTERRUPTED = 128 + SIGINT


def main() -> int:
    """Run the command and return its exit status.

    Until it is imported, and again while the interpreter ends, Ctrl-C ends the process
    at once: nothing is there yet, or any more, that it could leave behind.
    """
    is_usual = getsignal(SIGINT) is default_int_handler
    if is_usual:
        signal(SIGINT, leave)
    open_standard_files()
    from gilscope.cli.ends import run_to_end  # noqa: PLC0415

    try:
        if is_usual:
            signal(SIGINT, default_int_handler)
        status = run_to_end()
    except KeyboardInterrupt:
        leave()
    if is_usual:
        signal(SIGINT, leave)
    return status


def open_standard_files() -> None:
    """Let what was closed by the caller (`>&-`) be written to and read from in vain.

    Otherwise the next file that is opened gets its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


def leave(*_: object) -> None:
    """End the process here and now."""
    os.write(2, b"gilscope: interrupted\n")
    os._exit(INTERRUPTED)
