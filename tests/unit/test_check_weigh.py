"""What the notes of a witness say: windows in, figures out, without a thread."""

import pytest

from gilscope.kernel import Times
from gilscope.probe.estimate import (
    Interrupted,
    Weight,
    Window,
    find_best_share,
    find_longest_hold,
    pick_weight,
    weigh_entries,
    weigh_entry,
    weigh_window,
)
from gilscope.probe.witness import Note

MS = 1_000_000


def note(at_ms, n_sleeps=None, witness_ms=0, caller_ms=0):
    times = Times(0, int(caller_ms * MS)), Times(0, int(witness_ms * MS))
    return Note(int(at_ms * MS), *times, n_sleeps)


def window(length_ms, notes=(), *, end_wait_ms=(0, 0), **options):
    caller_ms, witness_ms = end_wait_ms
    start = Times(0, 0), Times(0, 0)
    end = Times(0, int(caller_ms * MS)), Times(0, int(witness_ms * MS))
    stamps = (0, int(length_ms * MS))
    return Window(stamps, notes, start=start, end=end, **options)


def fraction(watched, spacing_ms=0.1):
    return weigh_window(watched, int(spacing_ms * MS)).released_fraction


@pytest.mark.parametrize(
    ("was_woken", "notes", "is_released"),
    [(None, (), False), (False, (), False), (True, (), True), (None, [note(1)], True)],
)
def test_a_wake_up_or_a_note_is_a_release(was_woken, notes, is_released):
    assert window(5, notes, was_woken=was_woken).is_released is is_released


def test_the_shortest_call_of_a_window_is_its_call():
    assert Window((0, 500, 700, 1100), ()).call_ns == 200


