"""Does a backend load in a subinterpreter with a GIL of its own, and who refuses?"""

import importlib
import os
import sys
from collections.abc import Iterable
from typing import Any

from gilscope.clean import clean_text

# The first version whose subinterpreters may have a GIL of their own (PEP 684).
VERSION_MIN = (3, 12)
TIMEOUT_S = 10.0

CALL = "import backends; backends.get({target!r}).double_list([1], [None], 0)"
IMPORT = "import importlib; importlib.import_module({module!r})"
SCRIPT = """\
import os, sys
sys.path[:] = {path!r}
text = "loads"
try:
    {statement}
except BaseException as error:
    while error.__cause__ is not None:
        error = error.__cause__
    text = f"refuses: {{type(error).__name__}}: {{error}}"
os.write({fd}, text.encode(errors="replace"))
"""


def is_due(scenarios: Iterable[str], status: str) -> bool:
    """Return whether a worker that ended so tries it, after these scenarios."""
    return status == "ok" and "gil" in scenarios and sys.version_info >= VERSION_MIN


def load_isolated(target: str, contract: str) -> str:
    """Load a backend in a new interpreter; return "loads", or who refuses.

    One that does not refuse may crash, so this is the last thing that a process does.
    """
    statement = CALL.format(target=target)
    if contract:
        statement = IMPORT.format(module=target.partition(":")[0])
    # What is written from now on tells nothing of the scenarios.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    out, fd = os.pipe()
    is_old = sys.version_info < (3, 13)
    interpreters: Any = importlib.import_module(
        "_xxsubinterpreters" if is_old else "_interpreters"
    )
    number = interpreters.create(isolated=True) if is_old else interpreters.create()
    code = SCRIPT.format(path=sys.path, statement=statement, fd=fd)
    interpreters.run_string(number, code)
    os.close(fd)
    with os.fdopen(out, "rb") as file:
        text = file.read().decode(errors="replace")
    return clean_text(text, keep="") or "refuses without a word"
