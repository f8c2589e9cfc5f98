"""Calls of an implementation whose answers are checked: never the same arguments."""

import itertools
import math
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

from compare.contract import Contract, Implementation
from compare.scenarios import NotApplicable
from gilscope.threads import run_together, switch_interval
from gilscope.timing.calls import Call, Calls, Wall, Work, count_calls, measure_wall

# So many seeds are used in turn: another one for each call, and few enough for a slow
# reference.
N_SEEDS = 8
_seeds = itertools.cycle(range(N_SEEDS))

# No CPU does this many passes in less than seconds, so what asks for more does none.
PASSES_MAX = 2**26
# From one number of passes that is tried to the next, at most.
PASSES_FACTOR = 64
# The kernel takes at least so many times as long as all around it.
KERNEL_FACTOR = 32
N_TRIES = 3

# Of calls whose arguments and answers are kept there are no more.
KEPT_CALLS_MAX = 1000
# Their arguments take no more than so small a part of the memory that a contract lets
# a process have: four threads have some, and answers as large.
KEPT_BYTES_FACTOR = 16
# Making their arguments takes no more than so many times as long as the calls are to.
MAKING_FACTOR = 4
# A switch interval as short as a call can be interrupted at all.
INTERRUPTING_S = 10e-6

TEXT_LENGTH = 120

# Whose answers are compared as they are.
ANY = Contract()


class SeededCall(partial[Any]):
    """A call that knows what its arguments were made of."""

    seed: int


@dataclass(frozen=True)
class ImplementationWork(Work):
    """What is called, and with what."""

    # Whose function.
    implementation: Implementation
    # Of the arguments.
    size: int
    # Keywords of each call.
    options: dict[str, Any] = field(default_factory=dict)
    # Whether the twin that holds the GIL is called.
    is_held: bool = False
    keeps_answers: ClassVar[bool] = True
    # The built-in contract is made of the last.
    modules: ClassVar[tuple[str, ...]] = (__name__, "compare.double_list.contract")

    def make_calls(self, count: int) -> Iterable[Call]:
        """Return calls with arguments of their own, so that no answer serves twice."""
        implementation = self.implementation
        function = implementation.held if self.is_held else implementation.function
        assert function is not None
        calls = []
        for _ in range(count):
            seed = next(_seeds)
            arguments = implementation.make_arguments(self.size, seed)
            call = SeededCall(function, *arguments, **self.options)
            call.seed = seed
            calls.append(call)
        return calls

    def find_fault(self, calls: Sequence[Call], answers: Sequence[Any]) -> str:
        """Return how the first wrong answer is wrong, or ""."""
        contract = self.implementation.contract
        for call, returned in zip(calls, answers, strict=True):
            assert isinstance(call, SeededCall)
            expected = self.implementation.compute_expected(self.size, call.seed)
            answer = contract.read_answer(call.args, returned)
            if fault := find_answer_fault(expected, answer, contract):
                return fault
        return ""

    @property
    def held(self) -> "ImplementationWork | None":
        """The same of the twin that holds the GIL."""
        return replace(self, is_held=True) if self.implementation.held else None

    def with_options(self, **options: Any) -> "ImplementationWork":
        """Return the same with more keywords."""
        return replace(self, options={**self.options, **options})

    def time_call(self) -> Wall:
        """Make one call in this thread."""
        calls = Calls(self)
        calls.prepare()
        calls.run()
        return measure_wall([calls])


def find_answer_fault(
    expected: Any, answer: Any, contract: Contract = ANY, path: str = "answer"
) -> str:
    """Return how an answer differs from the right one, or ""."""
    try:
        if contract.is_equal(expected, answer):
            return ""
    except Exception as error:
        # Of answers of another type it need not know.
        if type(expected) is type(answer):
            part = "is_equal()"
            raise contract.blame(part, error) from error
    if type(expected) is not type(answer):
        kinds = type(expected).__name__, type(answer).__name__
        return f"{path}: expected {kinds[0]}, got {kinds[1]}"
    pairs: list[tuple[object, Any, Any]] = []
    if isinstance(expected, list | tuple):
        if len(expected) != len(answer):
            return f"{path}: expected {len(expected)} items, got {len(answer)}"
        both = zip(expected, answer, strict=True)
        pairs = [(f"[{place}]", *pair) for place, pair in enumerate(both)]
    elif isinstance(expected, dict) and [*expected] == [*answer]:
        pairs = [(f".{key}", value, answer[key]) for key, value in expected.items()]
    for place, wanted, item in pairs:
        if fault := find_answer_fault(wanted, item, contract, f"{path}{place}"):
            return fault
    return f"{path}: expected {shorten(repr(expected))}, got {shorten(repr(answer))}"


def shorten(text: str) -> str:
    """Return the text, or its beginning where it would fill a page."""
    return text if len(text) <= TEXT_LENGTH else f"{text[:TEXT_LENGTH]}..."


