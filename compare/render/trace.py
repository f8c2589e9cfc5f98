"""The handoff as Chrome Trace Event JSON, which Perfetto and speedscope open.

Source:
    Trace Event Format (Google, 2016): "B" and "E" begin and end a slice, "i" is an
    instant, "M" metadata; times in microseconds.
"""

import json
from collections.abc import Iterator
from typing import Any

from compare.model import BackendResult, Report
from compare.render.timeline import EVENT_NAMES, make_lanes

# A thread's number is its process's plus one of these; the last is the thread that
# counts in pure Python. Perfetto takes a thread with its process's number for the main
# one and moves it up, and takes a number to be of one thread only.
PARTNER_ID, BACKEND_ID, COUNTER_ID = 1, 2, 3
PROCESS_STEP = 10

Fields = dict[str, Any]


def render_trace(report: Report) -> str:
    """Return one process for each backend with a handoff, one thread for each lane."""
    events: list[Fields] = []
    for number, result in enumerate(report, start=1):
        events += make_process(number * PROCESS_STEP, result)
    content = {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "python": report.environment.python,
            "platform": report.environment.platform,
            "gilscope": report.environment.gilscope,
            "started_at": report.environment.started_at,
        },
    }
    # Tens of thousands of ticks: without spaces the file is a third smaller.
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"


def make_process(process_id: int, result: BackendResult) -> Iterator[Fields]:
    """Return the events of one backend."""
    name = f"{result.name} ({result.status})"
    yield make_metadata("process_name", process_id, 0, name=name)
    yield make_metadata("process_sort_index", process_id, 0, sort_index=process_id)
    handoff = result.handoff
    if handoff is None:
        return
    for lane_id, lane in zip(
        (PARTNER_ID, BACKEND_ID), make_lanes(result.name, handoff), strict=True
    ):
        thread_id = process_id + lane_id
        yield from make_thread(process_id, thread_id, lane.label)
        for phase in lane.phases:
            # Not "X": a start and a duration add up to something just after the next
            # start, and a viewer draws the next phase inside this one.
            for kind, at_s in (("B", phase.start_s), ("E", phase.end_s)):
                yield {
                    "name": phase.state,
                    "cat": "gil",
                    "ph": kind,
                    "ts": to_us(at_s),
                    "pid": process_id,
                    "tid": thread_id,
                }
        for event in lane.events:
            name = EVENT_NAMES.get(event.name, event.name)
            yield make_instant(name, event.at_s, process_id, thread_id)
    counter_id = process_id + COUNTER_ID
    yield from make_thread(process_id, counter_id, "Python code beside it")
    for tick_s in handoff.ticks_s:
        # It counts before the barrier opens too, which is where the time begins.
        if tick_s >= 0:
            yield make_instant("tick", tick_s, process_id, counter_id)


def make_thread(process_id: int, thread_id: int, name: str) -> Iterator[Fields]:
    """Return the name of a thread and its place among the others."""
    yield make_metadata("thread_name", process_id, thread_id, name=name)
    yield make_metadata(
        "thread_sort_index", process_id, thread_id, sort_index=thread_id
    )


def make_metadata(kind: str, process_id: int, thread_id: int, **args: Any) -> Fields:
    """Return an event that says something about a process or a thread."""
    return {"name": kind, "ph": "M", "pid": process_id, "tid": thread_id, "args": args}


def make_instant(name: str, at_s: float, process_id: int, thread_id: int) -> Fields:
    """Return an event of no duration, drawn within its thread."""
    return {
        "name": name,
        "cat": "event",
        "ph": "i",
        "s": "t",
        "ts": to_us(at_s),
        "pid": process_id,
        "tid": thread_id,
    }


def to_us(seconds: float) -> float:
    """Return microseconds, to the nanosecond."""
    return round(seconds * 1e6, 3)
