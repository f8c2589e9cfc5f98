"""From the notes of a witness to figures: windows in, figures out, without a thread."""

from types import SimpleNamespace

import pytest

from gilscope.kernel import Times
from gilscope.probe.estimate import (
    Delays,
    HoldEstimate,
    Window,
    compute_delays,
    estimate_first_hold,
    estimate_holds,
    select_longest_hold,
)
from gilscope.probe.fraction import (
    N_PHASES,
    Estimate,
    Looks,
    Phase,
    compute_share_range,
    estimate_fraction,
    estimate_windows,
)
from gilscope.probe.interruptions import weigh_interruptions, weigh_marks
from gilscope.probe.witness import PAUSE_S, Tick
from gilscope.stats import Figure

MS = 1_000_000
PAUSE_NS = int(PAUSE_S * 1e9)
DELAYS = Delays(spacing_ns=MS / 10)


def note(at_ms, n_sleeps=None, *, witness_ms=0, caller_ms=0, n_switches=None):
    """Return what the witness noted; its pause is the usual one."""
    times = Times(0, int(caller_ms * MS)), Times(0, int(witness_ms * MS))
    return Tick(int(at_ms * MS), *times, n_sleeps, n_switches, pause_ns=PAUSE_NS)


def window(length_ms, notes=(), *, ends_asleep=True, **end):
    """Return a window of one call."""
    stamps = (0, int(length_ms * MS))
    last = notes[-1].n_sleeps if notes and notes[-1].n_sleeps is not None else 0
    end = {"n_sleeps": last + 1, **end}
    return Window(
        stamps, notes, bool(notes), note(0, 0), note(length_ms, **end), ends_asleep
    )


def estimate(watched):
    """Return the released fraction of one window, and its longest hold."""
    (found,) = estimate_windows([watched], DELAYS)
    return SimpleNamespace(released=estimate_fraction([found]), longest=found.longest)


@pytest.mark.parametrize(
    ("was_woken", "notes", "is_released"),
    [(None, (), False), (False, (), False), (True, (), True), (None, [note(1)], True)],
)
def test_a_wake_up_or_a_tick_is_a_release(was_woken, notes, is_released):
    assert Window((0, 5), notes, was_woken).is_released is is_released


def test_the_shortest_call_of_a_window_is_its_call():
    assert Window((0, 500, 700, 1100), ()).call_ns == 200


def test_the_run_queue_wait_of_the_caller_is_no_part_of_a_call():
    assert window(50, caller_ms=45).own_ns == 5 * MS


def test_a_window_without_a_release_is_held_throughout():
    found = estimate(window(5, caller_ms=1))
    assert found.released == Figure(0, 0, 0)
    assert found.longest[:4] == (4 * MS, 4 * MS, 4 * MS, 5 * MS)


def test_a_token_release_leaves_the_rest_held():
    """The witness was woken, came too late and waits again."""
    found = estimate(window(5)._replace(was_woken=True))
    assert found.released.high == pytest.approx(0, abs=0.01)
    assert found.longest.low == 5 * MS


def test_a_witness_that_was_woken_and_got_no_core_says_nothing():
    found = estimate(window(5, ends_asleep=False)._replace(was_woken=True))
    assert found.released is None
    assert not found.longest.is_seen


def ticks(n_switches):
    """Return ticks that find the GIL free, and how often it changed hands by then."""
    return [
        note(0.1 * step, n_sleeps=step, n_switches=n_switches and n_switches * step)
        for step in range(50)
    ]


@pytest.mark.parametrize(("n_switches", "low"), [(0, 0.98), (2, 0.84), (None, 0.84)])
def test_a_window_is_surely_free_if_the_gil_did_not_change_hands(n_switches, low):
    """Else a hold that was over within a pause was missed."""
    found = estimate(window(5, ticks(n_switches), n_switches=9999))
    assert found.released.value > 0.99
    assert found.released.low == pytest.approx(low, abs=0.02)