class Failures(dict[str, str]):
    """What was wrong: by each place, the first of what was wrong there."""

    def add(self, fault: str, where: str) -> None:
        """Keep what is wrong, unless nothing is or the place has its failure."""
        if fault:
            self.setdefault(where, f"{fault}, {where}" if where else fault)


def calibrate(work: ImplementationWork, target_s: float) -> ImplementationWork:
    """Return the work with as many passes as make the kernel take about so long.

    Or longer, where all around the kernel would be a good part of the call otherwise.
    """

    def time_calls(passes: int) -> tuple[float, float]:
        longer = work.with_options(passes=passes)
        walls = [longer.time_call() for _ in range(N_TRIES)]
        cpu_s = min(wall.cpu_s for wall in walls)
        # A thread that only yields to another one of its call is mostly in the run
        # queue, and the call is as long as the other one computes.
        by_clock_s = min(wall.seconds for wall in walls)
        unqueued_s = min(wall.unqueued_s for wall in walls)
        return max(unqueued_s, min(by_clock_s, cpu_s)), cpu_s

    around_s, cpu_s = time_calls(1)
    # Waiting for a thread of a pool is no work, and is long on a busy machine.
    target_s = max(target_s, KERNEL_FACTOR * cpu_s)
    enough_s = target_s / 8
    # With one pass a call is no longer than the shortest but by what the machine does.
    passes = PASSES_FACTOR
    while True:
        # A short call is mostly its conversions, so it tells little of a pass.
        kernel_s = time_calls(passes)[0] - around_s
        if kernel_s >= enough_s:
            passes = max(1, round(passes * target_s / kernel_s))
        if kernel_s >= enough_s or passes >= PASSES_MAX:
            return work.with_options(passes=passes)
        factor = enough_s / max(kernel_s, enough_s / PASSES_FACTOR)
        passes *= max(2, math.ceil(factor))


def count_kept_calls(work: ImplementationWork, call_s: float, target_s: float) -> int:
    """Return how many calls take about so long; fewer where making them takes longer.

    All of them have arguments of their own, which have to fit into the memory too.
    """
    made_s = float("inf")
    for seed in range(N_TRIES):
        started = time.perf_counter()
        work.implementation.make_arguments(work.size, seed)
        made_s = min(made_s, time.perf_counter() - started)
    calls = count_calls(call_s, target_s)
    calls = min(KEPT_CALLS_MAX, calls, count_calls(made_s, MAKING_FACTOR * target_s))
    memory_max_bytes = work.implementation.contract.memory_max_bytes
    if memory_max_bytes is not None:
        tracemalloc.start()
        kept = work.implementation.make_arguments(work.size, 0)
        n_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        del kept
        calls = min(calls, memory_max_bytes // (KEPT_BYTES_FACTOR * (n_bytes + 1)))
    return max(1, calls)


def make_long_work(
    implementation: Implementation, times: dict[int, float], call_s: float
) -> tuple[ImplementationWork, int]:
    """Return work of the largest size, and how many calls take about so long."""
    work = ImplementationWork(implementation, max(times))
    if "passes" in implementation.contract.keywords:
        return calibrate(work, call_s), 1
    return work, count_kept_calls(work, times[work.size], call_s)


def find_thread_fault(work: ImplementationWork, n_calls: int, n_threads: int) -> str:
    """Return what is wrong in threads that interrupt each other all the time."""
    all_calls = [Calls(work, n_calls, is_stamped=False) for _ in range(n_threads)]
    for calls in all_calls:
        calls.prepare()
    with switch_interval(INTERRUPTING_S):
        run_together(*(calls.make_calls for calls in all_calls))
    return next(filter(None, (calls.find_fault() for calls in all_calls)), "")


def select_sizes(
    implementation: Implementation,
) -> tuple[dict[int, float], tuple[str, ...]]:
    """Return the time of a call by size, and what was left out as too long.

    A size is not tried if the one before it tells that it takes too long. NotApplicable
    is raised where no size is left.
    """
    contract = implementation.contract
    times: dict[int, float] = {}
    warnings: tuple[str, ...] = ()
    seconds, before = 0.0, 1
    for size in sorted(contract.sizes):
        seconds *= size / max(1, before)
        if seconds <= contract.call_max_s:
            work = ImplementationWork(implementation, size)
            seconds = work.time_call().seconds
            if seconds < contract.call_max_s / 10:
                seconds = min(seconds, work.time_call().seconds)
        if seconds > contract.call_max_s:
            sizes = ", ".join(str(one) for one in contract.sizes if one >= size)
            words = (
                f"sizes {sizes} are left out: a call of size {size} takes about "
                f"{seconds:.1f} s, over the contract's {contract.call_max_s:g} s"
            )
            warnings = (words,)
            break
        times[size] = seconds
        before = size
    if not times:
        message = "the contract has no sizes"
        raise NotApplicable(next(iter(warnings), message))
    return times, warnings
