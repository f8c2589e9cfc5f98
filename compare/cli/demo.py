"""`gilscope demo`: the lecture's two threads, as measured."""

import argparse
import textwrap

import backends
from compare.cli.run import show_progress
from compare.plan import make_plan
from compare.render import timeline
from compare.run import run_plan
from gilscope.clean import clean_text
from gilscope.cli import options, output
from gilscope.render.terminal import WIDTH

DEMO: options.Arguments = {
    "name": options.option(
        "NAME", "the backend (default: the last that is built)", nargs="?"
    ),
    "--quick": options.flag("take a tenth of the lecture's time"),
    "--mermaid": options.flag("print a sequence diagram for Markdown instead"),
}
# The lecture's partner wakes up while the GIL is released, the other one after that.
HEADS = (
    "{0.name}: {0.technology}\n\nThe lecture as written:",
    "\nThe partner sleeps longer than the GIL is released:",
)


def run_demo(arguments: argparse.Namespace) -> int:
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
        if result.handoff is not None and arguments.mermaid:
            output.write(timeline.render_mermaid(result).rstrip())
        elif result.handoff is not None:
            head = HEADS[is_late].format(result)
            parts = [f"{head}\n{timeline.render_transcript(result)}"]
            if picture := timeline.render_timeline(result.name, result.handoff):
                look = textwrap.fill(
                    timeline.describe_look(result.name, result.handoff), WIDTH
                )
                parts += [picture, look]
            output.write(clean_text("\n\n".join(parts)))
        if result.status != "ok":
            reason = f"{result.status}: {result.reason}"
            output.note(f"gilscope: {result.name}: {reason}")
            return output.WRONG
    return output.OK
