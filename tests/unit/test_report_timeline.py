"""The handoff as lanes, in characters, as a trace and as a sequence diagram."""

import dataclasses
import itertools
import json
import re

import pytest

from compare.model import PARTNER, Event, Handoff
from compare.render.timeline import (
    Lane,
    describe_look,
    make_lanes,
    render_mermaid,
    render_timeline,
    render_trace,
)
from tests.unit.sample_reports import HOSTILE, make_report, replace_in


def get_handoff(name: str) -> Handoff:
    handoff = make_report()[name].handoff
    assert handoff is not None
    return handoff


def list_phases(lane: Lane) -> list[tuple[str, float]]:
    return [(phase.state, round(phase.duration_s, 4)) for phase in lane.phases]


def test_a_backend_that_releases_has_all_its_phases() -> None:
    """Held until the release, released, waiting, held again until the exit."""
    partner, own = make_lanes("pyo3", get_handoff("pyo3"))
    assert list_phases(own) == [
        ("held", 0.0001),
        ("released", 0.6001),
        ("waiting", 0.0002),
        ("held", 0.3001),
    ]
    assert list_phases(partner) == [
        ("held", 0.0001),
        ("sleeping", 0.1),
        ("waiting", 0.0001),
    ]


def test_a_release_that_nobody_could_use_is_held() -> None:
    """Without a release among the events the whole call holds the GIL."""
    _, own = make_lanes("python", get_handoff("python"))
    assert list_phases(own) == [("held", 0.9005)]


def test_a_partner_that_wakes_up_late_waits() -> None:
    """What comes after the sleep it asked for is waiting for the GIL."""
    handoff = get_handoff("pyo3")
    events = tuple(
        dataclasses.replace(event, at_s=0.95)
        if (event.actor, event.name) == ("partner", "exit")
        else event
        for event in handoff.events
    )
    late = dataclasses.replace(handoff, events=events, partner_sleep_s=0.7)
    partner, _ = make_lanes("pyo3", late)
    assert list_phases(partner)[1:] == [("sleeping", 0.7), ("waiting", 0.2498)]


def test_a_bad_trace_has_no_lane_and_no_picture() -> None:
    """Nothing is drawn that was not measured."""
    handoff = get_handoff("pyo3")
    bad = dataclasses.replace(
        handoff, events=tuple(e for e in handoff.events if e.actor == "partner")
    )
    _, own = make_lanes("pyo3", bad)
    assert own.phases == []
    assert render_timeline("pyo3", bad) == ""


@pytest.mark.parametrize("name", ["pyo3", "package.module:attribute" * 4, "파이썬"])
def test_the_timeline_fits_80_columns(name: str) -> None:
    """Three rows of one width, a scale and the legend."""
    lines = render_timeline(name, get_handoff("pyo3")).splitlines()
    assert len(lines) == 5
    assert {len(line) for line in lines[:3]} == {80}
    assert all(len(line) <= 80 for line in lines)


def test_the_timeline_shows_two_thirds_released() -> None:
    """Each column has the state that fills most of it."""
    lines = render_timeline("pyo3", get_handoff("pyo3")).splitlines()
    own = lines[2].partition("|")[2]
    ticks = lines[1].partition("|")[2]
    assert re.fullmatch(r"-+#+\|", own)
    assert 0.64 < own.count("-") / (len(own) - 1) < 0.69
    # Python code is seen above what is released and nowhere else.
    assert ticks.rindex("|", 0, -1) <= own.index("#")
    assert "z" in lines[0]


# --- The trace ------------------------------------------------------------------------


def check_trace_event(event: dict) -> None:
    """Assert what the Trace Event Format asks of an event of each kind."""
    assert isinstance(event["name"], str)
    assert isinstance(event["pid"], int)
    assert isinstance(event["tid"], int)
    if event["ph"] == "M":
        kinds = {"process_name": str, "thread_name": str}
        argument = "name" if event["name"] in kinds else "sort_index"
        assert event["name"] in {*kinds, "process_sort_index", "thread_sort_index"}
        assert isinstance(event["args"][argument], kinds.get(event["name"], int))
        return
    assert isinstance(event["ts"], float | int)
    assert event["ts"] >= 0
    assert isinstance(event["cat"], str)
    if event["ph"] not in {"B", "E"}:
        assert event["ph"] == "i"
        assert event["s"] in {"g", "p", "t"}


def test_the_trace_keeps_the_rules_of_its_format() -> None:
    """A JSON object with traceEvents, each of them well formed."""
    content = json.loads(render_trace(make_report()))
    assert content["displayTimeUnit"] in {"ms", "ns"}
    for event in content["traceEvents"]:
        check_trace_event(event)
    named = {
        (event["pid"], event["tid"])
        for event in content["traceEvents"]
        if event["name"] == "thread_name"
    }
    used = {
        (event["pid"], event["tid"])
        for event in content["traceEvents"]
        if event["ph"] != "M"
    }
    assert used == named
    # A viewer takes a number to be of one thread, and the process's for the main one.
    assert len({tid for _, tid in named}) == len(named) == 4 * 3
    assert all(pid != tid for pid, tid in named)


