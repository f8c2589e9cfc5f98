"""The handoff for other tools: Chrome Trace Event JSON, and a mermaid diagram.

Source:
    Trace Event Format (Google, 2016), which Perfetto and speedscope open: "B" and "E"
    begin and end a slice, "i" is an instant, "M" metadata; times in microseconds.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from compare.model import PARTNER, BackendResult, Report
from compare.render.timeline import EVENT_NAMES, PARTNER_LABEL, make_lanes
from gilscope.units import describe_time

# A thread's number is its process's plus its place. Perfetto takes a thread with its
# process's number for the main one and moves it up, and a number to be of one thread.
PROCESS_STEP = 10

Fields = dict[str, Any]


def render_trace(report: Report) -> str:
    """Return one process for each backend with a handoff, one thread for each lane."""
    where = ("python", "platform", "gilscope", "started_at")
    content = {
        "traceEvents": [
            event
            for number, result in enumerate(report, start=1)
            for event in make_process(number * PROCESS_STEP, result)
        ],
        "displayTimeUnit": "ms",
        "otherData": {name: getattr(report.environment, name) for name in where},
    }
    # Tens of thousands of ticks: without spaces the file is a third smaller.
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"


def make_process(pid: int, result: BackendResult) -> Iterator[Fields]:
    """Return the events of one backend."""

    def make_event(kind: str, name: str, at_s: float, tid: int) -> Fields:
        place = {"ts": round(at_s * 1e6, 3), "pid": pid, "tid": tid}
        scope = {"s": "t"} if kind == "i" else {}
        return {"name": name, "cat": "gil", "ph": kind, **scope, **place}

    yield from make_names("process", pid, 0, f"{result.name} ({result.status})")
    if (handoff := result.handoff) is None:
        return
    for tid, lane in enumerate(make_lanes(result.name, handoff), start=pid + 1):
        yield from make_names("thread", pid, tid, lane.label)
        for phase in lane.phases:
            # Not "X": a start and a duration add up to something just after the next
            # start, and a viewer draws the next phase inside this one.
            yield make_event("B", phase.state, phase.start_s, tid)
            yield make_event("E", phase.state, phase.end_s, tid)
        for event in lane.events:
            name = EVENT_NAMES.get(event.name, event.name)
            yield make_event("i", name, event.at_s, tid)
    yield from make_names("thread", pid, pid + 3, "Python code beside it")
    for tick_s in handoff.ticks_s:
        # It ran before the barrier opened too, which is where the time begins.
        if tick_s >= 0:
            yield make_event("i", "tick", tick_s, pid + 3)


def make_names(kind: str, pid: int, tid: int, name: str) -> Iterator[Fields]:
    """Yield the name of a process or a thread, and its place among the others."""
    for what, value in (("name", name), ("sort_index", tid or pid)):
        event = {"name": f"{kind}_{what}", "ph": "M", "pid": pid, "tid": tid}
        yield {**event, "args": {what: value}}


def render_mermaid(result: BackendResult) -> str:
    """Return a sequenceDiagram of what was measured, which renders where Markdown does.

    The GIL is drawn as what the two hand to each other; a bar beside a lane means
    that Python code of that side can run.

    Raises:
        ValueError: the backend has no handoff to draw.
    """
    handoff = result.handoff
    if handoff is None or not handoff.events:
        message = f"no handoff of backend {result.name!r}: expected a run with it"
        raise ValueError(message)
    lines = [
        "sequenceDiagram",
        f"participant P as {PARTNER_LABEL}",
        f"participant B as {escape(result.name)}",
    ]
    progress, held_s = handoff.partner_progress_released, handoff.held_s
    for event in handoff.events:
        text = f"{event.at_s:.3f} s {EVENT_NAMES.get(event.name, escape(event.name))}"
        if event.name == "release":
            lines += [f"B->>P: {text}", "activate P"]
            if progress is not None:
                lines.append(
                    f"Note over P,B: Python code at {progress:.0%} of its speed"
                )
        elif event.name == "acquire":
            lines += [f"P->>B: {text}", "deactivate P"]
            if held_s is not None:
                lines.append(f"Note over B: holds the GIL for {describe_time(held_s)}")
        else:
            lines.append(f"Note over {'P' if event.actor == PARTNER else 'B'}: {text}")
    return "\n    ".join(lines) + "\n"


def escape(text: str) -> str:
    """Return the text without what means something to mermaid."""
    return re.sub(r"[^\w .,:()/+-]", "_", text)
