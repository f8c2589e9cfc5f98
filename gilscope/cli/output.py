"""What every command prints and writes, and the status with which it exits.

The report goes to standard output, everything else to standard error.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator

from gilscope import files
from gilscope.clean import clean_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gilscope.record import Record
    from gilscope.render.document import Document

OK, WRONG, USAGE, UNSURE = 0, 1, 2, 3


class UsageError(Exception):
    """What the user asked for cannot be done; its text is one line."""


def choose_worst(statuses: set[int]) -> int:
    """Return the exit status of several answers."""
    return next(status for status in (WRONG, UNSURE, OK) if status in statuses)


@contextlib.contextmanager
def refuse(*kinds: type[Exception], what: str = "") -> Iterator[None]:
    """Tell errors of these kinds in one line, after what could not be done."""
    try:
        yield
    except kinds as error:
        text = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{what}: {text}" if what else text) from error


def check_files(arguments: argparse.Namespace) -> None:
    """Refuse a file that cannot be written, before anything runs."""
    names: dict[str, str] = {}
    for name in ("json", "html", "markdown", "trace"):
        target = getattr(arguments, name, None)
        if target == "-" and name != "json":
            message = f"--{name}: expected a file, got -, which is for --json"
            raise UsageError(message)
        if target not in (None, "-"):
            other = names.setdefault(target, name)
            # What is written later would replace it; a device takes both.
            if other != name and not target.startswith("/dev/"):
                message = f"--{name}: expected a file of its own, got that of --{other}"
                raise UsageError(message)
            with refuse(OSError, what=f"cannot write {target}"):
                files.check_writable(target)


def deliver(found: "Record", arguments: argparse.Namespace) -> None:
    """Print a result, unless its JSON is what is printed, and write its files."""
    from gilscope.render import get_document  # noqa: PLC0415 - not for a bare help.

    if arguments.json != "-":
        is_brief = not getattr(arguments, "explain", False)
        show_document(get_document(found), is_brief=is_brief)
    if arguments.json is not None:
        write_text(arguments.json, found.to_json())
    for name, render in (("html", found.to_html), ("markdown", found.to_markdown)):
        target = getattr(arguments, name, None)
        if target is not None:
            write_text(target, render())
            note(f"wrote {target}")


def show_document(document: "Document", *, is_brief: bool = True) -> None:
    """Print a document, in colour and as wide as it is on a terminal only."""
    from rich.console import Console  # noqa: PLC0415 - not for a bare help.

    from gilscope.render.terminal import print_document, render_text  # noqa: PLC0415

    if sys.stdout.isatty():
        console = Console(highlight=False)
        # Whoever runs the command knows what it means that nobody reads it.
        with console.capture() as written:
            print_document(document, console, is_brief=is_brief)
        write(written.get().removesuffix("\n"))
    else:
        write(render_text(document, is_brief=is_brief))


def write_text(target: str | None, text: str) -> None:
    """Write a text to a file, to standard output if that is "-", or nowhere."""
    if target == "-":
        # As in a file.
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        write(text.removesuffix("\n"))
    elif target is not None:
        with refuse(OSError, what=f"cannot write {target}"):
            files.write_file(target, text)


def say(text: str) -> None:
    """Write what went wrong to standard error, in one line."""
    note(clean_text(f"gilscope: {text}", keep=""))


def note(text: str) -> None:
    """Write a line to standard error, if that can be written to."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{clean_text(text)}\n")


def write(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
