"""Calls, throughput and two threads, in tables that the subjects share."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

import backends
from benchmarks.subjects import INSTEAD, LARGE, SMALL, DoubleInto, load, make_values

# The same work for all, nearly all of it in the kernel: about 2 ms in a native one.
LENGTH, PASSES = 1_000, 10_000
TWO_CALLS = f"two calls of {PASSES:,} passes over {LENGTH:,} integers"

SUBJECTS = ("floor", *backends.names(), *INSTEAD)


def load_or_skip(name: str) -> Any:
    """Return the subject, or skip with the reason why it is not there."""
    try:
        return load(name)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.fixture(params=SUBJECTS)
def double_into(request: pytest.FixtureRequest) -> DoubleInto:
    """Return each subject in turn."""
    subject: DoubleInto = load_or_skip(request.param)
    return subject


@pytest.mark.parametrize("length", [0, 3])
def test_call(benchmark: Any, double_into: DoubleInto, length: int) -> None:
    """Measure what a call costs beside its items."""
    benchmark.group = f"call, n = {length}"
    measure(benchmark, double_into, make_values(length, SMALL))


@pytest.mark.parametrize("kind", [SMALL, LARGE])
@pytest.mark.parametrize("length", [1_000, 100_000])
def test_throughput(
    benchmark: Any, double_into: DoubleInto, length: int, kind: str
) -> None:
    """Measure what the items cost."""
    benchmark.group = f"throughput, n = {length:,}, {kind} integers"
    measure(benchmark, double_into, make_values(length, kind))


def measure(benchmark: Any, double_into: DoubleInto, values: list[int]) -> None:
    """Measure one subject, of which the answer is right."""
    result: list[Any] = [None]
    double_into(values, result, 0)
    assert result == [[2 * item for item in values]]
    benchmark(double_into, values, result, 0)


@pytest.fixture(params=backends.names())
def calls(request: pytest.FixtureRequest) -> list[Callable[[], None]]:
    """Return two calls of the same work."""
    double_list: backends.DoubleList = load_or_skip(request.param)
    values = make_values(LENGTH, SMALL)
    result: list[Any] = [None, None]

    def make_call(index: int) -> Callable[[], None]:
        return lambda: double_list(values, result, index, passes=PASSES)

    calls = [make_call(0), make_call(1)]
    for call in calls:
        call()
    assert result == [[2 * item for item in values]] * 2
    return calls


def test_one_after_the_other(benchmark: Any, calls: list[Callable[[], None]]) -> None:
    """Measure two calls in one thread."""
    benchmark.group = TWO_CALLS

    def run() -> None:
        for call in calls:
            call()

    benchmark(run)


def test_two_threads(benchmark: Any, calls: list[Callable[[], None]]) -> None:
    """Measure two calls in two threads, with the cost of the threads."""
    benchmark.group = TWO_CALLS

    def run() -> None:
        threads = [threading.Thread(target=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    benchmark(run)
