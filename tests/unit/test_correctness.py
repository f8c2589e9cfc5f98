"""Cases and property tests catch every kind of wrong answer, and no right one."""

import functools
import itertools
import random
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backends import Backend
from backends.reference import double_list as double_list_right
from compare.double_list import leftovers, observe
from compare.double_list.cases import CASES
from compare.double_list.contract import adopt, check_growth
from compare.double_list.leftovers import (
    N_CALLS,
    choose_n_calls,
    measure_growth,
    repeat,
)
from compare.double_list.properties import LONG_PROPERTIES, PROPERTIES
from compare.double_list.settings import watch_settings
from compare.scenarios import Options, correctness
from compare.work import ImplementationWork, calibrate
from gilscope.threads import run_together
from gilscope.timing.calls import Wall
from tests.faulty_backends import raises

# Cases, property tests, the growth of the work with the GIL released and held, the
# settings of the process; two sizes with two seeds each, and in threads.
N_CHECKS = len(CASES) + len(PROPERTIES) + 3 + 2 * 3


def test_every_backend_passes(backend: Backend) -> None:
    """A backend that keeps the contract passes all cases and property tests."""
    found = correctness.run(adopt(backend), Options(quick=True))
    assert found.failures == ()
    assert found.failed == 0
    assert found.passed == N_CHECKS


KEPT: list[Any] = []
SLOTS: list[Any] = [None] * 2000


def keep_every(n_calls: int) -> Callable[[], None]:
    """Return a call that keeps an object every so many times."""
    numbers = itertools.count(1)

    def call() -> None:
        if next(numbers) % n_calls == 0:
            KEPT.append(object())

    return call


def refer_to_itself() -> None:
    """Make a cycle."""
    loop: list[object] = []
    loop.append(loop)


def fill_a_cache() -> None:
    """Keep an object in one of many slots, as a cache does that hashes."""
    SLOTS[random.randrange(len(SLOTS))] = object()


def look_up_by_name() -> None:
    """Have the interpreter's type cache keep a name."""
    getattr(KEPT, b"append".decode())


def slow_down() -> None:
    """Keep something after 2, 4, 8, 16 calls, and so on."""
    COUNT[0] += 1
    if COUNT[0] & (COUNT[0] - 1) == 0:
        KEPT.append([object() for _ in range(300)])


COUNT = [0]


@pytest.mark.parametrize(
    "call",
    [
        refer_to_itself,
        fill_a_cache,
        functools.lru_cache(2000)(lambda _: None),
        look_up_by_name,
        slow_down,
    ],
)
def test_growth_that_stops_or_slows_down_is_no_leak(
    call: Callable[..., object],
) -> None:
    """What a cache keeps, and what goes when the collector comes."""
    if hasattr(call, "cache_info"):
        call = partial(lambda cached: cached(object()), call)
    assert measure_growth(partial(repeat, N_CALLS, call)) == {}


def test_what_leaves_nothing_is_counted_once(monkeypatch) -> None:
    """Whatever the counting itself adds would double the calls each time."""
    counted: list[int] = []
    count = leftovers.count_growth

    def count_growth(make_calls, n_rounds):
        counted.append(n_rounds)
        return count(make_calls, n_rounds)

    monkeypatch.setattr(leftovers, "count_growth", count_growth)
    call = partial(double_list_right, [1, 2, 3], [None], 0)
    tries = []
    for _ in range(5):
        counted.clear()
        measure_growth(partial(repeat, N_CALLS, call))
        tries.append(len(counted))
    # Other threads may add something now and then.
    assert min(tries) == 1


@pytest.mark.parametrize("is_in_threads", [False, True])
@pytest.mark.parametrize("n_calls", [1, 20])
def test_what_one_call_in_so_many_keeps_is_a_leak(
    n_calls: int,
    is_in_threads: bool,
) -> None:
    """However long it takes to be sure."""
    call: Callable[[], object] = keep_every(n_calls)
    if is_in_threads:
        call = partial(run_together, call)
    grown = measure_growth(partial(repeat, N_CALLS, call), 4)
    assert grown["blocks of Python memory"] * n_calls >= 63 * N_CALLS
    KEPT.clear()


