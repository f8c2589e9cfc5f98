"""What counts as a hold: the sampler's rule on readings that are made up."""

import os
import time
from typing import NamedTuple

import pytest

from gilscope.kernel import Times
from gilscope.watcher.memory import State
from gilscope.watcher.sampler import AskedWindow, Candidate, Sampler, run

MS = 1_000_000
OVER_NS = 10 * MS


def make_state(instruction=1, asked=False, switch=1, wanted=False):
    return State(
        holder=0x10,
        switch_number=switch,
        frame=0x20,
        code=0x30,
        instruction=instruction,
        is_wanted=wanted,
        is_asked=asked,
        interval_us=5_000,
        native_thread_id=8,
    )


class Reading(NamedTuple):
    """What was read of one instruction, in ms."""

    now: int
    is_asked: bool
    waited: int = 0
    # None: it had a core but for that wait.
    computed: int | None = None
    is_wanted: bool = False
    is_blocked: bool = False

    def get_times(self):
        computed = self.now - self.waited if self.computed is None else self.computed
        return Times(computed * MS, self.waited * MS)


def follow(readings):
    """Return for how long the GIL was kept, ms."""
    first, *later = readings
    candidate = Candidate(make_state(), first.now * MS, first.get_times())
    for one in later:
        candidate.note(
            make_state(asked=one.is_asked, wanted=one.is_wanted),
            (one.now * MS, one.now * MS),
            one.get_times(),
            is_blocked=one.is_blocked,
        )
    kept = candidate.compute_kept_ns(OVER_NS)
    return None if kept is None else kept / MS


@pytest.mark.parametrize(
    ("readings", "kept"),
    [
        # The request is seen after 6 ms; who asks had begun 5 ms before.
        ([Reading(n, n >= 6) for n in range(16)], 14),
        # It is seen late, but that it was wanted was seen before.
        ([Reading(n, n >= 12, is_wanted=n > 1) for n in range(16)], 13),
        # It was wanted for long, but not by way of a request.
        ([Reading(n, n >= 30, is_wanted=True) for n in range(32)], None),
        # Nobody asked.
        ([Reading(n, False) for n in range(50)], None),
        # Python code grants the request before the next reading, whatever passed.
        ([Reading(n, n == 30) for n in range(31)], None),
        # Python code that had no core while the request was there.
        ([Reading(n, n >= 6, max(0, n - 7)) for n in range(40)], None),
        # The same instruction in a loop, long before anybody asked.
        ([Reading(n, n >= 100) for n in range(104)], None),
        # Its wait for a core is taken off.
        ([Reading(n, n >= 6, 0 if n < 20 else 8) for n in range(31)], 21),
        # A wait that was over before does not count: the counter tells late.
        ([Reading(n, n >= 6, 50 * (n > 0), n) for n in range(31)], 29),
        # It slept with the GIL.
        ([Reading(n, n >= 6, 0, 0, is_blocked=True) for n in range(31)], 29),
        # The machine itself had no core for it: it neither computed nor waited.
        ([Reading(n, n >= 6, 0, min(n, 6), is_wanted=n > 1) for n in range(90)], None),
        # What it computed is told at each tick, every 4 ms.
        ([Reading(n, n >= 6, 0, n // 4 * 4) for n in range(16)], 14),
        # Readings far apart, as on a busy machine.
        ([Reading(0, False), Reading(9, True), Reading(24, True)], 15),
    ],
)
def test_a_hold_is_kept_after_it_was_asked_for(readings, kept):
    assert follow(readings) == kept


@pytest.mark.parametrize(("wait", "own"), [(0, 20), (5, 15), (20, 0), (30, 0)])
def test_own_time_leaves_waits_for_a_core_out(wait, own):
    window = AskedWindow(100, Times(0, 1_000))
    window.note(120, Times(20, 1_000 + wait), is_blocked=False)
    assert window.compute_own_ns(120, 0) == own


@pytest.mark.parametrize(("is_blocked", "kept"), [(True, 29), (False, None)])
def test_a_wait_after_a_sleep_is_no_part_of_the_hold(is_blocked, kept):
    candidate = Candidate(make_state(), 0, Times(0, 0))
    for now in range(1, 31):
        candidate.note(
            make_state(asked=now >= 6),
            (now * MS, now * MS),
            Times(now * MS, 0),
            is_blocked=is_blocked,
        )
    candidate.note_end(60 * MS, Times(30 * MS, 28 * MS))
    found = candidate.compute_kept_ns(OVER_NS)
    assert found == (kept and kept * MS)


class ScriptedInterpreter:
    """Answers with one reading after the other."""

    gil_address = 5_000

    def __init__(self, states):
        self.states = list(states)

    def read_state(self):
        state = self.states.pop(0)
        if isinstance(state, Exception):
            raise state
        return state

    def read_place(self, frame):
        return None


class ScriptedKernel:
    """Tells of a thread that computes, or is blocked by a lock."""

    def __init__(self, lock=None):
        self.lock = lock

    def read_times(self, native_id):
        return Times(time.monotonic_ns(), 0)

    def find_lock(self, native_id):
        return self.lock


def sample(states, clock, monkeypatch, lock=None):
    reports = []
    sampler = Sampler(
        ScriptedKernel(lock),
        ScriptedInterpreter(states),
        lambda kind, **content: reports.append((kind, content)),
    )
    sampler.over_ns = OVER_NS
    monkeypatch.setattr("gilscope.watcher.sampler.time.monotonic_ns", clock)
    for _ in range(100):
        if not sampler._interpreter.states:
            break
        sampler.sample()
    return reports


@pytest.mark.parametrize(
    ("change", "n_reports"),
    [
        ({}, 1),
        # Somebody else had it in between.
        ({"switch": 2}, 0),
        # It moved on.
        ({"instruction": 2}, 0),
    ],
)
def test_a_hold_is_one_instruction_without_a_switch(change, n_reports, monkeypatch):
    now = iter(range(0, 1000 * MS, MS // 3))
    states = [make_state(asked=number >= 6) for number in range(10)]
    states += [make_state(asked=True, **change) for number in range(6)]
    # Each reading of a place is followed by another one of the state.
    states = [states[0], *states[1:7], *(s for s in states[7:] for _ in range(2)), None]
    reports = sample(states, lambda: next(now), monkeypatch)
    assert [kind for kind, _ in reports] == ["hold"] * n_reports


@pytest.mark.parametrize(("lock", "n_reports"), [(5_100, 0), (4_900, 1), (None, 1)])
def test_who_waits_to_release_the_gil_does_not_hold_it(lock, n_reports, monkeypatch):
    now = iter(range(0, 1000 * MS, MS // 3))
    states = [make_state(asked=number >= 6) for number in range(40)]
    reports = sample([*states, None, None], lambda: next(now), monkeypatch, lock)
    assert len(reports) == n_reports


def test_a_hold_without_a_place_is_reported_as_such(monkeypatch):
    now = iter(range(0, 1000 * MS, MS // 3))
    states = [make_state(asked=number >= 6) for number in range(40)]
    reports = sample([*states, None, None], lambda: next(now), monkeypatch)
    assert [content["place"] for _, content in reports] == [None]


@pytest.mark.parametrize(
    ("state", "why"), [(None, "lost"), (ProcessLookupError(), "gone")]
)
def test_a_pipe_that_a_program_closed_is_not_its_end(state, why):
    sampler = Sampler(ScriptedKernel(), ScriptedInterpreter([state]), print)
    sampler.over_ns = OVER_NS
    control, end = os.pipe()
    os.close(end)
    try:
        assert run(sampler, control) == why
    finally:
        os.close(control)
