"""Does a backend load in a subinterpreter with a GIL of its own, and who refuses?

It is tried in a process of its own, since one that does not refuse may crash there.
"""

import importlib
import os
import sys
from typing import Any

from compare.plan import Job, Plan
from gilscope.channel import Channel
from gilscope.clean import clean_text
from gilscope.process import Child

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


def find_subinterpreter_answer(job: Job, plan: Plan) -> str:
    """Return "loads", or who refuses in which words; "" where it cannot be tried."""
    if sys.version_info < VERSION_MIN:
        return ""
    entry, order = f"{__name__}:main", [job.target, job.contract]
    timeout_s = min(TIMEOUT_S, plan.timeout_s)
    with Child(entry, order, timeout_s=timeout_s, path=plan.path) as child:
        text: str | None = child.receive()
    if text is None:
        status, reason = child.explain_end("the subinterpreter")
        return f"{status}: {reason.splitlines()[0]}"
    return text


def main(channel: Channel) -> None:
    """Load what the parent orders in a subinterpreter, and send what came of it."""
    target, contract = channel.order
    statement = CALL.format(target=target)
    if contract:
        statement = IMPORT.format(module=target.partition(":")[0])
    channel.use_search_path()
    out, fd = os.pipe()
    run_isolated(SCRIPT.format(path=sys.path, statement=statement, fd=fd))
    os.close(fd)
    with os.fdopen(out, "rb") as file:
        text = file.read().decode(errors="replace")
    channel.send(clean_text(text, keep="") or "refuses without a word")
    channel.exit()


def run_isolated(code: str) -> None:
    """Run code in a new interpreter with a GIL of its own."""
    is_old = sys.version_info < (3, 13)
    interpreters: Any = importlib.import_module(
        "_xxsubinterpreters" if is_old else "_interpreters"
    )
    number = interpreters.create(isolated=True) if is_old else interpreters.create()
    interpreters.run_string(number, code)
