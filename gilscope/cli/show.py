"""What commands do with a result: print it, and write the files that were asked for."""

import argparse
import sys

from rich.console import Console

from gilscope.cli.output import check_writable, note, write, write_text
from gilscope.cli.status import UsageError
from gilscope.record import Record
from gilscope.render import get_document
from gilscope.render.document import Document
from gilscope.render.terminal import print_document, render_text


def check_files(arguments: argparse.Namespace) -> None:
    """Refuse a file that cannot be written, before anything runs."""
    check_writable(arguments.json)
    for name in ("html", "markdown", "trace"):
        target = getattr(arguments, name, None)
        if target == "-":
            message = f"--{name}: expected a file, got -; only --json goes there"
            raise UsageError(message)
        check_writable(target)


def show_result(found: Record, arguments: argparse.Namespace) -> None:
    """Print a result, unless its JSON is what is printed."""
    if arguments.json != "-":
        is_brief = not getattr(arguments, "explain", False)
        show_document(get_document(found), is_brief=is_brief)


def show_document(document: Document, *, is_brief: bool = True) -> None:
    """Print a document, in colour and as wide as it is on a terminal only."""
    if sys.stdout.isatty():
        print_document(document, ResultConsole(), is_brief=is_brief)
    else:
        write(render_text(document, is_brief=is_brief))


def write_files(found: Record, arguments: argparse.Namespace) -> None:
    """Write what --json, --html and --markdown ask for, and say where it is."""
    write_text(arguments.json, found.to_json())
    for name, render in (("html", found.to_html), ("markdown", found.to_markdown)):
        target = getattr(arguments, name, None)
        if target is not None:
            write_text(target, render())
            note(f"wrote {target}")


class ResultConsole(Console):
    """Standard output, for what rich lays out."""

    def __init__(self) -> None:
        """Take texts as they are."""
        super().__init__(file=sys.stdout, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to main(), which knows what it means."""
        raise BrokenPipeError