@pytest.mark.parametrize("order", ["free first", "held first"])
def test_half_a_window_held_is_half(order):
    if order == "free first":
        notes = [note(0.1 * step, n_sleeps=step) for step in range(50)]
        found = estimate(window(10, notes, n_sleeps=51))
    else:
        notes = [note(5 + 0.1 * step, n_sleeps=step) for step in range(50)]
        found = estimate(window(10, notes))
    assert found.released.low <= 0.5 <= found.released.high
    assert found.released.value == pytest.approx(0.5, abs=0.02)
    assert found.longest.value == pytest.approx(5 * MS, rel=0.02)


def test_a_late_tick_is_free_if_the_witness_slept_but_once():
    free = [note(0, n_sleeps=1), note(4.95, n_sleeps=2)]
    waited = [note(0, n_sleeps=1), note(4.95, n_sleeps=3)]
    assert estimate(window(5, free)).released.value == pytest.approx(1, abs=0.02)
    assert estimate(window(5, waited)).released.value == pytest.approx(0, abs=0.04)


def test_the_run_queue_wait_of_the_witness_widens_the_range_and_shifts_nothing():
    waited = [note(0, n_sleeps=1), note(4.95, n_sleeps=3, witness_ms=4)]
    found = estimate(window(5, waited, n_sleeps=4, witness_ms=4))
    assert found.released.low == pytest.approx(0, abs=0.02)
    assert found.released.high == pytest.approx(0.83, abs=0.02)


