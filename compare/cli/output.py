"""What the commands of the harness print and write."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from compare.model import Report
from compare.plan import Plan
from compare.render.answers import STATUS_TONES
from compare.render.sections import make_document
from compare.render.trace import render_trace
from compare.run import Progress
from compare.scenarios.sweep import plan_s
from gilscope.cli.output import check_writable, note, write, write_text
from gilscope.cli.progress import ProgressView, make_live
from gilscope.cli.status import OK, UNSURE, WRONG, UsageError
from gilscope.render.document import Document
from gilscope.render.markdown import render_annotation
from gilscope.render.terminal import STYLES, print_document, render_text

# How many seconds each step of one backend takes on an idle machine, and in its short
# form.
STEPS_S = {
    "loading": (0.1, 0.1),
    "correctness": (1.0, 0.3),
    "handoff": (2.1, 0.4),
    "gil": (1.4, 0.5),
    "parallel": (5.6, 1.4),
    "contention": (2.1, 0.5),
    "sweep": (plan_s(1, quick=False), plan_s(1, quick=True)),
    "pairs": (8.0, 2.0),
}


def check_files(arguments: argparse.Namespace) -> None:
    """Refuse a file that cannot be written, before the run."""
    for name in ("html", "markdown", "trace"):
        target = getattr(arguments, name, None)
        if target == "-":
            message = f"--{name}: expected a file, got -; only --json goes there"
            raise UsageError(message)
        check_writable(target)


def write_files(arguments: argparse.Namespace, report: Report) -> None:
    """Write what the options ask for, and say where it is."""
    for name, render in (
        ("html", Report.to_html),
        ("markdown", Report.to_markdown),
        ("trace", render_trace),
    ):
        target = getattr(arguments, name, None)
        if target is not None:
            write_text(target, render(report))
            note(f"wrote {target}")
    if getattr(arguments, "markdown", None) and os.environ.get("GITHUB_ACTIONS"):
        for result in report:
            if result.status not in ("ok", "unavailable"):
                title = f"{result.name}: {result.status}"
                note(render_annotation(title, result.reason))


def show_document(document: Document, *, is_brief: bool = True) -> None:
    """Print a document, in colour and as wide as it is on a terminal only."""
    if sys.stdout.isatty():
        print_document(document, ReportConsole(), is_brief=is_brief)
    else:
        write(render_text(document, is_brief=is_brief))


def show_report(report: Report, *, is_brief: bool = True) -> None:
    """Print the report; see show_document()."""
    show_document(make_document(report), is_brief=is_brief)


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
        """Take texts as they are."""
        super().__init__(file=sys.stdout, highlight=False)

    def on_broken_pipe(self) -> None:
        """Leave it to main(), which knows what it means."""
        raise BrokenPipeError


@contextlib.contextmanager
def show_progress(plan: Plan) -> Iterator[Callable[[Progress], None]]:
    """Show each step on standard error: live on a terminal, as lines elsewhere."""
    steps = {name: STEPS_S[name][plan.quick] for name in ("loading", *plan.scenarios)}
    view = ProgressView({job.name: steps for job in plan.jobs})
    live = make_live(view)

    def update(step: Progress) -> None:
        if step.state == "running":
            view.begin(step.backend, step.scenario or "loading")
        else:
            style = STYLES[STATUS_TONES.get(step.state, "bad")]
            view.end(step.backend, step.state, style, step.elapsed_s)

    if live is None:
        yield lambda step: note(describe_progress(step))
        return
    with live:
        yield update


def describe_progress(step: Progress) -> str:
    """Return a step in a few words."""
    if step.state != "running":
        return f"{step.backend}: {step.state} after {step.elapsed_s:.1f} s"
    return f"{step.backend}: {step.scenario or 'loading'}"
