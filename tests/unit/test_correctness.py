"""The contract's cases and laws catch every kind of wrong answer, and no right one."""

import functools
import warnings
from importlib import import_module
from typing import Any

import pytest

from backends import Backend
from backends.reference import double_list as double_list_right
from compare.double_list import outcome
from compare.double_list.cases import CASES
from compare.double_list.laws import LAWS, LONG_LAWS
from compare.double_list.laws.leftovers import find_c_counter, measure_growth
from compare.model import Correctness
from compare.scenarios import Options, correctness

# The settings of the process are looked at after all others.
N_CHECKS = len(CASES) + len(LAWS) + 1


def run(name: str) -> Correctness:
    """Put a wrong backend through the scenario, in this process."""
    backend = import_module(f"tests.liars.{name}").backend
    return correctness.run(backend, Options(quick=True))


@pytest.mark.timeout(60)
def test_every_backend_passes(backend: Backend) -> None:
    """A backend that keeps the contract passes all cases and all laws."""
    found = correctness.run(backend, Options(quick=True))
    assert found.failures == ()
    assert found.failed == 0
    assert found.passed == N_CHECKS


@pytest.mark.parametrize(
    ("liar", "n_failures", "words"),
    [
        ("writes_elsewhere", 20, "1.1 three integers: result: expected ['first', "),
        ("mutates_values", 20, "1.1 three integers: values: expected [1, 2, 3], got "),
        ("answers_bools", 2, "1.2 bools: result: expected ['first', [2, 0]], got "),
        ("ignores_index_sign", 1, "1.1 index -2: error: expected no error, got "),
        ("leaves_half", 2, "1.2 an item just over 64 bits: result: expected "),
        ("other_words", 2, "1.2 an item just over 64 bits: error: expected "),
        ("returns_answer", 20, "1.1 three integers: returned: expected None, got "),
        ("never_traces", 20, "trace: expected 1 before, one good entry after, got "),
        ("garbles_trace", 20, "got stamps not in the order of time: "),
        ("wrong_in_threads", 3, "1.7 2 threads, each with the same values: expected"),
        ("wrong_from_the_end", 3, "1.7 2 threads, each with the same values: expected"),
        ("wrong_when_long", 1, "1.1 20000 values: expected their doubles, got"),
        ("keeps_answers", 1, "1.3 a call: expected a new list in result alone"),
        (
            "wrong_at_one_length",
            1,
            "1.1 64 values, release_gil=True: item 63: expected",
        ),
        ("wrong_between_digits", 2, "1.2 all around the powers of two: result: "),
        ("wrong_in_combination", 1, "1.1 3 values, index -1, passes=1, release_gil="),
        ("wrong_after_an_error", 1, "1.6 a call after values that are a tuple: item 2"),
        ("shares_empty_answers", 1, "1.3 two calls of []: expected two new lists, got"),
        ("reuses_lists", 1, "1.3 two calls of [1, 2, 3]: expected two new lists, got "),
        ("stores_early", 1, "1.3 result while a call sleeps: expected ['first', 's"),
        (
            "replaces_trace",
            1,
            "each with values of its own: expected 216 entries in one",
        ),
        ("asks_the_subclass", 1, "1.9 a trace of a subclass: trace: expected "),
        ("checks_trace_late", 1, "1.5 a wrong trace and a wrong item: "),
        (
            "takes_any_option",
            1,
            "1.1 an unknown option: expected TypeError, got no err",
        ),
        ("raises_its_own", 5, "got another OverflowError (tests.liars.raises_its_own."),
        ("names_another_item", 1, "1.2 two doubles that do not fit in a long list: "),
        ("leaves_half_held", 1, "1.6 4 values, index 0, passes=1, release_gil=False"),
        ("leaks_after_errors", 1, "calls that end with an item that does not fit: "),
        (
            "sleeps_only_traced",
            1,
            "1.3 both sleeps without a trace: trace: expected no",
        ),
        ("wrong_inside_itself", 1, "1.7 a call inside of another one: expected 3 item"),
        ("traces_the_reading", 1, "1.9 items that note when they are read: expected"),
    ],
)
def test_a_wrong_backend_is_caught(liar: str, n_failures: int, words: str) -> None:
    """Each kind of wrong answer fails a case whose sentence says what was wrong."""
    found = run(liar)
    assert found.failed >= n_failures
    assert found.passed + found.failed == N_CHECKS
    assert [failure for failure in found.failures if words in failure]
    assert len(found.failures) <= correctness.N_FAILURES_KEPT