@pytest.mark.parametrize(("n_switches", "low"), [(0, 0.98), (2, 0.52)])
def test_a_witness_that_had_no_core_may_have_missed_a_hold(n_switches, low):
    seen = [
        each._replace(at_ns=each.at_ns // 2 + (step > 25) * 5 * MS // 2)
        for step, each in enumerate(ticks(n_switches))
    ]
    later = Times(0, 2 * MS)
    late = [*seen[:26], *(each._replace(witness=later) for each in seen[26:])]
    found = estimate(window(5, late, witness_ms=2, n_switches=9999))
    assert found.released.low == pytest.approx(low, abs=0.03)
    assert found.released.value > 0.99


def test_time_is_what_the_caller_computed_where_it_does_nothing_else():
    """Linux tells of a run-queue wait when it is over, and so at the wrong place."""
    free = note(1, n_sleeps=1)._replace(computed=1 * MS)
    held = window(5, [free], n_sleeps=3)
    held = held._replace(
        start=held.start._replace(computed=0), end=held.end._replace(computed=5 * MS)
    )
    found = estimate(held)
    assert found.longest.high == 4 * MS
    assert found.longest.low == pytest.approx(3.9 * MS)


def test_calls_shorter_than_a_pause_are_sampled():
    stamps = range(0, 10 * MS + 1, MS // 20)
    found_held = [note(0.2 * step, n_sleeps=2 * step) for step in range(1, 50)]
    notes = [
        each._replace(n_sleeps=3 * i // 2) for i, each in enumerate(found_held, start=2)
    ]
    watched = Window(stamps, notes, True, note(0, 0), note(10, 75), ends_asleep=True)
    found = estimate(watched)
    assert found.released.value == pytest.approx(0.5, abs=0.05)
    assert 0.3 < found.released.low < 0.45


def test_a_caller_without_a_core_is_met_but_once():
    """Free, it would be met after each pause, and held only once."""
    stamps = range(0, 10 * MS + 1, MS // 20)
    ends = (Tick(0, n_sleeps=0, computed=0), Tick(0, n_sleeps=75, computed=5 * MS))
    ticks = [
        note(0.2 * i, n_sleeps=i)._replace(computed=min(i, 25) * MS // 5)
        for i in range(1, 50)
    ]
    (phase,) = estimate_windows([Window(stamps, ticks, True, *ends)], DELAYS)[0].phases
    assert (phase.n_held, phase.n_free) == (0, 24)
    asleep = [tick._replace(computed=0) for tick in ticks]
    ends = [end._replace(computed=0) for end in ends]
    (phase,) = estimate_windows([Window(stamps, asleep, True, *ends)], DELAYS)[0].phases
    assert (phase.n_held, phase.n_free) == (0, 48)


@pytest.mark.parametrize(
    ("pause_ms", "computing", "near"),
    [
        pytest.param(0.5, 1, (1, 24), id="without a core for most of each pause"),
        pytest.param(0.3, 1, (0, 0), id="with a core for most of each"),
        # All of the time, as it sleeps for the rest.
        pytest.param(0.5, 0.5, (0, 0), id="a caller that computes for half of a call"),
    ],
)
def test_a_look_at_the_same_call_after_little_progress_is_no_random_one(
    pause_ms, computing, near
):
    """The call is longer than the 0.2 ms that it gets on between two looks."""
    stamps = (0, 5 * MS, 10 * MS)
    total = int(10 * MS * computing)
    ends = (Tick(0, n_sleeps=0, computed=0), Tick(0, n_sleeps=99, computed=total))
    ticks = [
        note(0.2 * i, n_sleeps=i + (i > 25))._replace(
            computed=i * MS // 5, pause_ns=int(pause_ms * MS)
        )
        for i in range(1, 27)
    ]
    (looks,) = estimate_windows([Window(stamps, ticks, True, *ends)], DELAYS)[0].phases
    assert (looks.n_held, looks.n_free) == (1, 24)
    assert (looks.n_held_near, looks.n_free_near) == near


@pytest.mark.parametrize(
    ("looks", "low", "value", "high"),
    [
        pytest.param(Looks(1000, 1000), 0.5, 0.5, 0.5, id="all random"),
        pytest.param(Looks(800, 1200, 0, 400), 0.5, 0.55, 0.6, id="near free ones"),
        pytest.param(Looks(1200, 800, 400, 0), 0.4, 0.45, 0.5, id="near held ones"),
    ],
)
def test_looks_near_the_last_one_widen_the_range(looks, low, value, high):
    counts = Estimate(9.0, 100, [looks], 0.0, HoldEstimate(0, 0, 0))
    found = estimate_fraction([counts] * 100)
    figures = found.value, found.low, found.high
    assert figures == pytest.approx((value, low, high), abs=0.01)
    near = looks._replace(n_held_near=looks.n_held, n_free_near=looks.n_free)
    assert estimate_fraction([counts._replace(phases=[near])]) is None


def test_a_hold_while_the_caller_had_no_core_is_told_by_both_clocks():
    found = estimate(window(50, caller_ms=45)).longest
    assert (found.low, found.clock) == (5 * MS, 50 * MS)


def test_many_short_calls_hold_for_one_call_at_most():
    stamps = tuple(range(0, 10 * MS + 1, MS // 100))
    found = estimate(Window(stamps, (), False, note(0), note(10)))
    assert found.longest.value == MS // 100


@pytest.mark.parametrize(
    ("notes", "ends_asleep", "low_ms", "high_ms"),
    [
        # Nobody was seen to hold: it is not known for how long the rest was held.
        pytest.param([note(0.038, 1)], False, 0.038, 4.962, id="no core at the end"),
        pytest.param([note(0.038, 1), note(3, 2)], True, 0.038, 2.962, id="missed"),
        pytest.param([note(0.038, 1), note(3, 3)], True, 2.862, 2.962, id="seen"),
        pytest.param([], False, 0, 5, id="no core at all"),
        pytest.param([], True, 5, 5, id="held throughout"),
    ],
)
def test_the_hold_of_a_first_call_is_never_shorter_than_it_may_have_been(
    notes, ends_asleep, low_ms, high_ms
):
    late = note(3, witness_ms=2.9).witness
    notes = [
        each._replace(witness=late) if each.n_sleeps == 2 else each for each in notes
    ]
    watched = window(5, notes, ends_asleep=ends_asleep)._replace(was_woken=None)
    found = estimate_first_hold(watched, DELAYS)
    assert (found.low * 1e3, found.high * 1e3) == pytest.approx((low_ms, high_ms))
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize(("waited_ms", "high_ms"), [(0, 1.5), (1.4, 1.1)])
def test_time_that_a_call_computed_is_its_own_whatever_it_waited(waited_ms, high_ms):
    """Linux tells of the wait when it is over: it may lie before the hold."""
    first = note(3, n_sleeps=1)._replace(computed=0)
    last = note(4.5, caller_ms=waited_ms, n_sleeps=3)._replace(computed=11 * MS // 10)
    watched = window(9, [first, last], caller_ms=waited_ms, ends_asleep=True)
    watched = watched._replace(start=watched.start._replace(computed=0))
    holds = [*estimate_holds(watched, DELAYS, computes_only=False)]
    assert holds[1].high == pytest.approx(high_ms * MS)


def make_call(*parts, n_calls=1, missed=0.0):
    """Return what a call says whose phases are alike, or those of its first half."""
    first, second = map(Phase._make, (parts[0], parts[-1]))
    phases = [first] * (N_PHASES // 2) + [second] * (N_PHASES // 2)
    own = sum(map(sum, phases))
    return Estimate(own, n_calls, phases, missed * own, HoldEstimate(0, 0, 0))


HELD, FREE, UNSEEN, UNPLACED = (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)


def test_the_fraction_is_that_of_all_calls_together():
    calls = [make_call(FREE, HELD), make_call(FREE), make_call(FREE), make_call(FREE)]
    assert estimate_fraction(calls) == Figure(7 / 8, 7 / 8, 7 / 8)


@pytest.mark.parametrize(
    ("others", "low"),
    [
        pytest.param([], 0.5, id="in none"),
        pytest.param([(FREE, FREE)], 0.8, id="in one"),
        pytest.param([(FREE, FREE)] * 16, 0.99, id="in many"),
        pytest.param([(FREE, HELD)] * 16, 0.5, id="held"),
    ],
)
def test_what_nobody_saw_of_a_call_is_told_by_others_at_the_same_phase(others, low):
    calls = [make_call(FREE, UNSEEN), *(make_call(*each) for each in others)]
    found = estimate_fraction(calls)
    released = sum(first[1] + last[1] for first, last in others) + 1
    assert found.high == pytest.approx((released + 1) / (2 * len(calls)))
    assert found.low == pytest.approx(low, abs=0.02)


def test_what_has_no_known_place_in_a_call_is_told_by_no_other():
    calls = [make_call(FREE, UNPLACED), *[make_call(FREE)] * 9]
    found = estimate_fraction(calls)
    assert (found.low, found.high) == pytest.approx((0.95, 1.0))


def test_each_part_of_a_call_is_where_it_was():
    """First held, then free; at the end the witness waited for a core."""
    ticks = [note(5 + 0.1 * step, n_sleeps=step, n_switches=0) for step in range(26)]
    watched = window(10, ticks, witness_ms=2.5, n_sleeps=27, n_switches=1)
    phases = estimate_windows([watched], DELAYS)[0].phases
    part_ns = 10 * MS / N_PHASES
    assert [each.held_ns for each in phases[:16]] == [part_ns] * 16
    assert [each.free_ns for each in phases[16:24]] == [part_ns] * 8
    assert sum(phase.held_ns for phase in phases[16:24]) == 0
    assert sum(map(sum, phases)) == pytest.approx(10 * MS)


def test_a_late_witness_holds_no_call_at_its_beginning():
    """It came to the second call later than to the first one, by more than usual."""
    early, late = (
        [note(at_ms + 0.1 * step, n_sleeps=step, n_switches=0) for step in range(90)]
        for at_ms in (0.04, 0.4)
    )
    delays = DELAYS._replace(waking_ns=MS / 25)
    found = estimate_windows([window(9.1, early), window(9.4, late)], delays)
    assert [each.phases[0].held_ns for each in found] == [0, 0]
    assert [each.longest.low for each in found] == pytest.approx([0, 0.36 * MS])


def test_a_witness_without_a_core_in_one_call_makes_no_other_call_free():
    """All are held at first; in one of them the witness waited for most of that."""
    calls = [
        window(
            10,
            [
                note(5 + 0.1 * step, step, n_switches=0, witness_ms=waited_ms)
                for step in range(50)
            ],
            n_sleeps=51,
            witness_ms=waited_ms,
        )
        for waited_ms in (0, 0, 0, 0, 0, 0, 0, 4.6)
    ]
    found = estimate_fraction(estimate_windows(calls, DELAYS))
    assert (found.low, found.value) == pytest.approx((0.5, 0.5), abs=0.02)
    assert found.high == pytest.approx(0.5 + 0.46 / 8, abs=0.02)


def test_what_nobody_saw_beside_a_hold_in_the_midst_of_a_call_has_no_known_place():
    """The witness had no core before it looked, or after the hold."""
    ticks = [note(1, 1, n_switches=0), note(6, 3, witness_ms=2, n_switches=0)]
    watched = window(10, ticks, n_sleeps=4, witness_ms=2, n_switches=0)
    phases = estimate_windows([watched], DELAYS)[0].phases
    between = phases[N_PHASES // 10 + 1 : 6 * N_PHASES // 10]
    assert sum(phase.held_ns for phase in between) > 0
    assert sum(phase.unplaced_ns for phase in phases) == pytest.approx(2.1 * MS)
    assert sum(phase.unseen_ns for phase in between) == 0


def test_how_often_a_short_call_was_found_held_is_its_share():
    counts = Estimate(9.0, 100, [Phase(1, 3)], 0.0, HoldEstimate(0, 0, 0))
    found = estimate_fraction([counts] * 25)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.60, 0.86), abs=0.01)
    assert estimate_fraction([counts._replace(phases=[Phase()])]) is None
    few = counts._replace(n_calls=2)
    assert estimate_fraction([make_call(FREE), few]) == estimate_fraction([few])


@pytest.mark.parametrize(
    ("share", "n_seen", "ends"),
    [
        (0.0, 0, (0.0, 1.0)),
        (0.0, 4, (0.0, 0.5)),
        (1.0, 4, (0.5, 1.0)),
        (0.0, 96, (0.0, 0.04)),
        (0.5, 96, (0.4, 0.6)),
    ],
)
def test_a_share_may_be_off_by_two_standard_errors(share, n_seen, ends):
    assert compute_share_range(share, n_seen) == pytest.approx(ends)


def test_what_was_missed_adds_up_by_its_squares():
    calls = [make_call(FREE, missed=each) for each in (0.3, 0.4)]
    assert estimate_fraction(calls) == Figure(1, 0.75, 1)


def test_a_fraction_that_nobody_saw_is_none():
    assert estimate_fraction([]) is None
    assert estimate_fraction([make_call(UNSEEN)]) is None


def test_the_delays_of_a_witness_are_the_usual_ones_less_its_run_queue_wait():
    long = [note(0.04 + 0.09 * step, step) for step in range(4)]
    late = [note(5 + 0.09 * step, step, witness_ms=4.93) for step in range(4)]
    windows = [window(9, each) for each in (long, late)]
    found = compute_delays(windows, [])
    assert found.spacing_ns == pytest.approx(0.09 * MS)
    assert found.waking_ns == pytest.approx(0.055 * MS)
    assert compute_delays([], []) == Delays()


def test_the_longest_hold_is_the_longest_and_not_one_in_the_middle():
    holds = [HoldEstimate(MS, MS, MS, MS)] * 20 + [
        HoldEstimate(300 * MS, 290 * MS, 310 * MS, 305 * MS)
    ]
    own, clock = select_longest_hold(holds)
    assert own == Figure(0.3, 0.29, 0.31)
    assert clock.value == 0.305
    assert select_longest_hold([]) is None


@pytest.mark.parametrize(
    ("marks", "places", "is_split"),
    [
        pytest.param([0, 1000], [], False, id="not interrupted"),
        pytest.param([0, 1, 1000], "a", False, id="before the work"),
        pytest.param([0, 999, 1000], "a", False, id="after the work"),
        pytest.param([0, 500, 1000], "a", True, id="in the middle"),
        pytest.param([0, 880, 1000], "a", False, id="between two pieces of work"),
        pytest.param([0, 560, 1000], "a", False, id="between work and destructor"),
        pytest.param([0, 30, 530, 1000], "ab", False, id="before it and after it"),
        pytest.param([0, 9, 500, 991, 1000], "abc", True, id="two pieces of work"),
        pytest.param([0, 300, 600, 1000], "abc", True, id="many pieces"),
        pytest.param([0, 60, 170, 1000], "aa", True, id="twice at one place"),
        pytest.param([0, 60, 150, 1000], "aa", False, id="twice, but not far apart"),
        pytest.param([0, 60, 170, 1000], "ab", False, id="at two places"),
        pytest.param([0, 20, 980, 1000], "aa", False, id="one callback at both ends"),
        pytest.param([0, 20, 820, 980, 1000], "aaa", True, id="a loop of two steps"),
        pytest.param(list(range(0, 1001, 5)), "a" * 199, True, id="all the time"),
        pytest.param([0, 14, 15], "a", True, id="in a call too short to tell"),
        pytest.param([0, 20, 21], "a", False, id="in one just long enough"),
        pytest.param([0, 60, 62, 1000], "aa", False, id="twice without work between"),
    ],
)
def test_where_a_call_was_interrupted_tells_whether_it_is_split(
    marks, places, is_split
):
    # In microseconds; a piece of less than 10 us is no progress.
    marks = [1000 * mark for mark in marks]
    assert weigh_marks(marks, list(places)) is is_split


def is_split(at_us, progress_us, length_us=1000, computing_us=1000, shortest_us=None):
    tick = Tick(1000 * at_us, progress=1000 * progress_us)
    ends = Tick(0, progress=0), Tick(0, progress=1000 * computing_us)
    run = Window((0, 1000 * length_us), [tick], None, *ends)
    return weigh_interruptions([run], 1000 * (shortest_us or length_us)) == [True]


def test_progress_is_told_by_computing_time():
    assert not is_split(at_us=500, progress_us=995)
    assert is_split(at_us=995, progress_us=500)


def test_threads_of_the_call_count_as_its_progress():
    """The caller computes next to nothing; its native threads do the work."""
    assert not is_split(at_us=20, progress_us=5, computing_us=1800)


def test_progress_is_told_by_the_clock_where_nothing_else_tells():
    for at_us, expected in ((500, True), (995, False)):
        run = Window((0, MS), [Tick(1000 * at_us)])
        assert weigh_interruptions([run], MS) == [expected]


def test_progress_asleep_is_told_by_the_clock():
    assert not is_split(9990, progress_us=50, length_us=10_000, computing_us=100)
    assert is_split(5000, progress_us=99, length_us=10_000, computing_us=100)
    # It is shorter than one that was watched on a busier machine.
    short = {"length_us": 10_000, "shortest_us": 20_000, "computing_us": 100}
    assert not is_split(9990, progress_us=50, **short)
    assert is_split(5000, progress_us=50, **short)


def test_a_sleep_is_as_long_as_in_the_shortest_call():
    """A busy machine lets a call begin late, which is no sleep of it."""
    late, usual = (
        Window((0, length_us * 1000), [Tick(at_us * 1000)])
        for at_us, length_us in ((5000, 10_000), (100, 5100))
    )
    assert weigh_interruptions([late], 10 * MS) == [True]
    assert weigh_interruptions([late, usual], 10 * MS) == [False, False]


@pytest.mark.parametrize(
    ("computed", "is_split"), [(10, False), (900, False), (500, True)]
)
def test_other_threads_that_compute_are_no_progress_of_the_call(computed, is_split):
    # The process computes twice as much as the caller, in the midst of its work.
    tick = Tick(MS // 2, progress=MS, computed=1000 * computed)
    ends = Tick(0, progress=0, computed=0), Tick(0, progress=2 * MS, computed=MS)
    run = Window((0, MS), [tick], None, *ends)
    assert weigh_interruptions([run], MS) == [is_split]
