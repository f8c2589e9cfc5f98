"""Calls are made in order, timed and checked, and begin together in a known order."""

import gc
import pickle
import sys
import threading
from functools import partial
from itertools import count as count_up
from typing import Any

import pytest

from gilscope.environment import is_gil_enabled
from gilscope.probe.statement import read_prepared
from gilscope.threads import collect_no_garbage
from gilscope.timing.calls import (
    Calls,
    PlainWork,
    StatementWork,
    Work,
    measure_wall,
)
from gilscope.timing.start import run_in_order
from tests.looks import look_until

WORK = PlainWork(sum, (range(10),))


def make(work: Work, count: int = 1, **options: Any) -> Calls:
    """Make calls in this thread."""
    calls = Calls(work, count, **options)
    calls.prepare()
    calls.run()
    return calls


@pytest.mark.parametrize("is_stamped", [True, False])
def test_every_call_is_made_and_timed(is_stamped: bool) -> None:
    """The stamps are of each call, or of all of them."""
    made: list[int] = []
    calls = make(PlainWork(made.append, (1,)), 3, is_stamped=is_stamped)
    assert (made, calls.n_done) == ([1, 1, 1], 3)
    assert len(calls.stamps) == (3 if is_stamped else 1)
    assert calls.elapsed_s >= sum(calls.durations_s) > 0


def test_a_window_that_is_over_leaves_the_rest_uncalled() -> None:
    """One call at least is made."""
    assert make(WORK, 1000, limit_s=0.0).n_done == 1


def test_time_with_a_core_is_no_less_than_the_cpu_time() -> None:
    """A wait just before or after the call must not be taken off it."""
    calls = Calls(WORK)
    calls.stamps, calls.waited_s, calls.own_cpu_s = [(0, 3 * 10**9)], 1.0, 0.5
    assert measure_wall([calls]).unqueued_s == 2.0
    calls.waited_s = 2.9
    assert measure_wall([calls]).unqueued_s == 0.5


@pytest.mark.parametrize(
    ("prepared", "expected"),
    [
        (None, ((1,), {"a": 2})),
        ((3,), ((3,), {"a": 2})),
        (((3,), {"b": 4}), ((3,), {"b": 4})),
        (({"b": 4}, 5), (({"b": 4}, 5), {"a": 2})),
    ],
)
def test_prepared_arguments_take_the_place_of_the_others(
    prepared: Any, expected: Any
) -> None:
    """None, a tuple, or a tuple and a dict."""
    assert read_prepared(prepared, (1,), {"a": 2}) == expected


def test_prepared_arguments_of_another_type_are_refused() -> None:
    """A list may be one argument or several."""
    with pytest.raises(TypeError, match="prepare: expected to return a tuple"):
        read_prepared([1], (), {})


def test_arguments_are_prepared_for_each_call_or_for_each_size() -> None:
    """Without a size for each call; with a size once for all of them."""
    made: list[Any] = []
    drawn = iter(range(10))
    make(PlainWork(made.append, prepare=lambda: (next(drawn),)), 3)
    make(PlainWork(made.append, (), {}, lambda size: (size + next(drawn),), 100), 2)
    assert made == [0, 1, 2, 103, 103]


@pytest.mark.parametrize("size", [None, 5])
def test_a_check_is_of_the_calls_that_are_timed(size: int | None) -> None:
    """What is prepared takes the place of the arguments in both."""
    made: list[tuple[Any, ...]] = []
    numbers = count_up()

    def call(*args: Any, **kwargs: Any) -> None:
        made.append((len(args), kwargs))

    def prepare(*_: int) -> Any:
        return ((next(numbers),), {"a": 3}) if size else (next(numbers),)

    work = PlainWork(call, (1, 2), {"a": 2}, prepare, size)
    make(work, 2)
    work.check()
    assert len(made) > 2
    assert {(n, *named.values()) for n, named in made} == {(1, 3 if size else 2)}


def test_a_statement_is_set_up_once_a_process() -> None:
    """`{size}` stands for the size; what it was bound to is not pickled."""
    work = StatementWork("seen.append({size})", "seen = []", 7)
    for _ in range(2):
        make(work, 2)
    (call,) = work.make_calls(1)
    assert isinstance(call, partial)
    assert call.func.__self__ == [7, 7, 7, 7]  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(work))
    assert copy._call is None
    assert make(copy, 1).n_done == 1


