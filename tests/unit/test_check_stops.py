"""What looks at the caller and stops of the world say, without an interpreter of it."""

import queue
import sys
import threading
import time
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest

from gilscope.kernel import Times, WitnessError
from gilscope.probe import stop_the_world
from gilscope.probe.stop_the_world import (
    ATTACHED,
    DETACHED,
    AttachedWindow,
    StateLook,
    Stop,
    StopWitness,
    add_up,
    estimate_longest,
    estimate_waits,
    is_split,
    is_unseen,
    open_state,
    place_windows,
    watch_chain,
    watch_for,
)
from gilscope.probe.switch_interval import run_chain

AWAKE, ASLEEP = False, True
SUSPENDED = 2
MS = 1_000_000


class View:
    """Says what Linux might say of a thread."""

    def __init__(self, is_asleep=AWAKE, waits_ns=()):
        self.is_asleep = is_asleep
        self.waits_ns = list(waits_ns)

    def read_sleep(self):
        return self.is_asleep, 3

    def read_times(self):
        return Times(0, self.waits_ns.pop(0) if self.waits_ns else 0)


# --- Looks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "is_asleep", "computed", "expected"),
    [
        pytest.param(ATTACHED, AWAKE, 6, (False, True), id="got further"),
        pytest.param(ATTACHED, AWAKE, 5, (False, False), id="has no core"),
        pytest.param(ATTACHED, ASLEEP, 5, (False, True), id="sleeps attached"),
        pytest.param(DETACHED, AWAKE, 6, (True, True), id="computes detached"),
        pytest.param(DETACHED, AWAKE, 5, (True, False), id="detached, no core"),
        pytest.param(DETACHED, ASLEEP, 5, (True, True), id="sleeps detached"),
        pytest.param(SUSPENDED, ASLEEP, 5, (False, False), id="stopped by a third"),
    ],
)
def test_a_look_tells_the_state_and_counts_once_where_there_is_no_core(
    state, is_asleep, computed, expected
):
    witness = StopWitness()
    witness._noted_view = View(is_asleep)
    witness._read_state = lambda: state
    witness._read_computed = lambda: computed
    witness._computed_at_last = 5
    found = witness._look()
    assert (found.is_detached, found.is_counted) == expected


def test_without_the_kernel_every_look_counts():
    witness = StopWitness()
    witness._read_state = lambda: DETACHED
    assert witness._look()[2:] == (True, True, 0)


def look(at_ns, *, is_detached=False, is_counted=True, caller_wait_ns=0):
    return StateLook(at_ns, at_ns + 1, is_detached, is_counted, caller_wait_ns)


def test_a_look_belongs_to_the_call_that_it_is_all_inside_of():
    """What is at an edge may be of the Python code around it."""
    detached = partial(look, is_detached=True)
    chain = AttachedWindow((10, 20), (0, 0), own_ns=10)
    witness = SimpleNamespace(looks=[detached(9), look(14), detached(19)], stops=[])
    (window,) = place_windows([chain], witness)
    assert [found.start_ns for found in window.looks] == [14]
    assert add_up([window], []).n_detached == 0
    window = window._replace(looks=[detached(11), look(12), detached(13)])
    evidence = add_up([window], [])
    assert (evidence.n_looks, evidence.n_detached) == (3, 2)
    assert (evidence.n_released, evidence.n_windows_released) == (1, 1)
    # One that has no core tells what it is, but not how often.
    seen = [look(12, is_counted=False), detached(13, is_counted=False)]
    evidence = add_up([window._replace(looks=seen)], [])
    assert (evidence.n_looks, evidence.n_detached) == (0, 0)


