"""What the commands of the harness print and write."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live

from compare.model import Report
from compare.plan import Plan
from compare.render.html import render_page, require_extra
from compare.render.live import GUESS_S, QUICK_GUESS_S, LiveView
from compare.render.table import WIDTH, make_text
from compare.render.trace import render_trace
from compare.run import Progress
from gilscope.cli.output import check_writable, note, write, write_text
from gilscope.cli.status import OK, UNSURE, WRONG, UsageError


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


def find_modules() -> list[str]:
    """Return where a backend of the user's is looked for: as with `python -m`.

    Only the workers look there. In this process a module of the current folder could
    take the place of one that is needed.
    """
    here = [] if sys.flags.safe_path else [str(Path.cwd())]
    return [*here, *sys.path]


def judge_report(report: Report) -> int:
    """Return the exit status that a report stands for."""
    if not report.ok:
        return WRONG
    if any(result.gil and result.gil.verdict == "inconclusive" for result in report):
        return UNSURE
    return OK


class ReportConsole(Console):
    """Standard output, for what rich lays out."""

    def __init__(self) -> None:
        """Take the width of the report, and texts as they are."""
        super().__init__(file=sys.stdout, width=WIDTH, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to main(), which knows what it means."""
        raise BrokenPipeError


@contextlib.contextmanager
def show_progress(plan: Plan) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, as lines elsewhere."""
    console = Console(file=sys.stderr, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal or console.no_color:
        yield lambda step: note(describe_progress(step))
        return
    names = [job.name for job in plan.jobs]
    view = LiveView(names, guess_s=QUICK_GUESS_S if plan.quick else GUESS_S)
    with Live(view, console=console, refresh_per_second=4):
        yield view.update


def describe_progress(step: Progress) -> str:
    """Return a step in a few words."""
    if step.state != "running":
        return f"{step.backend}: {step.state} after {step.elapsed_s:.1f} s"
    return f"{step.backend}: {step.scenario or 'loading'}"
