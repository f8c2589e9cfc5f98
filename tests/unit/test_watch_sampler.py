"""What counts as a hold: the sampler's rule on readings that are made up."""

import pytest

from gilscope.watcher.memory import State
from gilscope.watcher.sampler import Candidate, Sampler, Window

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
        thread_id=7,
        native_thread_id=8,
    )


def follow(readings):
    """Return for how long the GIL was kept, ms.

    Readings are (ms, asked, run-queue wait in ms), and since when it was wanted.
    """
    first, *later = readings
    candidate = Candidate(make_state(), first[0] * MS, first[2] * MS)
    for now, is_asked, wait, *wanted in later:
        state = make_state(asked=is_asked, wanted=bool(wanted))
        candidate.note(state, now * MS, now * MS, wait * MS)
    kept = candidate.compute_kept_ns(OVER_NS)
    return None if kept is None else kept / MS


@pytest.mark.parametrize(
    ("readings", "kept"),
    [
        # The request is seen after 6 ms; who asks had begun 5 ms before.
        ([(n, n >= 6, 0) for n in range(16)], 14),
        # It is seen late, but that it was wanted was seen before.
        ([(n, n >= 12, 0, *([1] if n > 1 else [])) for n in range(16)], 13),
        # It was wanted for long, but not by way of a request.
        ([(n, n >= 30, 0, 1) for n in range(32)], None),
        # Nobody asked.
        ([(n, False, 0) for n in range(50)], None),
        # Python code grants the request before the next reading, whatever passed.
        ([(n, n == 30, 0) for n in range(31)], None),
        # Python code that had no core while the request was there.
        ([(n, n >= 6, max(0, n - 7)) for n in range(40)], None),
        # The same instruction in a loop, long before anybody asked.
        ([(n, n >= 100, 0) for n in range(104)], None),
        # Its wait for a core is taken off.
        ([(n, n >= 6, 0 if n < 20 else 8) for n in range(31)], 21),
        # A wait that was over before does not count: the counter tells late.
        ([(0, False, 0), *((n, n >= 6, 50) for n in range(1, 31))], 29),
        # Readings far apart, as on a busy machine.
        ([(0, False, 0), (9, True, 0), (16, True, 0)], 12 - 5),
    ],
)
def test_a_hold_is_kept_after_it_was_asked_for(readings, kept):
    expected = kept if kept is not None and kept >= OVER_NS / MS else None
    assert follow(readings) == expected


@pytest.mark.parametrize(("wait", "own"), [(0, 20), (5, 15), (20, 0), (30, 0)])
def test_own_time_leaves_waits_for_a_core_out(wait, own):
    window = Window(100, 1_000)
    window.note(120, 1_000 + wait)
    assert window.compute_own_ns(120) == own


class ScriptedInterpreter:
    """Answers with one reading after the other."""

    def __init__(self, states):
        self.states = list(states)

    def read_state(self):
        state = self.states.pop(0)
        if isinstance(state, Exception):
            raise state
        return state

    def read_place(self, frame):
        return None


class NoWaits:
    def read_wait_ns(self, native_id):
        return 0


def sample(states, clock, monkeypatch):
    reports = []
    sampler = Sampler(
        1,
        ScriptedInterpreter(states),
        lambda kind, **content: reports.append((kind, content)),
    )
    sampler.over_ns = OVER_NS
    sampler._schedule = NoWaits()
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
    now = iter(range(0, 1000 * MS, MS // 2))
    states = [make_state(asked=number >= 6) for number in range(10)]
    states += [make_state(asked=True, **change) for number in range(6)]
    # Each reading of a place is followed by another one of the state.
    states = [states[0], *states[1:7], *(s for s in states[7:] for _ in range(2)), None]
    reports = sample(states, lambda: next(now), monkeypatch)
    assert [kind for kind, _ in reports] == ["hold"] * n_reports


def test_a_hold_without_a_place_is_reported_as_such(monkeypatch):
    now = iter(range(0, 1000 * MS, MS // 2))
    states = [make_state(asked=number >= 6) for number in range(40)]
    reports = sample([*states, None, None], lambda: next(now), monkeypatch)
    assert [content["place"] for _, content in reports] == [None]