@pytest.mark.parametrize(
    ("looks", "n_calls", "expected"),
    [
        pytest.param([], 1, (0, 1000), id="nobody looked"),
        pytest.param([look(400)], 1, (1000, 1000), id="never detached"),
        pytest.param([look(400)], 2, (500, 500), id="neither of two"),
        pytest.param([look(400, is_detached=True)], 1, (0, 600), id="ends only"),
        pytest.param([look(400, is_detached=True)], 2, (0, 500), id="one of two"),
        pytest.param(
            [
                look(100, is_detached=True),
                *map(look, (200, 700, 900)),
                look(950, is_detached=True),
            ],
            1,
            (699, 849),
            id="between",
        ),
        pytest.param(
            [
                look(100, is_detached=True),
                look(200),
                look(700, caller_wait_ns=300),
                look(900, is_detached=True, caller_wait_ns=300),
            ],
            1,
            (199, 499),
            id="without a core",
        ),
    ],
)
def test_the_longest_hold_is_between_two_looks_that_found_it_detached(
    looks, n_calls, expected
):
    stamps = [1000 * i // n_calls for i in range(n_calls + 1)]
    window = AttachedWindow(stamps, stamps, looks, own_ns=1000 / n_calls)
    assert estimate_longest(window)[1:3] == pytest.approx(expected, abs=2)


def test_a_state_at_an_unknown_place_is_refused(monkeypatch):
    monkeypatch.setattr(stop_the_world, "STATE_OFFSETS", {})
    with pytest.raises(WitnessError, match="keeps the state of a thread"):
        open_state()


@pytest.mark.skipif(sys.version_info < (3, 13), reason="its threads have no such state")
def test_the_state_of_a_thread_is_where_it_is_looked_for():
    """In builds with a GIL, too: a thread is attached while it may have that."""
    opened, lock = queue.SimpleQueue(), threading.Lock()

    def wait():
        read = open_state()
        opened.put((read, read()))
        with lock:
            pass

    with lock:
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        read, own_state = opened.get()
        # Wherever it is on its way to the lock.
        while read() != DETACHED:
            time.sleep(0.001)
    thread.join()
    assert own_state == ATTACHED


# --- Stops ----------------------------------------------------------------------------


def test_the_run_queue_waits_during_a_stop_are_noted(monkeypatch):
    monkeypatch.setattr(stop_the_world, "find_place", lambda _: (1, 2))
    witness = StopWitness()
    witness._own_view = View(waits_ns=[1_000, 1_500])
    witness._noted_view = View(waits_ns=[5_000, 75_000])
    witness._read_computed = iter([7, 9]).__next__
    found = witness._stop_world()
    assert (found.witness_wait_ns, found.caller_wait_ns) == (500, 70_000)
    assert (found.computed, found.computed_after, found.place) == (7, 9, (1, 2))


@pytest.mark.parametrize(("state", "n_stops"), [(ATTACHED, 1), (DETACHED, 0)])
def test_only_one_that_is_attached_is_stopped(monkeypatch, state, n_stops):
    """A thread that a stop has suspended is detached until it comes back."""
    witness = StopWitness()
    witness.stops_world = witness._is_armed = True
    witness._read_state = lambda: state
    monkeypatch.setattr(witness, "_stop_world", lambda: Stop(0, 1))
    monkeypatch.setattr(
        stop_the_world, "sleep", lambda _: setattr(witness, "_is_armed", False)
    )
    witness._take_ticks()
    assert (len(witness.stops), witness.looks) == (n_stops, [])


def make_stop(length_us, computed_us, witness_us=0, caller_us=0, n_sleeps=1):
    """Return a stop that begins 0.1 ms after the call."""
    return Stop(
        100_000,
        100_000 + 1000 * length_us,
        computed_after=1000 * computed_us,
        witness_wait_ns=1000 * witness_us,
        caller_wait_ns=1000 * caller_us,
        n_sleeps=n_sleeps,
    )


@pytest.mark.parametrize(
    ("found", "has_waited"),
    [
        pytest.param(make_stop(3900, 3900), True, id="it computes"),
        pytest.param(make_stop(3900, 0), True, id="it sleeps attached"),
        pytest.param(make_stop(1999, 0), False, id="for less than half of it"),
        pytest.param(make_stop(2001, 0), True, id="it slept for half of the rest"),
        pytest.param(make_stop(3900, 0, 2000), False, id="no core"),
        pytest.param(make_stop(3900, 3900, 2000), False, id="it was over"),
        pytest.param(make_stop(3900, 0, 3600, n_sleeps=8), True, id="in several waits"),
        pytest.param(make_stop(3900, 0, 3900, n_sleeps=8), False, id="in longer ones"),
        pytest.param(make_stop(8900, 0, caller_us=8000), False, id="it had no core"),
        pytest.param(make_stop(8900, 2101, 100, 6900), True, id="a core for half"),
        pytest.param(make_stop(8900, 2099, 100, 6900), False, id="for less"),
        pytest.param(make_stop(3900, 3900, n_sleeps=0), False, id="late"),
    ],
)
def test_a_stop_waits_for_the_call_and_not_for_a_core(found, has_waited):
    """As it would beside Python code: neither for its own nor the caller's."""
    window = AttachedWindow(
        (0, 4_100_000 + found.caller_wait_ns), (0, 0), (), [found], 4_000_000
    )
    assert add_up([], [window]).n_waited == has_waited


@pytest.mark.parametrize(("waits_ns", "own_ms"), [((7, 7), 10), ((7, 4_000_007), 6)])
def test_the_run_queue_wait_of_the_caller_is_no_part_of_a_call(waits_ns, own_ms):
    """Or a sleep would be lost in it, and the little Python code around be most."""
    witness = SimpleNamespace(caller_view=View(waits_ns=waits_ns))
    window = watch_chain(witness, partial(time.sleep, 0.005), 2)
    assert window.own_ns * 2 >= own_ms * 1e6
    assert window.own_ns * 2 == window.stamps[-1] - window.stamps[0] - (waits_ns[1] - 7)
    nobody = SimpleNamespace(looks=[], stops=[])
    calls = [*place_windows([window], nobody)]
    assert [call.own_ns for call in calls] == [window.own_ns] * 2


def stop(start, end, place=None):
    return Stop(start, end, start, end, place)


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        pytest.param([stop(480_000, 490_000)], True, id="from midst to midst"),
        pytest.param([stop(400_000, 995_000)], False, id="it waited for the end"),
        pytest.param([stop(5_000, 400_000)], False, id="it was over at the beginning"),
        # Wherever the witness says that they were, all of the work may lie between.
        pytest.param(
            [stop(1_000, 400_000), stop(410_000, 800_000)], False, id="late twice"
        ),
        pytest.param(
            [stop(1_000, 2_000, 7), stop(110_000, 111_000, 7)], True, id="loop"
        ),
        pytest.param(
            [stop(1_000, 10_000, 7), stop(110_000, 111_000, 7)], False, id="no loop"
        ),
        pytest.param([], False, id="none"),
    ],
)
@pytest.mark.parametrize("sleeps", [False, True])
def test_a_call_is_split_wherever_in_the_stops_it_was_stopped(stops, expected, sleeps):
    """Of one that sleeps the clock tells, as its computing time stands still."""
    ends = (0, 1_000_000)
    window = AttachedWindow(ends, ends, (), stops, 1_000_000)
    if sleeps:
        still = [each._replace(computed=9, computed_after=9) for each in stops]
        window = window._replace(computed=(0, 50_000), stops=still)
    assert is_split(window) == expected
    evidence = add_up([], [window])
    assert (evidence.n_ticks, evidence.n_calls_split) == (len(stops), expected)
    assert evidence.n_calls_interrupted == evidence.n_calls_tried == bool(stops)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        pytest.param((1, 2), True, id="Python code"),
        pytest.param((id(run_chain.__code__), 2), False, id="around the call"),
        pytest.param(None, False, id="not told"),
    ],
)
def test_a_call_that_is_stopped_in_python_code_runs_some(place, expected):
    begun = stop(500, 2000, place)
    window = AttachedWindow((0, 1000), (0, 1000), (), [begun], 1000)
    assert is_unseen(window) == expected


