"""`gilscope imports`: what do imports do to the GIL, and what can release it?"""

import argparse

from gilscope.cli import options, output
from gilscope.cli.progress import show_waiting
from gilscope.imports import inspect_import
from gilscope.render.results import show_import

# An import takes a second as a rule.
IMPORT_S = 1.0

IMPORTS: options.Arguments = {
    "module": options.option("MODULE", "a module's name", nargs="+")
}


def run_imports(arguments: argparse.Namespace) -> int:
    """Import each module in an interpreter of its own and show what that did."""
    options.append_folder()
    statuses = {output.OK}
    for position, module in enumerate(arguments.module):
        try:
            with (
                output.refuse(ValueError),
                show_waiting(module, "importing", IMPORT_S),
            ):
                found = inspect_import(module)
        except (RuntimeError, TimeoutError) as error:
            output.say(str(error))
            statuses.add(output.UNSURE)
            continue
        if position:
            output.write("")
        output.show_document(show_import(found))
        if found.error:
            statuses.add(output.UNSURE)
        if found.gil_enabled_by is not None:
            statuses.add(output.WRONG)
    return output.choose_worst(statuses)
