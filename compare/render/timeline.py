"""The handoff as text: lines, lanes, a trace for Perfetto, a diagram for mermaid.

Every report draws the same lanes. A phase begins and ends at measured stamps; the one
exception is the end of the partner's sleep, for which it asked.

Source:
    Trace Event Format (Google, 2016), which Perfetto and speedscope open: "B" and "E"
    begin and end a slice, "i" is an instant, "M" metadata; times in microseconds.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from compare.model import PARTNER, BackendResult, Event, Handoff, Report
from gilscope.units import describe_share, describe_time

State = Literal["held", "released", "waiting", "sleeping"]

PARTNER_LABEL = "Python partner"
# The lecture's names for what the events of a trace are.
EVENT_NAMES = {
    "enter": "Enter",
    "sleep": "Sleep",
    "kernel_start": "Kernel start",
    "release": "Release GIL",
    "kernel_end": "Kernel end",
    "acquire": "Acquire GIL",
    "exit": "Exit",
}
# Of these the lecture prints nothing.
UNTOLD = ("kernel_start", "kernel_end")
# One character a state, so that no colour is needed.
MARKS: dict[State, str] = {
    "held": "#",
    "released": "-",
    "waiting": "?",
    "sleeping": "z",
}
WIDTH = 80
# A longer name of a backend is cut, so that its lane keeps most of the line.
LABEL_LENGTH = 20
# A shorter wait of the partner is not worth a look.
MUCH_WAITED_S = 0.02
# Less than this of its speed is no code that ran, but the edges of a phase.
MUCH_PROGRESS = 0.1


class Phase(NamedTuple):
    """A part of a lane in one state, seconds after the barrier opened."""

    state: State
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


class Lane(NamedTuple):
    """What one thread did: phase after phase from its entry to its exit."""

    label: str
    phases: list[Phase]
    events: list[Event]


def make_lanes(name: str, handoff: Handoff) -> tuple[Lane, Lane]:
    """Return the lane of Python's partner and that of the backend of that name."""
    own = [event for event in handoff.events if event.actor == PARTNER]
    others = [event for event in handoff.events if event.actor != PARTNER]
    return (
        Lane(PARTNER_LABEL, [*list_phases(own, handoff.partner_sleep_s)], own),
        Lane(name, [*list_phases(others)], others),
    )


def list_phases(
    events: Sequence[Event], sleep_s: float | None = None
) -> Iterator[Phase]:
    """Yield what a thread did, leaving out phases of no length.

    A backend holds the GIL but where it was seen to be released. The partner sleeps,
    for `sleep_s`, and wants the GIL when that is over.
    """
    times = {event.name: event.at_s for event in events}
    if "enter" not in times or "exit" not in times:
        return
    start_s, exit_s = times["enter"], times["exit"]
    ends: list[tuple[State, float]] = [("held", exit_s)]
    if sleep_s is not None:
        sleep = times.get("sleep", start_s)
        awake = min(sleep + sleep_s, exit_s)
        ends = [("held", sleep), ("sleeping", awake), ("waiting", exit_s)]
    elif "release" in times:
        acquire = times.get("acquire", exit_s)
        released = times.get("kernel_end", acquire)
        ends = [("held", times["release"]), ("released", released)]
        ends += [("waiting", acquire), ("held", exit_s)]
    for state, end_s in ends:
        if end_s > start_s:
            yield Phase(state, start_s, end_s)
            start_s = end_s