@pytest.mark.skipif(find_c_counter() is None, reason="malloc() is not counted here")
def test_a_leak_of_c_memory_is_caught() -> None:
    """A few bytes of each call are enough."""
    found = run("leaks_in_c")
    assert any(
        "calls that end with an answer: " in failure
        and "bytes of C memory not given back" in failure
        for failure in found.failures
    )


def test_garbage_that_can_be_collected_is_no_leak() -> None:
    """What refers to itself goes when the collector comes."""

    def call() -> None:
        loop: list[object] = []
        loop.append(loop)

    assert measure_growth(call, 100) == {}


def test_the_full_form_looks_at_longer_lists() -> None:
    """What only very long lists show is not for the short form."""

    def double_list(
        values: list[Any], result: list[Any], index: int, **options: Any
    ) -> None:
        double_list_right(values, result, index, **options)
        if len(values) > 100_000:
            result[index][-1] += 1

    backend = Backend("wrong_when_very_long", double_list, releases_gil=False)
    found = correctness.run(backend, Options(quick=False))
    assert found.passed + found.failed == N_CHECKS + len(LONG_LAWS)
    (failure,) = found.failures
    assert failure == "1.1 1000000 values: item 999999: expected 1999998, got 1999999"


def test_a_backend_that_only_raises_has_no_result() -> None:
    """What a plain call raises comes through, for there is nothing to compare."""
    with pytest.raises(ValueError, match="out of cheese"):
        run("raises")


def test_the_difference_of_long_texts_is_shown() -> None:
    """Both texts begin shortly before the place where they differ."""
    right, wrong = ("-" * 1000 + end + "=" * 1000 for end in "AB")
    shown = outcome.describe_difference(right, wrong)
    assert "A=" in shown
    assert "B=" in shown
    assert len(shown) < 4 * outcome.TEXT_LENGTH


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
    found = outcome.find_trace_fault(stamps, 0, 10)
    assert (fault is None and found is None) or (fault and fault in str(found))


def test_a_short_sleep_is_noticed() -> None:
    """Clause 1.3: the stamps around a sleep show at least what was asked for."""
    options = {"trace": [(0, 1, 2, 3, 4)], "held_sleep": 0.5}
    text = outcome.describe_trace(options, 0, 10)
    assert text == "held_sleep of 0.000000 s instead of 0.5 s"


def test_a_result_in_itself_can_be_described() -> None:
    """A backend that stores result in result is described, not followed for ever."""
    loop: list[object] = [1]
    loop.append(loop)
    assert outcome.picture(loop) == "[1, [1, [1, a list]]]"


@pytest.mark.parametrize(("n_changing", "n_failed"), [(1, 0), (2, 1)])
def test_what_the_first_call_imports_may_filter_warnings(
    n_changing: int, n_failed: int
) -> None:
    """Numpy does so, when it is imported; later calls have no such reason."""
    n_calls = 0

    def double_list(*arguments: Any, **options: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls <= n_changing:
            warnings.filterwarnings("ignore", f"by call {n_calls}")
        double_list_right(*arguments, **options)

    functools.update_wrapper(double_list, double_list_right)
    with warnings.catch_warnings():
        found = correctness.run(Backend("x", double_list), Options(quick=True))
    assert found.failed == n_failed
    assert all("the filters of warnings changed" in text for text in found.failures)
