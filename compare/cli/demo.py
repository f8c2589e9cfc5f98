"""`gilscope demo`: the lecture's two threads, as measured."""

import argparse
from typing import Any

from compare.cli.output import find_modules, show_progress
from compare.model import BackendResult
from compare.plan import make_plan
from compare.render.mermaid import render_mermaid
from compare.render.timeline import render_timeline
from compare.render.transcript import render_transcript
from compare.run import run_plan
from gilscope.cli.output import say, write
from gilscope.cli.status import OK, WRONG

DEMO_BACKEND = "pyo3"


def add_demo(commands: Any) -> None:
    """Add `gilscope demo`."""
    parser = commands.add_parser("demo", help="print the lecture's two threads")
    parser.add_argument(
        "name",
        nargs="?",
        default=DEMO_BACKEND,
        metavar="NAME",
        help="the backend (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the seconds")
    parser.add_argument(
        "--mermaid",
        action="store_true",
        help="print a sequence diagram for Markdown instead",
    )
    parser.set_defaults(run=run_demo_command)


def run_demo_command(arguments: argparse.Namespace) -> int:
    """Run the lecture's program and print what its threads did, early and late."""
    for is_late in (False,) if arguments.mermaid else (False, True):
        plan = make_plan(
            [arguments.name],
            scenarios=["handoff"],
            quick=arguments.quick,
            late_partner=is_late,
            path=find_modules(),
        )
        with show_progress(plan) as progress:
            (result,) = run_plan(plan, progress)
        if result.handoff is not None:
            write(describe_demo(result, is_late=is_late, is_mermaid=arguments.mermaid))
        if result.status != "ok":
            say(f"{result.name}: {result.status}: {result.reason}")
            return WRONG
    return OK


def describe_demo(result: BackendResult, *, is_late: bool, is_mermaid: bool) -> str:
    """Return the lecture's output and timeline, or the diagram of it."""
    assert result.handoff is not None
    if is_mermaid:
        return render_mermaid(result).rstrip()
    head = (
        "\nThe partner sleeps longer than the GIL is released:"
        if is_late
        else f"{result.name}: {result.technology}\n\nThe lecture as written:"
    )
    timeline = render_timeline(result.name, result.handoff)
    return f"{head}\n{render_transcript(result)}\n\n{timeline}".rstrip()
