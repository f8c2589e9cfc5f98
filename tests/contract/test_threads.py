"""Clause 1.7: many threads on the same lists."""

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backends import Backend, contract

N_THREADS = 8
N_CALLS = 300


@pytest.fixture(autouse=True)
def eager_switches() -> Iterator[None]:
    """Make the interpreter switch threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def run_beside(mutate: Callable[[int], object], call: Callable[[int], object]) -> None:
    """Run call(place) N_CALLS times in each thread, while one more thread mutates."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(N_THREADS + 1)
    n_running = N_THREADS

    def work(place: int) -> None:
        nonlocal n_running
        barrier.wait()
        try:
            for _ in range(N_CALLS):
                call(place)
        except BaseException as error:
            errors.append(error)
        finally:
            n_running -= 1

    def disturb() -> None:
        barrier.wait()
        step = 0
        # Bounded, should the count above be torn on a free-threaded build.
        while n_running > 0 and step < 1_000_000:
            mutate(step)
            step += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(N_THREADS)]
    threads.append(threading.Thread(target=disturb))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_shared_values_and_result(backend: Backend) -> None:
    """1.7: each snapshot is one state that the shared list was in."""
    values = [10**12] * 50
    result: list[Any] = [[]] * N_THREADS
    trace: list[Any] = []
    states = [[number * 10**k] * 50 for number in (1, -3, 7) for k in (0, 9, 12, 17)]
    answers = [[2 * item for item in state] for state in [values, *states]]

    def mutate(step: int) -> None:
        values[:] = states[step % len(states)]

    def call(place: int) -> None:
        backend.double_list(values, result, place, passes=3, trace=trace)
        assert result[place] in answers

    run_beside(mutate, call)
    assert len(trace) == N_THREADS * N_CALLS
    assert values in states


def test_values_change_their_length(backend: Backend) -> None:
    """1.7: a list that grows and shrinks is never read beyond its end."""
    values: list[Any] = []
    result: list[Any] = [[]]

    def mutate(step: int) -> None:
        if step % 7 == 0:
            values.clear()
        elif step % 7 == 1:
            values.extend([step * 10**9] * (step % 1000))
        elif values:
            values.pop()

    def call(_: int) -> None:
        backend.double_list(values, result, 0)
        assert all(item % 10**9 == 0 for item in result[0])

    run_beside(mutate, call)


def test_items_are_replaced(backend: Backend) -> None:
    """1.7: an item that goes while it is read is read whole or not at all."""
    values: list[Any] = [10**15 + place for place in range(100)]
    result: list[Any] = [[]]

    def mutate(step: int) -> None:
        # Each is a new object, whose predecessor goes with this.
        values[step % 100] = 10**15 + step % 100

    def call(_: int) -> None:
        backend.double_list(values, result, 0)
        assert result[0] == [2 * (10**15 + place) for place in range(100)]

    run_beside(mutate, call)


def test_result_shrinks_and_grows(backend: Backend) -> None:
    """1.7: a position that comes and goes is written to or is an IndexError."""
    result: list[Any] = [0] * N_THREADS
    texts = {
        contract.INDEX_OUTSIDE.format(index=place, length=0)
        for place in range(N_THREADS)
    }
    seen: set[Any] = set()

    def mutate(step: int) -> None:
        if step % 2:
            result.clear()
        else:
            result.extend([0] * N_THREADS)

    def call(place: int) -> None:
        try:
            backend.double_list([1, place], result, place)
        except IndexError as error:
            seen.add(str(error))

    run_beside(mutate, call)
    # The length is that of the moment at which the text was made.
    assert {text.translate(DROP_LENGTH) for text in seen} <= {
        text.translate(DROP_LENGTH) for text in texts
    }
    assert all(
        item in ([2, 2 * place] for place in range(8)) for item in result if item
    )


DROP_LENGTH = dict.fromkeys(map(ord, "0123456789"))


def test_hostile_items_in_threads(backend: Backend) -> None:
    """1.7: an __index__ that gives others a turn and empties the list is safe."""
    values: list[Any] = []
    result: list[Any] = [[]]

    class Clearing:
        def __index__(self) -> int:
            values.clear()
            return 10**11

    def mutate(step: int) -> None:
        values.extend([10**12, Clearing(), step])

    def call(_: int) -> None:
        backend.double_list(values, result, 0)
        assert all(item % 2 == 0 for item in result[0])

    run_beside(mutate, call)
