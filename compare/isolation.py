"""The process of one backend: started, followed, and ended with all it started.

It is `python -m compare.worker`, not one of multiprocessing's, which would import
the caller's main module again.
"""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from compare.model import Status
from compare.plan import Job
from compare.worker import EVENTS_FILE, JOB_FILE, STACK_FILE

# In a worker's environment, so that its descendants can be found, whatever they did.
MARK = "GILSCOPE_WORKER"

# A worker ends itself at its time limit and leaves its stack behind; this is how
# much longer one may take that cannot even do that.
GRACE_S = 2.0
POLL_S = 0.02
KILL_ROUNDS = 50

# How much of what a backend printed is kept; the rest is counted.
KEPT_BYTES = 2048
CHUNK_BYTES = 1 << 16
# How much of a stack goes into a reason.
STACK_LINES = 24
STACK_NOISE = re.compile(r'"<frozen |[/\\](threading|worker)\.py"|^$')

# Called with the scenario that begins.
Tell = Callable[[str], None]


@dataclass
class Written:
    """What a worker wrote to one of its streams: how much, its beginning and end."""

    n_bytes: int = 0
    head: bytes = b""
    tail: bytes = b""


@dataclass
class Outcome:
    """What is known about a worker, filled in as its lines arrive.

    Attributes:
        content: the fields of a BackendResult, as JSON gave them.
        step: what it does now: "loading", or the name of a scenario.
        status, reason: how it ended; None while it has not.
        stdout, stderr: what the backend wrote.
    """

    content: dict[str, Any] = field(default_factory=dict)
    step: str = "loading"
    status: Status | None = None
    reason: str = ""
    stdout: Written = field(default_factory=Written)
    stderr: Written = field(default_factory=Written)


def run_worker(job: Job, timeout_s: float, tell: Tell) -> Outcome:
    """Start the worker, follow it, end it with everything that it started."""
    outcome = Outcome()
    mark = uuid.uuid4().hex
    content = {
        **dataclasses.asdict(job),
        "timeout_s": timeout_s,
        "started_at": time.time(),
        "parent_pid": os.getpid(),
    }
    with tempfile.TemporaryDirectory(prefix="gilscope-") as name:
        folder = Path(name)
        (folder / JOB_FILE).write_text(json.dumps(content), encoding="utf-8")
        deadline = time.monotonic() + timeout_s + GRACE_S
        process = subprocess.Popen(  # noqa: S603 - it is this interpreter.
            make_command(folder),
            env={**os.environ, **make_environment(mark)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        drains: list[threading.Thread] = []
        try:
            drains = [
                start_drain(process.stdout, outcome.stdout),
                start_drain(process.stderr, outcome.stderr),
            ]
            follow(process, folder / EVENTS_FILE, deadline, outcome, tell)
        finally:
            exit_code = process.poll()
            kill_worker(process, mark)
            for drain in drains:
                drain.join(GRACE_S)
        if outcome.status is None:
            stack = read_stack(folder / STACK_FILE)
            outcome.status, outcome.reason = explain_end(
                exit_code, outcome, timeout_s, stack
            )
    return outcome


def make_command(folder: Path) -> list[str]:
    """Return the command of a worker that looks for modules where this process does."""
    # Unbuffered, in Python and in C: the worker may be ended before it flushes.
    options = ["-u", "-P"]
    gil = sys._xoptions.get("gil")  # noqa: SLF001 - there is no public name.
    if isinstance(gil, str):
        options += ["-X", f"gil={gil}"]
    return [sys.executable, *options, "-m", "compare.worker", str(folder)]


def make_environment(mark: str) -> dict[str, str]:
    """Return what a worker's environment has beyond that of this process."""
    entries = [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]  # noqa: PTH100 - "" is the current folder.
    return {"PYTHONPATH": os.pathsep.join(entries), MARK: mark}


def follow(
    process: "subprocess.Popen[bytes]",
    path: Path,
    deadline: float,
    outcome: Outcome,
    tell: Tell,
) -> None:
    """Take in the worker's lines until it has ended or its time is over."""
    n_read = 0
    while outcome.status is None:
        has_ended = process.poll() is not None
        with suppress(FileNotFoundError), path.open("rb") as lines:
            lines.seek(n_read)
            for line in lines:
                # The rest of a line that is being written comes the next time.
                if line.endswith(b"\n"):
                    n_read += len(line)
                    take_event(json.loads(line), outcome, tell)
        if has_ended or time.monotonic() > deadline:
            return
        time.sleep(POLL_S)


def take_event(event: dict[str, Any], outcome: Outcome, tell: Tell) -> None:
    """Add one line of the worker to what is known."""
    kind = event.pop("event")
    if kind == "loaded":
        outcome.content.update(event)
    elif kind == "scenario":
        outcome.step = event["name"]
        tell(outcome.step)
    elif kind == "result":
        outcome.content[event["name"]] = event["value"]
    else:
        outcome.status, outcome.reason = event["status"], event["reason"]


def explain_end(
    exit_code: int | None, outcome: Outcome, timeout_s: float, stack: str
) -> tuple[Status, str]:
    """Say why a worker ended without saying so itself."""
    if exit_code is None or stack.startswith("Timeout"):
        # Its first line only says again that time was over.
        lines = [f"{outcome.step} had not ended after {timeout_s:g} s"]
        return "timeout", "\n".join([*lines, *stack.splitlines()[1:]])
    if exit_code < 0:
        end = f"with {name_signal(-exit_code)}"
    else:
        end = f"the process with exit status {exit_code}"
    said = outcome.stderr.tail.decode(errors="replace").strip()
    lines = [f"{outcome.step} ended {end}", stack, said and f"standard error: {said}"]
    return "crashed", "\n".join(filter(None, lines))


def name_signal(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def read_stack(path: Path) -> str:
    """Return the stack that the worker left, most recent call first, or ""."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    # What started the worker and its threads is the same for every backend.
    lines = [line for line in text.splitlines() if not STACK_NOISE.search(line)]
    if len(lines) > STACK_LINES:
        lines[STACK_LINES:] = [f"... ({len(lines) - STACK_LINES} more lines)"]
    return "\n".join(lines)


def kill_worker(process: "subprocess.Popen[bytes]", mark: str) -> None:
    """End the worker and whatever it started."""
    if sys.platform == "linux":
        # It ends all its descendants itself; the rest is for where it cannot.
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    if hasattr(os, "killpg"):
        # The worker leads a group of its own, which may outlive it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    # A descendant with a session of its own is no longer in the group. One that
    # forks while it is looked for is found in another round.
    for _ in range(KILL_ROUNDS):
        pids = find_marked(mark)
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)


def find_marked(mark: str) -> list[int]:
    """Return the processes with that mark in their environment, where Linux tells."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        # A process that ends meanwhile, or belongs to somebody else, is no concern.
        with suppress(OSError):
            if needle in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def start_drain(stream: IO[bytes] | None, written: Written) -> threading.Thread:
    """Read a stream to its end in a thread, so that a flood blocks nobody."""
    assert stream is not None

    def read() -> None:
        with stream:
            while chunk := os.read(stream.fileno(), CHUNK_BYTES):
                written.n_bytes += len(chunk)
                written.head = (written.head + chunk[:KEPT_BYTES])[:KEPT_BYTES]
                written.tail = (written.tail + chunk)[-KEPT_BYTES:]

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
