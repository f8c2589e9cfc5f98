"""`gilscope demo`: the lecture's two threads, as measured."""

import argparse
import textwrap
from typing import Any

import backends
from compare.cli.run import show_progress
from compare.model import BackendResult
from compare.plan import make_plan
from compare.render import timeline
from compare.render.exports import render_mermaid
from compare.run import run_plan
from gilscope.clean import clean_text
from gilscope.cli import options, output
from gilscope.render.terminal import WIDTH


def add_demo(commands: Any) -> None:
    """Add `gilscope demo`."""
    parser = commands.add_parser("demo")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="the backend (default: the last that is built)",
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
    name = arguments.name or backends.available()[-1]
    for is_late in (False,) if arguments.mermaid else (False, True):
        plan = make_plan(
            [name],
            scenarios=["handoff"],
            quick=arguments.quick,
            late_partner=is_late,
            path=options.list_search_path(),
        )
        with show_progress(plan) as progress:
            (result,) = run_plan(plan, progress)
        if result.handoff is not None:
            output.write(
                describe_demo(result, is_late=is_late, is_mermaid=arguments.mermaid)
            )
        if result.status != "ok":
            output.say(f"{result.name}: {result.status}: {result.reason}")
            return output.WRONG
    return output.OK


def describe_demo(result: BackendResult, *, is_late: bool, is_mermaid: bool) -> str:
    """Return the lecture's output and timeline, or the diagram of it."""
    assert result.handoff is not None
    if is_mermaid:
        return render_mermaid(result).rstrip()
    head = f"{result.name}: {result.technology}\n\nThe lecture as written:"
    if is_late:
        head = "\nThe partner sleeps longer than the GIL is released:"
    parts = [f"{head}\n{timeline.render_transcript(result)}"]
    if picture := timeline.render_timeline(result.name, result.handoff):
        parts += [picture, textwrap.fill(timeline.describe_look(result), WIDTH)]
    return clean_text("\n\n".join(parts))
