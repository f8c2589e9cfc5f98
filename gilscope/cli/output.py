"""What every command prints and writes.

The report goes to standard output, everything else to standard error.
"""

import sys

from gilscope import files
from gilscope.clean import clean_text
from gilscope.cli.status import UsageError


def check_writable(target: str | None) -> None:
    """Refuse a file that cannot be written before anything runs."""
    if target is None or target == "-":
        return
    try:
        files.check_writable(target)
    except OSError as error:
        raise UsageError(describe_write_error(target, error)) from error


def write_text(target: str | None, text: str) -> None:
    """Write a text to a file, to standard output if that is "-", or nowhere."""
    if target is None:
        return
    if target == "-":
        write(text.removesuffix("\n"))
        return
    try:
        files.write_file(target, text)
    except OSError as error:
        raise UsageError(describe_write_error(target, error)) from error


def describe_write_error(target: str, error: OSError) -> str:
    """Return why a file cannot be written."""
    return f"cannot write {target}: {error.strerror or error}"


def say(text: str) -> None:
    """Write what went wrong to standard error."""
    note(f"gilscope: {text}")


def note(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{clean_text(text)}\n")


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
