"""The witness: nothing is a wake-up that was none, and no wake-up is missed."""

import contextlib
import ctypes
import sys
import sysconfig
import threading
import time
from types import SimpleNamespace

import pytest

from gilscope.kernel import Times
from gilscope.probe import waiters
from gilscope.probe import witness as witness_module
from gilscope.probe.witness import Decoy, Witness, WitnessError, find_place
from gilscope.threads import switch_interval

HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED") or sys._is_gil_enabled()
tells_wakeups = pytest.mark.skipif(
    not HAS_GIL or sys.platform != "linux", reason="nothing here tells of wake-ups"
)


class View:
    """Says one after the other what Linux might say of a thread."""

    def __init__(self, *states):
        self.states = list(states)
        self.n_runs = 3
        self.computed_ms = 0

    def read_futex(self):
        return None

    def read_sleep(self):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def read_times(self):
        return Times(self.computed_ms * 1_000_000, 0, self.n_runs)

    def sleep_held(self, seconds):
        pass


def test_a_sleep_that_is_not_counted_yet_is_waited_for():
    """Linux says that a thread sleeps before it counts that; seen 4 times in 10,000."""
    view = View((False, 7), (True, 7), (True, 7), (True, 8))
    assert Witness(limit_s=1.0).settle(view, 7) == (True, 8)


def test_a_witness_without_a_core_is_an_error():
    with pytest.raises(WitnessError, match="got no core for"):
        Witness(limit_s=0.01).settle(View((False, 7)))


@pytest.mark.parametrize(
    ("state", "n_runs", "was_woken"),
    [((True, 8), 3, False), ((True, 8), 4, True), ((False, 8), 3, True)],
)
def test_a_witness_that_got_a_core_was_woken(state, n_runs, was_woken):
    """One that is about to sleep again looks like one that slept on; 1 in 90,000."""
    with Witness() as witness:
        witness.view = View((True, 7), (True, 8))
        witness._n_sleeps_before_gate = 6
        witness.park()
        witness.view.states, witness.view.n_runs = [state], n_runs
        assert witness.was_woken() is was_woken


GATE, ELSEWHERE = 5, 0x7F0000
STATES = [
    ((False, 8), GATE, False),
    ((True, 7), GATE, False),
    # It waits for the GIL, on its way to the gate.
    ((True, 8), ELSEWHERE, False),
    ((True, 8), GATE, True),
    ((True, 8), None, True),
]


@pytest.mark.parametrize(("state", "place", "is_asleep"), STATES)
def test_a_decoy_sleeps_at_its_gate(state, place, is_asleep):
    """One that comes to sleep later looks like being woken; 1 first window in 3."""
    decoy = Decoy()
    decoy._gate = SimpleNamespace(read_end=GATE)
    decoy.view = View(state)
    decoy.view.read_futex = lambda: place
    decoy._n_sleeps_before_gate = 7
    assert decoy._is_asleep() is is_asleep


@tells_wakeups
def test_a_decoy_sleeps_from_the_beginning(monkeypatch):
    monkeypatch.setattr(witness_module, "COME_S", 60.0)
    for _ in range(20):
        with Decoy() as decoy:
            assert decoy._is_asleep()


@pytest.mark.parametrize(("later_ns", "is_told"), [(9_999, True), (10_001, False)])
def test_the_place_of_a_caller_that_went_on_is_not_told(later_ns, is_told):
    """It is not that of the moment: the witness was interrupted in between."""
    witness = Witness()
    witness._caller, witness.notes_places = threading.get_ident(), True

    def read_twice():
        yield 5
        witness._is_armed = False
        yield 5 + later_ns

    witness._is_armed, witness._read_caller = True, read_twice().__next__
    witness._take_ticks()
    assert [note.place is not None for note in witness._ticks] == [is_told]


@pytest.mark.parametrize(
    ("computed_ms", "n_sleeps", "is_rival"),
    [(0, 0, False), (100, 0, True), (100, 1, True), (100, 1000, False)],
)
def test_a_thread_that_computes_is_a_rival_and_one_that_polls_is_none(
    computed_ms, n_sleeps, is_rival, monkeypatch
):
    witness, view = Witness(), View((True, 7))
    witness.view = View((True, 7))
    monkeypatch.setattr(waiters, "open_view", lambda *_: view)
    is_over = threading.Event()
    thread = threading.Thread(target=is_over.wait, name="other")
    thread.start()
    with contextlib.ExitStack() as closing:
        closing.callback(thread.join)
        closing.callback(is_over.set)
        others = waiters.Waiters(witness, set(), closing)
        others.note(0)
        view.computed_ms, view.states = computed_ms, [(True, 7 + n_sleeps)]
        assert ("other" in others.find_rivals()) is is_rival


@pytest.mark.parametrize(("n_interpreters", "is_told"), [(1, True), (2, False)])
def test_no_place_is_looked_for_beside_other_interpreters(
    n_interpreters, is_told, monkeypatch
):
    """The frames of one with a GIL of its own are not to be touched."""
    module = SimpleNamespace(list_all=lambda: [*range(n_interpreters)])
    monkeypatch.setitem(sys.modules, "_interpreters", module)
    monkeypatch.setitem(sys.modules, "_xxsubinterpreters", None)
    assert (find_place(threading.get_ident()) is not None) is is_told


@tells_wakeups
def test_a_parked_witness_wakes_for_a_release_and_for_nothing_else():
    """However soon it is looked at."""
    release = ctypes.CDLL(None).getpid
    # Longer than any machine takes the core away: the witness wakes up after it.
    with switch_interval(100.0), Witness(limit_s=50.0) as witness, witness.attach():
        assert witness.view is not None
        witness.view.sleep_held = lambda _: None
        for _ in range(3000):
            witness.park()
            deadline = time.perf_counter() + 20e-6
            while time.perf_counter() < deadline:
                pass
            assert not witness.was_woken()
            release()
            assert witness.was_woken()
            witness.rest()