def test_the_trace_has_phases_events_and_ticks_in_microseconds() -> None:
    """What was measured in seconds is there, of one thread each."""
    events = json.loads(render_trace(make_report()))["traceEvents"]
    own = [event for event in events if (event["pid"], event["tid"]) == (40, 42)]
    slices = [event for event in own if event["ph"] in {"B", "E"}]
    assert [(event["ph"], event["name"]) for event in slices] == [
        (kind, name)
        for name in ("held", "released", "waiting", "held")
        for kind in ("B", "E")
    ]
    assert [event["ts"] for event in slices[2:4]] == [500.0, 600_600.0]
    names = [event["name"] for event in own if event["ph"] == "i"]
    assert names == ["Enter", "Release GIL", "Kernel end", "Acquire GIL", "Exit"]
    ticks = [
        event for event in events if event["name"] == "tick" and event["pid"] == 40
    ]
    assert len(ticks) == len(get_handoff("pyo3").ticks_s)


def test_no_phase_of_the_trace_reaches_into_the_next() -> None:
    """One ends at the very number at which the next begins, or a viewer nests them."""
    # A start and a duration, each rounded, would not add up to the next start.
    stamps = {"enter": 0.0, "sleep": 681e-9, "exit": 0.43248958}
    handoff = dataclasses.replace(
        get_handoff("pyo3"),
        events=tuple(Event(at_s, PARTNER, name) for name, at_s in stamps.items()),
        partner_sleep_s=0.02,
    )
    events = json.loads(
        render_trace(replace_in(make_report(), "pyo3", handoff=handoff))
    )["traceEvents"]
    slices = [
        event
        for event in events
        if (event["pid"], event["tid"]) == (40, 41) and event["ph"] in {"B", "E"}
    ]
    assert [event["ph"] for event in slices] == ["B", "E"] * 3
    for end, begin in itertools.pairwise(slices):
        if end["ph"] == "E":
            assert begin["ts"] == end["ts"]


def test_the_trace_begins_when_the_barrier_opens() -> None:
    """A tick from before has no place on the scale."""
    handoff = dataclasses.replace(get_handoff("pyo3"), ticks_s=(-0.001, 0.001))
    events = json.loads(
        render_trace(replace_in(make_report(), "pyo3", handoff=handoff))
    )["traceEvents"]
    ticks = [
        event for event in events if event["name"] == "tick" and event["pid"] == 40
    ]
    assert [tick["ts"] for tick in ticks] == [1000.0]


def test_the_trace_names_a_backend_without_a_handoff() -> None:
    """A crash is a process with its status and nothing in it."""
    report = replace_in(make_report(), "cffi", status="crashed", handoff=None)
    events = json.loads(render_trace(report))["traceEvents"]
    found = [event for event in events if event["pid"] == 30]
    assert found[0]["args"] == {"name": "cffi (crashed)"}
    assert {event["ph"] for event in found} == {"M"}


# --- The sequence diagram -------------------------------------------------------------


def test_the_diagram_hands_the_gil_over_and_back() -> None:
    """Release and acquisition are messages, everything else is a note."""
    assert render_mermaid(make_report()["pyo3"]).splitlines() == [
        "sequenceDiagram",
        "    participant P as Python partner",
        "    participant B as pyo3",
        "    Note over P: 0.000 s Enter",
        "    Note over P: 0.000 s Sleep",
        "    Note over B: 0.000 s Enter",
        "    B->>P: 0.001 s Release GIL",
        "    activate P",
        "    Note over P,B: Python code at 98% of its speed",
        "    Note over P: 0.100 s Exit",
        "    Note over B: 0.601 s Kernel end",
        "    P->>B: 0.601 s Acquire GIL",
        "    deactivate P",
        "    Note over B: holds the GIL for 300 ms",
        "    Note over B: 0.901 s Exit",
    ]


def test_the_diagram_has_no_release_that_was_not_seen() -> None:
    """A backend that holds hands nothing over, and no bar is left open."""
    text = render_mermaid(make_report()["python"])
    assert "->>" not in text
    assert "activate" not in text


def test_the_diagram_is_safe_from_hostile_names() -> None:
    """What would end a statement or begin another one is taken out."""
    result = dataclasses.replace(make_report()["pyo3"], name=f"{HOSTILE}\n%%;#end")
    text = render_mermaid(result)
    line = text.splitlines()[2]
    assert re.fullmatch(r"    participant B as [\w .,:()/+-]+", line)
    assert len(text.splitlines()) == 15


def test_no_handoff_is_no_diagram() -> None:
    """The error says what is missing."""
    result = dataclasses.replace(make_report()["pyo3"], handoff=None)
    with pytest.raises(ValueError, match="no handoff of backend 'pyo3'"):
        render_mermaid(result)


@pytest.mark.parametrize(
    ("sleep_s", "exit_s", "is_held_up"), [(0.1, 0.5, False), (0.1, 0.85, True)]
)
def test_the_partner_is_held_up_only_while_the_backend_holds_the_gil(
    sleep_s, exit_s, is_held_up
) -> None:
    """A wait beside a released GIL is for the busy thread, or for a core."""
    handoff = get_handoff("pyo3")
    events = tuple(
        dataclasses.replace(event, at_s=exit_s)
        if (event.actor, event.name) == (PARTNER, "exit")
        else event
        for event in handoff.events
    )
    handoff = dataclasses.replace(
        handoff,
        events=tuple(sorted(events, key=lambda event: event.at_s)),
        partner_sleep_s=sleep_s,
    )
    assert ("held the GIL" in describe_look("pyo3", handoff)) is is_held_up