def test_the_collector_is_left_as_it_was() -> None:
    """Off inside; on or off outside, as before."""
    assert gc.isenabled()
    with collect_no_garbage():
        assert not gc.isenabled()
        with collect_no_garbage():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


# --- Started together -----------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("is_undisturbed", [False, True])
def test_who_begins_first_is_known(
    count: int, is_reversed: bool, is_undisturbed: bool
) -> None:
    """The first of them, or the last; all of them call, with the interval put back."""
    order: list[int] = []
    before = sys.getswitchinterval()
    all_calls = [Calls(PlainWork(order.append, (place,))) for place in range(count)]
    run_in_order(all_calls, is_reversed=is_reversed, is_undisturbed=is_undisturbed)
    assert order[0] == (count - 1 if is_reversed else 0)
    assert sorted(order) == [*range(count)]
    assert sys.getswitchinterval() == before


@pytest.mark.skipif(not is_gil_enabled(), reason="without a GIL nobody waits for it")
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_call_that_holds_the_gil_keeps_the_other_out(is_reversed: bool) -> None:
    """With no interruption, Python code that begins second begins when it is over."""
    assert look_until(bool, lambda: is_kept_out(is_reversed=is_reversed))


def is_kept_out(*, is_reversed: bool) -> bool:
    """Return whether what the second waits for is the first, not a core."""
    work = PlainWork(sum, (range(300_000),))
    all_calls = [Calls(work), Calls(work)]
    run_in_order(all_calls, is_reversed=is_reversed, is_undisturbed=True)
    first, second = reversed(all_calls) if is_reversed else all_calls
    assert second.start_ns >= first.end_ns
    wall = measure_wall(all_calls)
    assert not wall.has_met
    return wall.unqueued_s > 0.9 * (first.own_cpu_s + second.own_cpu_s)


def test_calls_run_in_threads_of_their_own() -> None:
    """None of them in this one, and none is left."""
    seen: set[int] = set()
    # Threads of other tests may end meanwhile.
    before = {*threading.enumerate()}
    work = PlainWork(lambda: seen.add(threading.get_ident()))
    run_in_order([Calls(work), Calls(work)])
    assert threading.get_ident() not in seen
    assert {*threading.enumerate()} <= before


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("step", ["prepare", "run", "make_calls"])
@pytest.mark.parametrize("is_undisturbed", [False, True])
def test_a_thread_that_fails_keeps_nobody_waiting(
    failing: int, step: str, is_undisturbed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error comes out, whether it was to begin first or not."""
    all_calls = [Calls(WORK), Calls(WORK)]

    def fail(*_: object) -> None:
        message = "no memory"
        raise MemoryError(message)

    monkeypatch.setattr(all_calls[failing], step, fail)
    # Threads of other tests may end meanwhile.
    before = {*threading.enumerate()}
    with pytest.raises(MemoryError, match="no memory"):
        run_in_order(all_calls, is_undisturbed=is_undisturbed)
    assert {*threading.enumerate()} <= before


def make_stamped(start_s: float, end_s: float, cpu_s: tuple[float, float]) -> Calls:
    """Return calls that were made from then to then."""
    calls = Calls(WORK)
    calls.stamps = [(round(start_s * 1e9), round(end_s * 1e9))]
    calls.cpu_ns = (round(cpu_s[0] * 1e9), round(cpu_s[1] * 1e9))
    return calls


def test_the_wall_is_from_the_first_start_to_the_last_end() -> None:
    """Run-queue wait is left out, but not what a thread computed itself."""
    first = make_stamped(1, 3, (0, 1))
    second = make_stamped(2, 5, (0.1, 2))
    second.waited_s = 1.5
    wall = measure_wall([first, second])
    assert (wall.seconds, wall.unqueued_s, wall.cpu_s) == pytest.approx((4.0, 2.5, 2.0))
    first.own_cpu_s = 2.75
    assert measure_wall([first, second]).unqueued_s == 2.75


@pytest.mark.parametrize(
    ("second_start_s", "has_met"), [(2.999, True), (3.0, False), (4.0, False)]
)
def test_calls_meet_if_one_begins_before_the_other_ends(
    second_start_s: float, has_met: bool
) -> None:
    """Whichever of them is named first."""
    calls = [make_stamped(1, 3, (0, 1)), make_stamped(second_start_s, 5, (0, 1))]
    assert measure_wall(calls).has_met is has_met
    assert measure_wall(calls[::-1]).has_met is has_met
