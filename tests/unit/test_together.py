"""Calls begin together, and which of them is first is known."""

import sys
import threading
from typing import Any

import pytest

from backends.reference import double_list
from compare.measure.together import measure_wall, run_in_order
from compare.measure.work import Calls, Work
from gilscope.environment import is_gil_enabled

WORK = Work(double_list, passes=2, n=5)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("is_undisturbed", [False, True])
def test_who_begins_first_is_known(
    count: int, is_reversed: bool, is_undisturbed: bool
) -> None:
    """The first of them, or the last; all of them call."""
    order: list[int] = []

    def note(*arguments: Any, **options: Any) -> None:
        order.append(arguments[0][0])
        double_list(*arguments, **options)

    all_calls = [Calls(Work(note, n=5)) for _ in range(count)]
    run_in_order(all_calls, is_reversed=is_reversed, is_undisturbed=is_undisturbed)
    firsts = [calls.values[0] for calls in all_calls]
    assert order[0] == firsts[-1 if is_reversed else 0]
    assert sorted(order) == sorted(firsts)
    assert all(calls.find_fault() == "" for calls in all_calls)


@pytest.mark.skipif(not is_gil_enabled(), reason="without a GIL nobody waits for it")
@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_call_that_keeps_the_gil_keeps_the_other_out(is_reversed: bool) -> None:
    """With no interruption, Python code that begins second begins when it is over."""
    all_calls = [Calls(Work(double_list, passes=2000)) for _ in range(2)]
    before = sys.getswitchinterval()
    run_in_order(all_calls, is_reversed=is_reversed, is_undisturbed=True)
    assert sys.getswitchinterval() == before
    first, second = reversed(all_calls) if is_reversed else all_calls
    assert second.start_ns >= first.end_ns
    # What the second waits for is the first, not a core.
    computed_s = first.own_cpu_s + second.own_cpu_s
    assert measure_wall(all_calls).cored_s > 0.9 * computed_s


def test_calls_run_in_threads_of_their_own() -> None:
    """None of them in this one, and none is left."""
    seen: set[int] = set()

    def note(*arguments: Any, **options: Any) -> None:
        seen.add(threading.get_ident())
        double_list(*arguments, **options)

    # Threads of other tests may end meanwhile.
    before = {*threading.enumerate()}
    run_in_order([Calls(Work(note, n=5)) for _ in range(2)])
    assert threading.get_ident() not in seen
    assert {*threading.enumerate()} <= before


def test_what_a_call_raises_comes_out() -> None:
    """In whichever thread it was raised."""

    def refuse(*_: Any, **__: Any) -> None:
        message = "no"
        raise ValueError(message)

    with pytest.raises(ValueError, match=r"^no$"):
        run_in_order([Calls(WORK), Calls(Work(refuse))])


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("step", ["prepare", "run"])
@pytest.mark.parametrize("is_undisturbed", [False, True])
def test_a_thread_that_fails_early_keeps_nobody_waiting(
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


def test_the_wall_is_from_the_first_start_to_the_last_end() -> None:
    """Waiting for a core is left out, but not what a thread computed itself."""
    first, second = Calls(WORK), Calls(WORK)
    first.stamps, first.cpu_ns = [(1_000_000_000, 3_000_000_000)], (0, 10**9)
    second.stamps, second.cpu_ns = [(2_000_000_000, 5_000_000_000)], (10**8, 2 * 10**9)
    second.waited_s = 1.5
    wall = measure_wall([first, second])
    assert (wall.seconds, wall.cored_s, wall.cpu_s) == pytest.approx((4.0, 2.5, 2.0))
    first.own_cpu_s = 2.75
    assert measure_wall([first, second]).cored_s == 2.75