@pytest.mark.parametrize(("seconds", "n_calls"), [(0.0, N_CALLS), (0.005, 4), (0.1, 1)])
def test_leaks_of_slow_calls_are_looked_for_in_fewer(
    seconds: float, n_calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timeit.repeat", lambda *_, **__: [9.0, seconds + 1e-6])
    assert choose_n_calls(list) == n_calls


def test_work_that_is_small_beside_the_rest_of_a_call_grows() -> None:
    """A pool takes CPU time to wake up, and time that is none of the kernel."""

    def double_list(*arguments: Any, passes: int = 1, **options: Any) -> None:
        end_s = time.thread_time() + 0.001
        while time.thread_time() < end_s:
            pass
        time.sleep(0.05 if passes > 1 else 0)
        double_list_right(*arguments, passes=passes, **options)

    assert check_growth(adopt(Backend("x", double_list)), release_gil=True) is None


def test_work_that_another_process_does_grows() -> None:
    """It takes no CPU time here, and its time is waited for."""

    def double_list(*arguments: Any, passes: int = 1, **options: Any) -> None:
        time.sleep(passes * 1e-5)
        double_list_right(*arguments, **options)

    assert check_growth(adopt(Backend("x", double_list)), release_gil=True) is None


def test_a_call_that_waits_is_not_given_more_work_for_it() -> None:
    """What waits for a thread of a pool on a busy machine took seconds a call."""

    def double_list(*arguments: Any, **options: Any) -> None:
        time.sleep(0.02)
        double_list_right(*arguments, **options)

    backend = adopt(Backend("x", double_list))
    work = calibrate(ImplementationWork(backend, 1000), 0.004)
    assert 10 < work.options["passes"] < 5000


def test_noise_is_not_taken_for_the_work_of_one_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls that took 2 ms longer than the first ones, for no reason of their own."""
    noises_s = itertools.chain([0.0] * 3, itertools.repeat(0.002))

    def time_call(work: ImplementationWork) -> Wall:
        passes: int = work.options["passes"]
        seconds = 0.02 + passes * 15e-6 + next(noises_s)
        return Wall(seconds, seconds, passes * 1e-6)

    monkeypatch.setattr(ImplementationWork, "time_call", time_call)
    work = ImplementationWork(adopt(Backend("x", double_list_right)), 1000)
    assert 50 < calibrate(work, 0.004).options["passes"] < 500


def test_a_call_that_yields_to_its_own_thread_is_as_long_as_that_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such a caller is in the run queue nearly all the time; it took minutes a call."""

    def time_call(work: ImplementationWork) -> Wall:
        cpu_s: float = work.options["passes"] * 20e-6
        return Wall(seconds=4 * cpu_s, unqueued_s=cpu_s / 100, cpu_s=cpu_s)

    monkeypatch.setattr(ImplementationWork, "time_call", time_call)
    work = ImplementationWork(adopt(Backend("x", double_list_right)), 1000)
    assert 100 < calibrate(work, 0.004).options["passes"] < 400


def test_the_full_form_looks_at_longer_lists() -> None:
    """What only very long lists show is not for the short form."""

    def double_list(
        values: list[Any], result: list[Any], index: int, **options: Any
    ) -> None:
        double_list_right(values, result, index, **options)
        if len(values) > 100_000:
            result[index][-1] += 1

    backend = Backend("wrong_when_very_long", double_list, releases_gil=False)
    checks = correctness.make_checks(adopt(backend), Options(quick=False))
    assert len(checks) == N_CHECKS + len(LONG_PROPERTIES)
    failure = next(correctness.find_failures(checks))
    assert failure.startswith("1.1 1000000 values: answer[999999]: expected 1999998")


def test_a_backend_that_only_raises_has_no_result() -> None:
    """What a plain call raises comes through, for there is nothing to compare."""
    with pytest.raises(ValueError, match="out of cheese"):
        correctness.run(adopt(raises), Options(quick=True))


def test_the_difference_of_long_texts_is_shown() -> None:
    """Both texts begin shortly before the place where they differ."""
    right, wrong = ("-" * 1000 + end + "=" * 1000 for end in "AB")
    shown = observe.describe_difference(right, wrong)
    assert "A=" in shown
    assert "B=" in shown
    assert len(shown) < 4 * observe.TEXT_LENGTH


@pytest.mark.parametrize(
    ("stamps", "fault"),
    [
        ((1, 2, 3, 4, 5), None),
        ((1, 1, 1, 1, 1), None),
        ([1, 2, 3, 4, 5], "not a tuple of 5 ints"),
        ((1, 2, 3, 4), "not a tuple of 5 ints"),
        ((1, 2, 3, 4, 5.0), "not a tuple of 5 ints"),
        ((True, 2, 3, 4, 5), "not a tuple of 5 ints"),
        ((1, 3, 2, 4, 5), "not in the order of time"),
        ((-1, 2, 3, 4, 5), "not on the clock"),
        ((1, 2, 3, 4, 11), "not on the clock"),
    ],
)
def test_a_trace_is_five_stamps_of_the_callers_clock(
    stamps: object, fault: str | None
) -> None:
    """Clause 1.9: what is no such tuple, in order, inside the call, is refused."""
    found = observe.find_trace_fault(stamps, 0, 10)
    assert (fault is None and found is None) or (fault and fault in str(found))


def test_a_short_sleep_is_noticed() -> None:
    """Clause 1.3: the stamps around a sleep show at least what was asked for."""
    options = {"trace": [(0, 1, 2, 3, 4)], "held_sleep": 0.5}
    text = observe.describe_trace(options, options["trace"], 0, 10)
    assert text == "held_sleep of 0.000000 s instead of 0.5 s"


def test_a_result_in_itself_can_be_described() -> None:
    """A backend that stores result in result is described, not followed for ever."""
    loop: list[object] = [1]
    loop.append(loop)
    assert observe.picture(loop) == "[1, [1, [1, a list]]]"


@pytest.mark.skipif(
    getattr(sys.flags, "context_aware_warnings", False),
    reason="what pytest lets a test filter is its own here",
)
@pytest.mark.parametrize(("is_import", "n_failed"), [(True, 0), (False, 1)])
def test_a_call_that_imports_may_filter_warnings(
    monkeypatch: pytest.MonkeyPatch, is_import: bool, n_failed: int
) -> None:
    """Numpy does so, whichever call imports it; others have no such reason."""

    def double_list(values: list[Any], *arguments: Any, **options: Any) -> None:
        if len(values) > 1000:
            warnings.filterwarnings("ignore", "by a call")
            if is_import:
                monkeypatch.setitem(sys.modules, "imported_late", warnings)
        double_list_right(values, *arguments, **options)

    functools.update_wrapper(double_list, double_list_right)
    with warnings.catch_warnings():
        found = correctness.run(adopt(Backend("x", double_list)), Options(quick=True))
    assert found.failed == n_failed
    assert all("the filters of warnings changed" in text for text in found.failures)


def test_a_folder_that_is_gone_is_no_fault_of_a_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one in its place is."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    check = watch_settings()
    assert check() is None
    monkeypatch.chdir(tmp_path)
    assert check() == "1.11 after all calls: the current folder changed"


@pytest.mark.parametrize(
    ("again", "fault"),
    [
        ({}, None),
        ({"threads": 9}, None),
        (
            {"open files": 8, "threads": 9},
            "1.11 calls that end with an answer leave behind 7 open files",
        ),
    ],
)
def test_only_what_is_left_behind_twice_is_held_against_a_backend(
    monkeypatch, again, fault
):
    """The memory of other threads grows once; the reference was accused of it."""
    found = iter([{"open files": 7}, again])
    monkeypatch.setattr(leftovers, "measure_growth", lambda *_: next(found, {}))
    assert leftovers.check_leftovers(double_list_right) == fault
