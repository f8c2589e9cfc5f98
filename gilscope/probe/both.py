"""A statement judged with the GIL and without it, on a build that can do both."""

import json
import subprocess
import sys

from gilscope.environment import is_free_threaded_build
from gilscope.model import Check
from gilscope.record import structure

# Room for the start of an interpreter, its imports and the setup.
EXTRA_S = 60.0

PROGRAM = """
import json, sys
statement, setup, budget_s, sys.path[:] = json.load(sys.stdin)
from gilscope.check import check_statement
print(json.dumps(check_statement(statement, setup, budget_s=budget_s).to_dict()))
"""


def judge_both(statement: str, setup: str, budget_s: float) -> tuple[Check, Check]:
    """Judge the statement in two processes; see `gilscope.check.check_both`."""
    if not is_free_threaded_build():
        message = "check_both(): expected a free-threaded build, got one with a GIL"
        raise RuntimeError(message)
    with_gil, without = (
        judge_with(flag, statement, setup, budget_s) for flag in ("1", "0")
    )
    return with_gil, without


def judge_with(flag: str, statement: str, setup: str, budget_s: float) -> Check:
    """Judge the statement in a process whose GIL is on (1) or off (0)."""
    done = subprocess.run(  # noqa: S603 - this interpreter, and the user's statement.
        [sys.executable, "-X", f"gil={flag}", "-c", PROGRAM],
        input=json.dumps([statement, setup, budget_s, sys.path]),
        capture_output=True,
        text=True,
        timeout=EXTRA_S + 20 * budget_s,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()
        message = f"check_both(): with gil={flag}: {reason[-1]}"
        raise RuntimeError(message)
    # What the statement itself printed comes before.
    content = json.loads(done.stdout.splitlines()[-1])
    del content["schema"]
    return structure(content, Check)