def test_a_window_without_a_note_is_held_throughout():
    weight = weigh_window(window(5), MS // 10)
    assert weight == Weight(5 * MS, 5 * MS, 5 * MS)


def test_dense_notes_show_a_free_window():
    notes = [note(0.1 * step, n_sleeps=step) for step in range(50)]
    assert fraction(window(5, notes)) > 0.99


def test_half_a_window_held_is_half():
    notes = [note(0.1 * step, n_sleeps=step) for step in range(50)]
    weight = weigh_window(window(10, notes), MS // 10)
    assert weight.released_fraction == pytest.approx(0.5, abs=0.02)
    assert weight.longest_hold_ns == pytest.approx(5 * MS, rel=0.02)


def test_a_late_note_is_free_if_the_witness_slept_but_once():
    free = [note(0, n_sleeps=1), note(4.95, n_sleeps=2)]
    waited = [note(0, n_sleeps=1), note(4.95, n_sleeps=3)]
    assert fraction(window(5, free)) == pytest.approx(1, abs=0.01)
    assert fraction(window(5, waited)) == pytest.approx(0, abs=0.02)


def test_waiting_for_a_core_is_no_waiting_for_the_gil():
    waited = [note(0, n_sleeps=1), note(4.95, n_sleeps=3, witness_ms=4.8)]
    assert weigh_window(window(5, waited), MS // 10).watched_ns == pytest.approx(
        0.2 * MS, rel=0.1
    )


def test_a_caller_without_a_core_holds_for_no_longer():
    weight = weigh_window(window(50, end_wait_ms=(45, 0)), MS // 10)
    assert weight.longest_hold_ns == 5 * MS


def test_a_witness_that_woke_too_late_says_nothing_of_the_end():
    assert weigh_window(window(5, late_ns=9 * MS), MS // 10).watched_ns == 0


def test_many_short_calls_hold_for_one_call_at_most():
    stamps = tuple(range(0, 10 * MS + 1, MS // 100))
    assert weigh_window(Window(stamps, ()), MS // 10).longest_hold_ns == MS // 100


@pytest.mark.parametrize(
    ("computing", "blocked", "expected"),
    [(800, 0, 400), (100, 700, 400), (900, None, 450), (9999, 0, 500), (0, 0, 0.5)],
)
def test_a_call_took_what_it_computed_and_was_blocked(computing, blocked, expected):
    watched = Window((0, 500, 1000), (), computing_ns=computing, blocked_ns=blocked)
    assert watched.cored_ns == expected


def test_the_weight_picked_is_that_of_the_upper_quartile():
    weights = [Weight(MS, held, 0) for held in (0, MS // 4, MS // 2, MS)]
    assert pick_weight(weights) == weights[1]
    assert pick_weight([]) is None


def test_the_best_share_is_of_a_window_that_was_watched_well():
    weights = [Weight(MS, MS // 2, 0), Weight(MS // 100, 0, 0)]
    assert find_best_share(weights) == 0.5
    assert find_best_share([]) is None


@pytest.mark.parametrize(
    ("marks", "places", "interrupted"),
    [
        pytest.param([0, 1000], [], False, id="not entered"),
        pytest.param([0, 1, 1000], "a", False, id="entered before the work"),
        pytest.param([0, 999, 1000], "a", False, id="entered after the work"),
        pytest.param([0, 500, 1000], "a", True, id="entered in the middle"),
        pytest.param([0, 880, 1000], "a", False, id="between two pieces of work"),
        pytest.param([0, 300, 600, 1000], "abc", True, id="many pieces"),
        pytest.param([0, 60, 170, 1000], "aa", True, id="twice at one place"),
        pytest.param([0, 60, 150, 1000], "aa", False, id="twice, but not far apart"),
        pytest.param([0, 60, 170, 1000], "ab", False, id="at two places"),
        pytest.param(list(range(0, 1001, 5)), "a" * 199, True, id="all the time"),
        pytest.param([0, 14, 15], "a", True, id="in a call too short to tell"),
        pytest.param([0, 20, 21], "a", False, id="in one just long enough"),
        pytest.param([0, 60, 62, 1000], "aa", False, id="twice without work between"),
    ],
)
def test_where_a_call_was_entered_tells_whether_it_was_interrupted(
    marks, places, interrupted
):
    # In microseconds; a piece of less than 10 us is no progress.
    marks = [1000 * mark for mark in marks]
    assert weigh_entry(marks, list(places)).is_interrupted is interrupted


def test_each_call_gets_its_own_notes():
    run = Interrupted([10, 20, 30, 40], [0] * 4, [Note(15), Note(16), Note(25)])
    assert [entry.n_notes for entry in weigh_entries([run])] == [2, 1, 0]


def is_interrupted(at_us, computed_us, length_us=1000, computing_us=1000):
    note = Note(1000 * at_us, computed=1000 * computed_us)
    run = Interrupted((0, 1000 * length_us), (0, 1000 * computing_us), [note])
    return weigh_entries([run])[0].is_interrupted


def test_progress_is_told_by_computing_time():
    assert not is_interrupted(at_us=500, computed_us=995)
    assert is_interrupted(at_us=995, computed_us=500)


def test_progress_is_told_by_the_clock_where_nothing_else_tells():
    for at_us, expected in ((500, True), (995, False)):
        run = Interrupted((0, MS), (0, MS), [Note(1000 * at_us)])
        assert weigh_entries([run])[0].is_interrupted is expected


def test_progress_asleep_is_told_by_the_clock():
    assert not is_interrupted(9990, computed_us=50, length_us=10_000, computing_us=100)
    assert is_interrupted(5000, computed_us=99, length_us=10_000, computing_us=100)


def test_a_call_that_got_little_of_a_core_is_no_sleeper():
    slow = Interrupted(
        (0, 10_000_000), (0, 500_000), [Note(5_000_000, computed=499_000)]
    )
    quick = Interrupted((0, 500_000), (0, 500_000), [])
    assert not weigh_entries([slow, quick])[0].is_interrupted
    assert weigh_entries([slow])[0].is_interrupted


def test_the_share_of_computing_leaves_out_the_wait_for_a_core():
    run = Interrupted((500, 1500), (100, 300), [], waited_ns=600)
    assert run.computing_share == 0.5


def test_a_window_that_nobody_watched_says_nothing_of_the_longest_hold():
    """There was no core to watch from, so none of its holds was seen."""
    unseen = [Weight(0, 0, 0), Weight(10, 0, 0), Weight(400, 0, 0)]
    seen = [Weight(1000, 900, 700), Weight(900, 900, 900), Weight(800, 800, 800)]
    assert find_longest_hold(unseen + seen) == 800