def test_a_stop_waits_for_between_all_and_what_is_left_without_waits_for_a_core():
    found = make_stop(900, 0, witness_us=300, caller_us=100)
    window = AttachedWindow((0, MS), (0, MS), (), [found], MS)
    (hold,) = estimate_waits(window)
    assert hold[1:4] == (500_000, 800_000, 900_000)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(50_001, [1, 0], id="each of two"),
        pytest.param(50_000, [1], id="short ones together"),
    ],
)
def test_a_stop_belongs_to_the_call_in_which_it_began(step, expected):
    marks = (0, step, 2 * step)
    witness = SimpleNamespace(looks=[], stops=[stop(0, 9), stop(step - 1, step + 1)])
    calls = [*place_windows([AttachedWindow(marks, marks)], witness)]
    assert [len(call.stops) for call in calls] == expected
    assert [len(call.inside) for call in calls] == ([0, 0] if expected[1:] else [1])


# --- Both -----------------------------------------------------------------------------


class FakeWitness:
    """Sees so much beside each chain of calls of a millisecond each."""

    def __init__(self, n_inside=0, n_blocked=0, n_attached=0, n_detached=0):
        self.n_inside, self.n_blocked = n_inside, n_blocked
        self.n_attached, self.n_detached = n_attached, n_detached
        self.looks, self.stops, self.counts = [], [], []
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
        self.stops += [
            stop(start + 9 + i, start + 10 + i) for i in range(self.n_inside)
        ]
        if self.n_blocked:
            self.stops.append(stop(start + 9, start + MS * n_calls + 9))
        n_looks = self.n_detached + self.n_attached
        self.looks += [
            look(start + 9 + i, is_detached=i < self.n_detached) for i in range(n_looks)
        ]
        return AttachedWindow(marks, (0,) * (n_calls + 1), own_ns=MS)


