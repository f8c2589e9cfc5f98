"""Calls and throughput in tables that the subjects share; threads by backend.

Two calls of about 50 ms, one after the other and in two threads that release the GIL or
hold it; the threads wait for the clock. `extra_info` has what saved runs are compared
by: the speed-up within the row, the verdict, the environment.
"""

import contextlib
import dataclasses
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import backends
import gilscope
from benchmarks.subjects import INSTEAD, LARGE, SMALL, DoubleInto, load, make_values
from gilscope.busy_thread import BusyThread
from gilscope.environment import collect_environment

# Nearly all of a call is kernel, of about 50 ms; all native backends have as many
# passes, Python a three-hundredth of them.
LENGTH, NATIVE_PASSES, PYTHON_PASSES = 1_000, 300_000, 1_000
N_ROUNDS = 12
# A short call is measured so often, each time for so many calls.
N_SHORT_ROUNDS, N_SHORT_CALLS = 30, 5_000

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


@dataclasses.dataclass
class Calls:
    """Two calls of one backend, in one thread or in two that wait for the clock."""

    double_list: backends.DoubleList
    passes: int
    release_gil: bool = True

    def __post_init__(self) -> None:
        """Make the arguments, and prepare the threads."""
        self.values = make_values(LENGTH, SMALL)
        self.result: list[Any] = [None, None]
        self.start = threading.Barrier(3)
        self.end = threading.Barrier(3)
        self.is_over = False

    def call(self, index: int) -> None:
        """Make one call."""
        self.double_list(
            self.values,
            self.result,
            index,
            passes=self.passes,
            release_gil=self.release_gil,
        )

    def run_one_after_the_other(self) -> None:
        """Make both calls in this thread."""
        self.call(0)
        self.call(1)

    def run_in_threads(self) -> None:
        """Let both threads make their call."""
        self.start.wait()
        self.end.wait()

    def serve(self, index: int) -> None:
        """Make a call each time that the clock runs."""
        while True:
            self.start.wait()
            if self.is_over:
                return
            self.call(index)
            self.end.wait()

    @contextlib.contextmanager
    def threads(self) -> Iterator[None]:
        """Have both threads wait for the clock."""
        threads = [
            threading.Thread(target=self.serve, args=(index,), daemon=True)
            for index in (0, 1)
        ]
        for thread in threads:
            thread.start()
        yield
        self.is_over = True
        self.start.wait()
        for thread in threads:
            thread.join()


@pytest.fixture(params=backends.names())
def backend(request: pytest.FixtureRequest) -> backends.Backend:
    """Return each backend that is built in turn."""
    try:
        return backends.get(request.param)
    except ImportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("form", ["one after the other", "released", "held"])
def test_two_calls(benchmark: Any, backend: backends.Backend, form: str) -> None:
    """Measure two calls; of two threads tell by how much they are faster, too."""
    passes = NATIVE_PASSES if backend.releases_gil else PYTHON_PASSES
    benchmark.group = f"{backend.name}: two calls of {passes:,} passes"
    calls = Calls(backend.double_list, passes, release_gil=form != "held")
    in_turn_s: list[float] = []

    def run_before() -> None:
        started = time.perf_counter()
        calls.run_one_after_the_other()
        in_turn_s.append(time.perf_counter() - started)

    if form == "one after the other":
        benchmark.pedantic(calls.run_one_after_the_other, rounds=N_ROUNDS)
    else:
        with calls.threads():
            benchmark.pedantic(calls.run_in_threads, setup=run_before, rounds=N_ROUNDS)
        median_s = benchmark.stats.stats.median
        benchmark.extra_info["speedup"] = statistics.median(in_turn_s) / median_s
    assert calls.result == [[2 * item for item in calls.values]] * 2
    found = gilscope.check(calls.call, 0, figures=False)
    benchmark.extra_info["verdict"] = found.verdict
    benchmark.extra_info["passes"] = passes
    environment = dataclasses.asdict(collect_environment())
    benchmark.extra_info["environment"] = environment


@pytest.mark.parametrize("where", ["alone", "beside a busy thread"])
def test_short_call(benchmark: Any, backend: backends.Backend, where: str) -> None:
    """Measure a call of ten integers, with nothing beside it or with Python code."""
    benchmark.group = f"{backend.name}: a short call"
    values, result = make_values(10, SMALL), [None]
    double_list = backend.double_list

    def run() -> None:
        for _ in range(N_SHORT_CALLS):
            double_list(values, result, 0)

    with BusyThread() as busy_thread:
        beside = contextlib.nullcontext()
        if where != "alone":
            beside = busy_thread.computing()  # type: ignore[assignment]
        with beside:
            benchmark.pedantic(run, rounds=N_SHORT_ROUNDS)
        benchmark.extra_info["busy_thread_speed"] = busy_thread.speed
    benchmark.extra_info["calls"] = N_SHORT_CALLS
    benchmark.extra_info["environment"] = dataclasses.asdict(collect_environment())
