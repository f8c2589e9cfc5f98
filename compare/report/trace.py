"""The handoff as Chrome Trace Event JSON, which Perfetto and speedscope open.

Source:
    Trace Event Format (Google, 2016): complete events "X", instants "i" and metadata
    "M"; times in microseconds.
"""

import json
from collections.abc import Iterator
from typing import Any

from compare.report.timeline import EVENT_NAMES, make_lanes
from compare.results import BackendResult, Report

# The threads of each process; the last is the one that counts in pure Python.
PARTNER_ID, BACKEND_ID, COUNTER_ID = 1, 2, 3

Fields = dict[str, Any]


def render_trace(report: Report) -> str:
    """Return one process for each backend with a handoff, one thread for each lane."""
    events: list[Fields] = []
    for process_id, result in enumerate(report, start=1):
        events += make_process(process_id, result)
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
    for thread_id, lane in zip(
        (PARTNER_ID, BACKEND_ID), make_lanes(result.name, handoff), strict=True
    ):
        yield from make_thread(process_id, thread_id, lane.label)
        for phase in lane.phases:
            yield {
                "name": phase.state,
                "cat": "gil",
                "ph": "X",
                "ts": to_us(phase.start_s),
                "dur": to_us(phase.duration_s),
                "pid": process_id,
                "tid": thread_id,
            }
        for event in lane.events:
            name = EVENT_NAMES.get(event.name, event.name)
            yield make_instant(name, event.at_s, process_id, thread_id)
    yield from make_thread(process_id, COUNTER_ID, "Python code beside it")
    for tick_s in handoff.ticks_s:
        # It counts before the barrier opens too, which is where the time begins.
        if tick_s >= 0:
            yield make_instant("tick", tick_s, process_id, COUNTER_ID)


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