@pytest.mark.parametrize(
    ("witness", "least_s", "share", "n_chains"),
    [
        # What ENOUGH says; what was seen last is not known yet.
        pytest.param(FakeWitness(n_inside=7), 0.0, 1, 6, id="stopped"),
        pytest.param(FakeWitness(n_blocked=1), 0.0, 1, 21, id="blocked"),
        pytest.param(FakeWitness(n_blocked=1), 0.0, 0.2, 5, id="a control"),
        pytest.param(FakeWitness(n_attached=10), 0.0, 1, 31, id="never detached"),
        pytest.param(FakeWitness(n_detached=10), 0.0, 1, 4, id="detached"),
        pytest.param(FakeWitness(n_detached=30), 0.0, 1, 2, id="at once"),
        pytest.param(FakeWitness(n_inside=7), 0.03, 1, 30, id="for figures"),
        # The machine is so busy that the witness comes too late for each call.
        pytest.param(FakeWitness(), 0.0, 1, 50, id="nothing seen"),
    ],
)
def test_calls_are_watched_until_enough_was_seen_or_time_is_over(
    monkeypatch, witness, least_s, share, n_chains
):
    """However busy the machine: it is the time that ends it."""
    clock = count(0, 0.001)
    monkeypatch.setattr(stop_the_world, "perf_counter", clock.__next__)
    monkeypatch.setattr(stop_the_world, "watch_chain", witness.watch)
    found = watch_for(witness, bool, limit_s=0.05, least_s=least_s, share=share)
    assert len(witness.counts) == n_chains
    assert len(found) == sum(witness.counts)
    assert sum(len(window.stops) for window in found) == len(witness.stops)
    assert sum(len(window.looks) for window in found) == len(witness.looks)
    assert not witness.is_at_work


@pytest.mark.parametrize(("call_ms", "n_chains"), [(19, 6), (21, 2)])
def test_many_calls_are_watched_before_it_is_said_that_none_detached(
    monkeypatch, call_ms, n_chains
):
    """Where each takes long enough for all the looks."""
    witness = FakeWitness(n_attached=300)

    def watch(*arguments):
        return witness.watch(*arguments)._replace(own_ns=call_ms * MS)

    monkeypatch.setattr(stop_the_world, "perf_counter", count(0, 0.001).__next__)
    monkeypatch.setattr(stop_the_world, "watch_chain", watch)
    watch_for(witness, bool, limit_s=0.05, max_calls=1)
    assert len(witness.counts) == n_chains


def test_a_few_looks_that_found_it_detached_are_not_enough(monkeypatch):
    """They may be those of another thread that stops the world."""
    witness = FakeWitness(n_attached=200)

    def watch(*arguments):
        witness.n_detached = len(witness.counts) in (0, 9, 10)
        return witness.watch(*arguments)

    clock = count(0, 0.001)
    monkeypatch.setattr(stop_the_world, "perf_counter", clock.__next__)
    monkeypatch.setattr(stop_the_world, "watch_chain", watch)
    watch_for(witness, bool, limit_s=0.05)
    assert len(witness.counts) == 12


def test_a_witness_that_comes_too_late_gets_more_calls_at_a_time(monkeypatch):
    """Or it would be woken in vain for each of them."""
    clock = count(0, 0.001)
    monkeypatch.setattr(stop_the_world, "perf_counter", clock.__next__)
    for witness, counts in (
        (FakeWitness(), [1, 4, 8, 16, 32, 64, 64, 64, 64, 64]),
        (FakeWitness(n_blocked=1), [1, 4, 2, 2, 2, 2, 2, 2, 2, 2]),
        (FakeWitness(n_attached=1), [1, 4, 2, 2, 2, 2, 2, 2, 2, 2]),
    ):
        monkeypatch.setattr(stop_the_world, "watch_chain", witness.watch)
        watch_for(witness, bool, limit_s=0.01)
        assert witness.counts == counts
