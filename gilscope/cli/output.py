"""What every command prints and writes.

The report goes to standard output, everything else to standard error.
"""

import sys
from pathlib import Path

from gilscope.cli.status import UsageError


def check_writable(target: str | None) -> None:
    """Refuse a file that cannot be written before anything runs."""
    if target is None or target == "-":
        return
    path = Path(target)
    is_new = not path.exists()
    if not (is_new or path.is_file() or path.is_dir()):
        # A pipe or a device tells only when it is written to.
        return
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise UsageError(describe_write_error(target, error)) from error


def write_text(target: str | None, text: str) -> None:
    """Write a text to a file, to standard output if that is "-", or nowhere."""
    if target is None:
        return
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
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
    sys.stderr.write(f"{text}\n")


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
