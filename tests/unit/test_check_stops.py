"""What one stop of the world says of the caller, from what Linux tells of it."""

import time
from functools import partial
from types import SimpleNamespace

import pytest

from gilscope.kernel import Times
from gilscope.probe import stop_the_world
from gilscope.probe.stop_the_world import (
    BACK_NS,
    Span,
    Stop,
    StopWitness,
    add_up,
    watch_span,
)
from gilscope.probe.witness import Note

AWAKE, ASLEEP = False, True


class View:
    """Says before and after a stop what Linux might say of a thread."""

    def __init__(self, *states, waits_ns=()):
        self.states = list(states)
        self.waits_ns = list(waits_ns)

    def read_sleep(self):
        return self.states.pop(0)

    def read_times(self):
        return Times(0, self.waits_ns.pop(0) if self.waits_ns else 0)


def stop_world(monkeypatch, states, computed, at_last=0):
    monkeypatch.setattr(stop_the_world, "find_place", lambda _: None)
    witness = StopWitness()
    witness._noted_view = View(*states)
    witness._own_view = View()
    witness._read_caller = iter(computed).__next__
    witness._computed_at_last = at_last
    return witness._stop_world()


@pytest.mark.parametrize(
    ("states", "computed", "has_stopped", "is_proven"),
    [
        # It slept on, however often it was looked at.
        ([(ASLEEP, 3), (ASLEEP, 3)], (5, 5, 5), False, True),
        # It was on its way and had no core meanwhile.
        ([(AWAKE, 3), (AWAKE, 3)], (7, 7, 7), False, True),
        # It computed on.
        ([(AWAKE, 3), (AWAKE, 3)], (6, 7, 8), False, False),
        # It went to sleep, which is what the stopped do.
        ([(AWAKE, 3), (ASLEEP, 4)], (6, 7, 8), True, False),
        ([(ASLEEP, 3), (AWAKE, 4)], (6, 6, 8), True, False),
        # It woke up and may not have come to where it is stopped.
        ([(ASLEEP, 3), (AWAKE, 3)], (6, 6, 8), None, False),
    ],
)
def test_linux_tells_whether_the_caller_was_stopped(
    monkeypatch, states, computed, has_stopped, is_proven
):
    found = stop_world(monkeypatch, states, computed, at_last=-BACK_NS)
    assert (found.has_stopped, found.is_proven) == (has_stopped, is_proven)


def test_one_that_had_no_core_since_it_was_stopped_last_tells_nothing(monkeypatch):
    """It may not have come back from there, and would not have to be stopped again."""
    states = [(AWAKE, 3), (AWAKE, 3)]
    assert stop_world(monkeypatch, states, (5, 5, 5), at_last=5) is None


def test_without_the_kernel_a_stop_is_only_a_stop(monkeypatch):
    monkeypatch.setattr(stop_the_world, "find_place", lambda _: None)
    found = StopWitness()._stop_world()
    assert (found.has_stopped, found.is_proven) == (None, False)


def test_a_stop_did_not_wait_for_a_caller_without_a_core(monkeypatch):
    """It waited for the core, as it would beside one that is detached."""
    monkeypatch.setattr(stop_the_world, "find_place", lambda _: None)
    witness = StopWitness()
    witness._own_view = View(waits_ns=[1_000, 1_500])
    witness._noted_view = View((AWAKE, 3), (ASLEEP, 4), waits_ns=[5_000, 75_000])
    assert witness._stop_world().waited_ns == 70_500


@pytest.mark.parametrize(("waits_ns", "own_ms"), [((7, 7), 10), ((7, 4_000_007), 6)])
def test_the_run_queue_wait_of_the_caller_is_no_part_of_a_call(waits_ns, own_ms):
    """Or a sleep would be lost in it, and the little Python code around be most."""
    witness = SimpleNamespace(start=bool, rest=bool, stops=[])
    witness.caller_view = View(waits_ns=waits_ns)
    span = watch_span(witness, partial(time.sleep, 0.005), 2)
    assert span.own_ns * 2 >= own_ms * 1e6
    assert span.own_ns * 2 == span.stamps[-1] - span.stamps[0] - (waits_ns[1] - 7)
    assert next(span.split()).own_ns == span.own_ns


def stop(start, end, before, after):
    return Stop(start, end, Note(end, progress=after), before, True)


@pytest.mark.parametrize(
    ("found", "n_interrupted"),
    [
        # From the midst to the midst.
        (stop(480_000, 490_000, 480_000, 490_000), 1),
        # It waited for the end of the work, or was over at its beginning.
        (stop(400_000, 995_000, 400_000, 995_000), 0),
        (stop(5_000, 400_000, 5_000, 400_000), 0),
    ],
)
def test_a_call_is_interrupted_where_a_stop_begins_and_ends(found, n_interrupted):
    span = Span((0, 1_000_000), (0, 1_000_000), [found])
    evidence = add_up([span])
    assert evidence.n_calls_split == n_interrupted
    assert (evidence.n_ticks, evidence.n_stopped) == (1, 1)


def test_calls_are_split_with_the_stops_beside_each():
    across = stop(9, 11, 9, 11)
    calls = list(Span((0, 10, 20), (0, 10, 20), [across]).split())
    assert [call.stops for call in calls] == [[across], [across]]
    assert [call.inside for call in calls] == [[], []]
