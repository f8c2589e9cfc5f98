"""`gilscope imports`: what do imports do to the GIL, and what can release it?"""

import argparse
from typing import Any

import gilscope.render.imports  # noqa: F401 - registers how an import is shown.
from gilscope.cli.output import OK, UNSURE, WRONG, UsageError, choose_worst, say, write
from gilscope.cli.progress import show_waiting
from gilscope.imports import inspect_import

# An import takes a second as a rule.
IMPORT_S = 1.0


def add_imports(commands: Any) -> None:
    """Add `gilscope imports`."""
    parser = commands.add_parser("imports")
    parser.add_argument("module", nargs="+", metavar="MODULE", help="a module's name")
    parser.set_defaults(run=run_imports)


def run_imports(arguments: argparse.Namespace) -> int:
    """Import each module in an interpreter of its own and show what that did."""
    statuses = {OK}
    for position, module in enumerate(arguments.module):
        try:
            with show_waiting(module, "importing", IMPORT_S):
                found = inspect_import(module)
        except ValueError as error:
            raise UsageError(str(error)) from error
        except (RuntimeError, TimeoutError) as error:
            say(str(error))
            statuses.add(UNSURE)
            continue
        write(("\n" if position else "") + str(found))
        if found.error:
            statuses.add(UNSURE)
        if found.gil_enabled_by is not None:
            statuses.add(WRONG)
    return choose_worst(statuses)
