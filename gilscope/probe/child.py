"""Statements in a process of their own, which can always be ended."""

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from gilscope.channel import Channel
from gilscope.clock import perf_counter
from gilscope.model import Check
from gilscope.probe.surroundings import describe_environment
from gilscope.process import STANDARD_ERROR, Child
from gilscope.record import structure

T = TypeVar("T")

# Between two signs of life.
SIGN_S = 0.25
# When native threads are looked at, as a share of the time without a sign of life: at
# the end of it the process ends itself.
LOOK_SHARE = 0.8


class Statement(NamedTuple):
    """A statement and how it is to be judged."""

    statement: str
    setup: str = "pass"
    prepare: str | None = None
    budget_s: float = 0.5


class StatementError(Exception):
    """A statement raised, crashed or did not end in time; the text is one line."""


def ask_child(
    entry: str,
    order: Any,
    kind: type[T],
    *,
    timeout_s: float,
    path: Sequence[str] | None = None,
) -> T:
    """Return what a function of ours finds out about statements, in a child.

    Its messages: what is called next ("step"), what it found ("found"), and what was
    wrong ("error").
    """
    step = "the statement"
    with Child(
        entry,
        order,
        timeout_s=timeout_s,
        stdout=STANDARD_ERROR,
        stderr=None,
        path=path,
    ) as child:
        for message in child:
            if "error" in message:
                raise StatementError(message["error"])
            if "found" in message:
                return structure(message["found"], kind)
            step = message["step"]
        _, reason = child.explain_end(step)
    raise StatementError(reason.partition("\n")[0])


def judge_in_child(
    wanted: Statement,
    *,
    timeout_s: float,
    path: Sequence[str] | None = None,
    gil: str | None = None,
) -> Check:
    """Judge a statement in a process of its own."""
    native: list[str] = []
    looker = threading.Timer(0, bool)
    try:
        with Child(
            "gilscope.probe.child:run_order",
            wanted._asdict(),
            timeout_s=timeout_s,
            renews=True,
            stdout=STANDARD_ERROR,
            stderr=None,
            path=path,
            gil=gil,
        ) as child:
            for message in child:
                looker.cancel()
                if "error" in message:
                    raise StatementError(message["error"])
                if "check" in message:
                    return structure(message["check"], Check)
                look = partial(note_native_threads, message["pid"], native)
                looker = threading.Timer(LOOK_SHARE * timeout_s, look)
                looker.daemon = True
                looker.start()
            outcome, reason = child.explain_end("the statement")
    finally:
        looker.cancel()
    if outcome == "crashed":
        raise StatementError(reason.partition("\n")[0])
    return describe_silence(wanted.statement, timeout_s, reason, native)


def describe_silence(
    name: str, timeout_s: float, reason: str, native: Sequence[str]
) -> Check:
    """Return the check of a call that never came back."""
    lines = [f"no answer after {timeout_s:g} s: deadlock?", *reason.splitlines()[1:]]
    if native:
        lines += ["native threads:", *native]
    environment = describe_environment(bool)
    return Check(name, "inconclusive", "\n".join(lines), environment)


def note_native_threads(pid: int, lines: list[str]) -> None:
    """Add what Linux tells of each thread of a process, where it tells anything.

    Source:
        proc(5): comm, status, wchan, syscall.
    """
    for folder in sorted(Path(f"/proc/{pid}/task").glob("[0-9]*")):
        with suppress(OSError):
            facts = [folder.name, (folder / "comm").read_text().strip()]
            status = (folder / "status").read_text()
            facts.append(status.partition("State:\t")[2].partition("\n")[0])
            for name in ("wchan", "syscall"):
                with suppress(OSError):
                    text = (folder / name).read_text().strip()
                    if text not in ("", "0"):
                        facts.append(f"{name} {text.partition(' ')[0]}")
            lines.append("  " + ", ".join(facts))


def run_order(channel: Channel) -> None:
    """Judge what the order says; runs in the child."""
    # Before the user's modules can take the place of what these need.
    from gilscope.probe.judge import judge  # noqa: PLC0415
    from gilscope.probe.statement import bind_statement, describe_error  # noqa: PLC0415

    wanted = Statement(**channel.order)
    channel.use_search_path()
    sign = {"pid": os.getpid()}
    channel.send(sign)
    told_s = perf_counter()

    def tell_life() -> None:
        nonlocal told_s
        if perf_counter() - told_s > SIGN_S:
            told_s = perf_counter()
            channel.send(sign)

    try:
        subject = bind_statement(wanted.statement, wanted.setup, prepare=wanted.prepare)
        subject = subject._replace(tell_life=tell_life)
        found = judge(subject, budget_s=wanted.budget_s)
    except BaseException as error:  # noqa: BLE001 - told to the parent.
        sources = {
            "<statement>": wanted.statement,
            "<setup>": wanted.setup,
            "<prepare>": wanted.prepare or "",
        }
        channel.send({"error": describe_error(error, sources)})
    else:
        channel.send({"check": found})
    sys.stdout.flush()
    channel.exit()
