"""What the commands print and write; nothing else of the project prints.

The report goes to standard output, everything else to standard error.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live

from compare.cli.status import OK, UNSURE, WRONG, UsageError
from compare.jobs import plan_jobs
from compare.report.html import render_page, require_extra
from compare.report.live import GUESS_S, QUICK_GUESS_S, LiveView
from compare.report.table import WIDTH, make_text
from compare.report.trace import render_trace
from compare.results import Report
from compare.runner import Progress


def check_files(arguments: argparse.Namespace) -> None:
    """Refuse what --html and --trace ask for, if it cannot be had, before the run."""
    for target in (arguments.html, arguments.trace):
        if target == "-":
            message = "only --json goes to standard output: expected a file, got -"
            raise UsageError(message)
        check_writable(target)
    if arguments.html is not None:
        try:
            require_extra()
        except ImportError as error:
            raise UsageError(str(error)) from error


def write_files(arguments: argparse.Namespace, report: Report) -> None:
    """Write what --html and --trace ask for, and say where it is."""
    for target, render in (
        (arguments.html, render_page),
        (arguments.trace, render_trace),
    ):
        if target is not None:
            write_text(target, render(report))
            note(f"wrote {target}")


def show_report(report: Report) -> None:
    """Print the report, in colour only on a terminal."""
    console = ReportConsole()
    if console.is_terminal:
        console.print(make_text(report))
    else:
        write(str(report))


def judge_report(report: Report) -> int:
    """Return the exit status that a report stands for."""
    if not report.ok:
        return WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return UNSURE
    return OK


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


class ReportConsole(Console):
    """Standard output, for what rich lays out."""

    def __init__(self) -> None:
        """Take the width of the report, and texts as they are."""
        super().__init__(file=sys.stdout, width=WIDTH, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to main(), which knows what it means."""
        raise BrokenPipeError


@contextlib.contextmanager
def show_progress(
    wanted: Sequence[str] | None, *, quick: bool
) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, as lines elsewhere."""
    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or console.no_color:
        yield lambda step: note(describe_progress(step))
        return
    names = [job.name for job in plan_jobs(wanted)]
    view = LiveView(names, guess_s=QUICK_GUESS_S if quick else GUESS_S)
    with Live(view, console=console, refresh_per_second=4):
        yield view.update


def describe_progress(step: Progress) -> str:
    """Return a step in a few words."""
    if step.state != "running":
        return f"{step.backend}: {step.state} after {step.elapsed_s:.1f} s"
    return f"{step.backend}: {step.scenario or 'loading'}"
