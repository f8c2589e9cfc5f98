"""The two lanes of a handoff: Python's partner and the backend, in phases.

Every report draws the same lanes. A phase begins and ends at measured stamps; the one
exception is the end of the partner's sleep, for which it asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from compare.model import PARTNER, Event, Handoff

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

# One character a state, so that no colour is needed.
MARKS: dict[State, str] = {
    "held": "#",
    "released": "-",
    "waiting": "?",
    "sleeping": "z",
}


# A longer name of a backend is cut, so that its lane keeps most of the line.
LABEL_LENGTH = 20


@dataclass(frozen=True)
class Phase:
    """A part of a lane in one state, seconds after the barrier opened."""

    state: State
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Lane:
    """What one thread did.

    Attributes:
        label: whose it is.
        phases: one right after the other, from its entry to its exit.
        events: those of this thread, in the order of time.
    """

    label: str
    phases: tuple[Phase, ...]
    events: tuple[Event, ...]


def make_lanes(name: str, handoff: Handoff) -> tuple[Lane, Lane]:
    """Return the lane of Python's partner and that of the backend of that name."""
    own = tuple(event for event in handoff.events if event.actor == PARTNER)
    others = tuple(event for event in handoff.events if event.actor != PARTNER)
    return (
        Lane(PARTNER_LABEL, compute_partner_phases(own, handoff.partner_sleep_s), own),
        Lane(name, compute_backend_phases(others), others),
    )


def compute_backend_phases(events: Sequence[Event]) -> tuple[Phase, ...]:
    """Return what the backend did: the GIL is held but where it was seen to be free."""
    times = {event.name: event.at_s for event in events}
    if "enter" not in times or "exit" not in times:
        return ()
    if "release" not in times:
        return chain_phases(times["enter"], ("held", times["exit"]))
    acquire = times.get("acquire", times["exit"])
    return chain_phases(
        times["enter"],
        ("held", times["release"]),
        ("released", times.get("kernel_end", acquire)),
        ("waiting", acquire),
        ("held", times["exit"]),
    )


def compute_partner_phases(
    events: Sequence[Event], sleep_s: float
) -> tuple[Phase, ...]:
    """Return what the partner did: it sleeps, and wants the GIL when that is over."""
    times = {event.name: event.at_s for event in events}
    if "enter" not in times or "exit" not in times:
        return ()
    sleep = times.get("sleep", times["enter"])
    awake = min(sleep + sleep_s, times["exit"])
    return chain_phases(
        times["enter"],
        ("held", sleep),
        ("sleeping", awake),
        ("waiting", times["exit"]),
    )


def chain_phases(start_s: float, *ends: tuple[State, float]) -> tuple[Phase, ...]:
    """Return the phases that end at these times, leaving out those of no length."""
    phases = []
    for state, end_s in ends:
        if end_s > start_s:
            phases.append(Phase(state, start_s, end_s))
            start_s = end_s
    return tuple(phases)


def render_timeline(name: str, handoff: Handoff, width: int = 80) -> str:
    """Draw both lanes in characters, with what was seen of Python code in between.

    Args:
        name: the backend's.
        handoff: what was measured.
        width: how many columns may be used.

    Returns:
        Lines for a terminal; no line at all where nothing was measured.
    """
    partner, own = make_lanes(name, handoff)
    if not own.phases:
        return ""
    end_s = max(event.at_s for event in handoff.events)
    labels = (shorten_label(partner.label), "Python runs", shorten_label(own.label))
    margin = max(map(len, labels)) + 1
    n_columns = width - margin - 2
    column_s = end_s / n_columns
    rows = (
        draw_phases(partner, column_s, n_columns),
        draw_ticks(handoff.ticks_s, column_s, n_columns),
        draw_phases(own, column_s, n_columns),
    )
    lines = [
        f"{label:{margin}}|{row}|" for label, row in zip(labels, rows, strict=True)
    ]
    lines.append(" " * (margin + 1) + draw_scale(end_s, n_columns))
    lines.append(" ".join(f"{mark} {state} " for state, mark in MARKS.items()).rstrip())
    return "\n".join(lines)


def shorten_label(label: str) -> str:
    """Return a label that leaves room for the lane."""
    return label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 3] + "..."


def draw_phases(lane: Lane, column_s: float, n_columns: int) -> str:
    """Return the state that fills most of each column."""
    row = ""
    for column in range(n_columns):
        start_s, end_s = column * column_s, (column + 1) * column_s
        overlaps = {
            phase.state: min(end_s, phase.end_s) - max(start_s, phase.start_s)
            for phase in lane.phases
            if phase.start_s < end_s and phase.end_s > start_s
        }
        row += (
            MARKS[max(overlaps, key=lambda state: overlaps[state])] if overlaps else " "
        )
    return row


def draw_ticks(ticks_s: Sequence[float], column_s: float, n_columns: int) -> str:
    """Return a row that has a mark wherever Python code was seen to run."""
    seen = {int(tick_s / column_s) for tick_s in ticks_s}
    return "".join("|" if column in seen else " " for column in range(n_columns))


def draw_scale(end_s: float, n_columns: int) -> str:
    """Return the time at the beginning and at the end of the lanes."""
    end = f"{end_s:.2f} s"
    return "0" + end.rjust(n_columns - 1)
