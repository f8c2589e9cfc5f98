"""A statement judged in a process of its own, which can always be ended."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gilscope.channel import Channel
from gilscope.clock import perf_counter
from gilscope.model import Check
from gilscope.probe.surroundings import describe_environment
from gilscope.process import Child
from gilscope.record import structure

# Between two signs of life.
SIGN_S = 0.25
# When native threads are looked at, as a share of the time without a sign of life: at
# the end of it the process ends itself.
LOOK_SHARE = 0.8
LOOK_S = 0.05


class Statement(NamedTuple):
    """A statement and how it is to be judged."""

    statement: str
    setup: str = "pass"
    prepare: str | None = None
    budget_s: float = 0.5
    figures: bool = True


class StatementError(Exception):
    """The statement raised; the text is one line that says where and what."""


class _Watched:
    """What a child told of itself, for the thread that looks at its native threads."""

    def __init__(self, timeout_s: float) -> None:
        self.pid: int | None = None
        self.heard_at_s = perf_counter()
        self.native: list[str] = []
        self._timeout_s = timeout_s
        self.is_over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self.is_over.wait(min(LOOK_S, self._timeout_s / 20)):
            silent_s = perf_counter() - self.heard_at_s
            if self.pid is not None and silent_s > LOOK_SHARE * self._timeout_s:
                # One that is ending has fewer and fewer.
                self.native = max(self.native, list_native_threads(self.pid), key=len)


def judge_in_child(
    wanted: Statement,
    *,
    timeout_s: float,
    path: Sequence[str] | None = None,
    gil: str | None = None,
) -> Check:
    """Judge a statement in a process of its own."""
    watched = _Watched(timeout_s)
    try:
        with Child(
            "gilscope.probe.child:run_order",
            wanted._asdict(),
            timeout_s=timeout_s,
            renews=True,
            # What the statement prints is none of the report.
            stdout=sys.stderr.fileno(),
            stderr=None,
            path=path,
            gil=gil,
        ) as child:
            for message in child:
                watched.heard_at_s = perf_counter()
                watched.pid = message.get("pid", watched.pid)
                if "error" in message:
                    raise StatementError(message["error"])
                if "check" in message:
                    return structure(message["check"], Check)
            outcome, reason = child.explain_end("the statement")
    finally:
        watched.is_over.set()
    if outcome == "crashed":
        raise StatementError(reason.partition("\n")[0])
    return describe_silence(wanted.statement, timeout_s, reason, watched.native)


def describe_silence(
    name: str, timeout_s: float, reason: str, native: Sequence[str]
) -> Check:
    """Return the check of a call that never came back."""
    lines = [f"no answer after {timeout_s:g} s: deadlock?", *reason.splitlines()[1:]]
    if native:
        lines += ["native threads:", *native]
    environment = describe_environment(bool)
    return Check(name, "inconclusive", "\n".join(lines), environment)


def list_native_threads(pid: int) -> list[str]:
    """Return what Linux tells of each thread of a process, where it tells anything.

    Source:
        proc(5): comm, status, wchan, syscall.
    """
    lines = []
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
    return lines


def run_order(channel: Channel) -> None:
    """Judge what the order says; runs in the child."""
    # Before the user's modules can take the place of what these need.
    from gilscope.probe import judge  # noqa: PLC0415
    from gilscope.probe.statement import bind_statement, describe_error  # noqa: PLC0415

    wanted = Statement(**channel.order)
    channel.use_search_path()
    channel.send({"pid": os.getpid()})
    try:
        bound = bind_statement(wanted.statement, wanted.setup, prepare=wanted.prepare)
        subject = judge.Subject(wanted.statement, *bound, tell_life=_make_sign(channel))
        found = judge.judge(subject, budget_s=wanted.budget_s, figures=wanted.figures)
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


def _make_sign(channel: Channel) -> Callable[[], None]:
    """Return what sends a sign of life, if the last one was a while ago."""
    last_s = perf_counter()

    def tell_life() -> None:
        nonlocal last_s
        now_s = perf_counter()
        if now_s - last_s > SIGN_S:
            last_s = now_s
            channel.send({})

    return tell_life