def render_timeline(name: str, handoff: Handoff) -> str:
    """Draw both lanes in characters, with what was seen of Python code in between.

    Nothing is drawn where nothing was measured.
    """
    partner, own = make_lanes(name, handoff)
    if not own.phases:
        return ""
    label = name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 3]}..."
    labels = (PARTNER_LABEL, "Python runs", label)
    margin = max(map(len, labels)) + 1
    n_columns = WIDTH - margin - 2
    end_s = max(event.at_s for event in handoff.events)
    column_s = end_s / n_columns
    seen = {int(tick_s / column_s) for tick_s in handoff.ticks_s}
    rows = ["", "", ""]
    for column in range(n_columns):
        at_s = (column + 0.5) * column_s
        states = (
            [one.state for one in lane.phases if one.start_s <= at_s < one.end_s]
            for lane in (partner, own)
        )
        marks = [MARKS[state[0]] if state else " " for state in states]
        marks.insert(1, "|" if column in seen else " ")
        rows = [row + mark for row, mark in zip(rows, marks, strict=True)]
    return "\n".join(
        (
            *(
                f"{each:{margin}}|{row}|"
                for each, row in zip(labels, rows, strict=True)
            ),
            " " * (margin + 1) + "0" + f"{end_s:.2f} s".rjust(n_columns - 1),
            "  ".join(f"{mark} {state}" for state, mark in MARKS.items()),
        )
    )


# --- The lecture's output -------------------------------------------------------------


def render_transcript(result: BackendResult) -> str:
    """Return what both threads did, line by line, with seconds."""
    handoff = result.handoff
    if handoff is None:
        return f"{result.name}: {result.status}: {result.reason}"
    # The language, as the lecture's lines begin with it.
    label = result.technology.partition(",")[0].partition(" through ")[0] or result.name
    lines = []
    for event in handoff.events:
        is_partner = event.actor == PARTNER
        words = EVENT_NAMES.get(event.name)
        if event.name == "enter":
            words = "Enter double_list_py" if is_partner else "Enter double_list"
        elif event.name == "sleep":
            words = f"Sleep for {handoff.partner_sleep_s:g} sec"
        if words and event.name not in UNTOLD:
            who = "Py" if is_partner else label
            lines.append(f"{event.at_s:9.4f} s  {who}: {words}...")
    for name, answer in zip(("Py", label), handoff.results, strict=True):
        lines.append(f"{name}: {'no list of ints' if answer is None else [*answer]}")
    if handoff.partner_progress_released is not None:
        released = describe_share(handoff.partner_progress_released)
        held = describe_share(handoff.partner_progress_held)
        speed = f"other Python code ran at {released} of its speed."
        if was_released(handoff):
            lines += [
                f"While it was released, {speed}",
                f"While it was held, at {held}.",
                f"Re-acquiring it took {describe_time(handoff.waiting_s)}.",
            ]
        else:
            lines.append(f"The GIL was not seen to be released:\nmeanwhile {speed}")
    return "\n".join(lines + [f"wrong: {failure}" for failure in handoff.failures])


def was_released(handoff: Handoff) -> bool:
    """Return whether Python code was seen to run because the GIL was released."""
    return any(event.name == "release" for event in handoff.events)


def describe_look(name: str, handoff: Handoff) -> str:
    """Say what to look at in the timeline, by what was measured."""
    if not was_released(handoff):
        return (
            f"Look at the lane of {name}: it has no '-', for the GIL was never "
            "released. A '|' above it is Python code that interrupted it."
        )
    ran = "Look at the row 'Python runs': Python code ran above the '-', while the GIL "
    if (handoff.partner_progress_held or 0.0) > MUCH_PROGRESS:
        return f"{ran}was released, and above the '#' too: it interrupted {name}."
    partner, own = make_lanes(name, handoff)
    # Beside a released GIL the partner waits for the busy thread, or for a core.
    waited_s = sum(
        max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
        for one in partner.phases
        for other in own.phases
        if (one.state, other.state) == ("waiting", "held")
    )
    if waited_s > MUCH_WAITED_S:
        return (
            f"Look at the '?' of the partner: its sleep was over, but {name} "
            f"held the GIL ('#'), so it waited {describe_time(waited_s)}."
        )
    return f"{ran}was released, and stopped above the '#', while it was held."


# --- For other tools ------------------------------------------------------------------

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
        f"participant B as {escape_mermaid(result.name)}",
    ]
    progress, held_s = handoff.partner_progress_released, handoff.held_s
    for event in handoff.events:
        name = EVENT_NAMES.get(event.name, escape_mermaid(event.name))
        text = f"{event.at_s:.3f} s {name}"
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


def escape_mermaid(text: str) -> str:
    """Return the text without what means something to mermaid."""
    return re.sub(r"[^\w .,:()/+-]", "_", text)
