"""What one stop of the world says of the caller, from what Linux tells of it."""

import time
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest

from gilscope.kernel import Times
from gilscope.probe import stop_the_world
from gilscope.probe.stop_the_world import (
    BACK_NS,
    Stop,
    StopWindow,
    StopWitness,
    add_up,
    watch_for,
    watch_stops,
)
from gilscope.probe.witness import Tick

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


def make_stop(length_us, computed_us, witness_us=0, caller_us=0):
    """Return a stop that begins 0.1 ms after the call."""
    note = Tick(0, progress=1000 * computed_us)
    waits = {"witness_wait_ns": 1000 * witness_us, "caller_wait_ns": 1000 * caller_us}
    return Stop(100_000, 100_000 + 1000 * length_us, note, 0, **waits)


@pytest.mark.parametrize(
    ("found", "has_waited"),
    [
        pytest.param(make_stop(3900, 3900), True, id="it computes"),
        pytest.param(make_stop(3900, 0), True, id="it sleeps attached"),
        pytest.param(make_stop(1501, 0), False, id="it may have detached"),
        pytest.param(make_stop(2001, 0), True, id="it slept for half of the rest"),
        pytest.param(make_stop(3900, 0, witness_us=2000), False, id="no core"),
        pytest.param(make_stop(8900, 0, caller_us=8000), False, id="it had no core"),
        pytest.param(make_stop(8900, 2001, 2000, 5000), True, id="a core for half"),
        pytest.param(make_stop(8900, 1999, 2000, 5000), False, id="for less"),
        pytest.param(make_stop(3900, 3900)._replace(has_slept=False), False, id="late"),
    ],
)
def test_a_stop_waits_for_the_call_and_not_for_a_core(found, has_waited):
    """As it would beside one that is detached: neither for its own nor the caller's."""
    window = StopWindow(
        (0, 4_100_000 + found.caller_wait_ns), (0, 0), [found], 4_000_000
    )
    assert add_up([window]).n_waited == has_waited


def test_a_stop_that_waits_for_a_millisecond_may_only_have_looked_no_sooner():
    """The call detached before it was stopped, and slept for a millisecond."""
    window = StopWindow((0, 1_100_000), (0, 60_000), [make_stop(1000, 50)], 1_100_000)
    assert add_up([window]).n_waited == 0
    # But for one that runs no Python code, of which a stop inside would tell.
    assert add_up([window], 20_000).n_waited == 1


def test_the_run_queue_waits_during_a_stop_are_noted(monkeypatch):
    monkeypatch.setattr(stop_the_world, "find_place", lambda _: None)
    witness = StopWitness()
    witness._own_view = View(waits_ns=[1_000, 1_500])
    witness._noted_view = View((AWAKE, 3), (ASLEEP, 4), waits_ns=[5_000, 75_000])
    found = witness._stop_world()
    assert (found.witness_wait_ns, found.caller_wait_ns) == (500, 70_000)


@pytest.mark.parametrize(("waits_ns", "own_ms"), [((7, 7), 10), ((7, 4_000_007), 6)])
def test_the_run_queue_wait_of_the_caller_is_no_part_of_a_call(waits_ns, own_ms):
    """Or a sleep would be lost in it, and the little Python code around be most."""
    witness = SimpleNamespace(start=bool, rest=bool, stops=[])
    witness.caller_view = View(waits_ns=waits_ns)
    window = watch_stops(witness, partial(time.sleep, 0.005), 2)
    assert window.own_ns * 2 >= own_ms * 1e6
    assert window.own_ns * 2 == window.stamps[-1] - window.stamps[0] - (waits_ns[1] - 7)
    assert next(window.split()).own_ns == window.own_ns


def stop(start, end, before, after):
    return Stop(start, end, Tick(end, progress=after), before, True)


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
    window = StopWindow((0, 1_000_000), (0, 1_000_000), [found])
    evidence = add_up([window])
    assert evidence.n_calls_split == n_interrupted
    assert (evidence.n_ticks, evidence.n_stopped) == (1, 1)


def test_calls_are_split_with_the_stops_beside_each():
    across = stop(9, 11, 9, 11)
    calls = list(StopWindow((0, 10, 20), (0, 10, 20), [across]).split())
    assert [call.stops for call in calls] == [[across], [across]]
    assert [call.inside for call in calls] == [[], []]


MS = 1_000_000


class FakeWitness:
    """Stops the world so often beside each chain of calls of a millisecond each."""

    def __init__(self, n_inside=0, n_blocked=0):
        self.n_inside, self.n_blocked = n_inside, n_blocked
        self.stops, self.counts = [], []
        self.is_at_work = False

    def start(self):
        self.is_at_work = True

    def rest(self):
        self.is_at_work = False

    def watch(self, _witness, _call, n_calls):
        assert self.is_at_work
        start = 1000 * MS * len(self.counts)
        self.counts.append(n_calls)
        marks = range(start, start + MS * n_calls + 1, MS)
        for i in range(self.n_inside):
            self.stops.append(stop(start + 9 + i, start + 10 + i, 9, 10))
        if self.n_blocked:
            self.stops.append(stop(start + 9, start + MS * n_calls + 9, 9, 9))
        return StopWindow(marks, (0,) * (n_calls + 1), (), MS)


@pytest.mark.parametrize(
    ("witness", "least_s", "n_chains"),
    [
        # ENOUGH_CALLS and ENOUGH_STOPS, and ENOUGH_BLOCKED; the last is not known yet.
        pytest.param(FakeWitness(n_inside=7), 0.0, 6, id="stopped"),
        pytest.param(FakeWitness(n_blocked=1), 0.0, 21, id="blocked"),
        pytest.param(FakeWitness(n_inside=7), 0.03, 30, id="for figures"),
        # The machine is so busy that the witness comes too late for each call.
        pytest.param(FakeWitness(), 0.0, 50, id="nothing seen"),
    ],
)
def test_calls_are_watched_until_enough_was_seen_or_time_is_over(
    monkeypatch, witness, least_s, n_chains
):
    """However busy the machine: it is the time that ends it."""
    clock = count(0, 0.001)
    monkeypatch.setattr(stop_the_world, "perf_counter", clock.__next__)
    monkeypatch.setattr(stop_the_world, "watch_stops", witness.watch)
    found = watch_for(witness, bool, least_s, 0.05)
    assert len(witness.counts) == n_chains
    assert len(found) == sum(witness.counts)
    assert sum(len(window.begun) for window in found) == len(witness.stops)
    assert not witness.is_at_work


def test_a_witness_that_comes_too_late_gets_more_calls_at_a_time(monkeypatch):
    """Or it would be woken in vain for each of them."""
    clock = count(0, 0.001)
    monkeypatch.setattr(stop_the_world, "perf_counter", clock.__next__)
    for witness, counts in (
        (FakeWitness(), [1, 4, 8, 16, 32, 64, 64, 64, 64, 64]),
        (FakeWitness(n_blocked=1), [1, 4, 2, 2, 2, 2, 2, 2, 2, 2]),
    ):
        monkeypatch.setattr(stop_the_world, "watch_stops", witness.watch)
        watch_for(witness, bool, 0.0, 0.01)
        assert witness.counts == counts
