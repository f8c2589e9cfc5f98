"""The contract's cases and sizes, each against the reference, alone and in threads.

A failure is one sentence: what was special about the call, what was expected and what
came.
"""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from compare.contract import (
    ContractError,
    Implementation,
    have_same_value,
    is_incomparable,
)
from compare.model import Correctness
from compare.scenarios import NotApplicable, Options
from compare.work import (
    INTERRUPTING_S,
    ImplementationWork,
    count_kept_calls,
    find_answer_fault,
    find_thread_fault,
    select_sizes,
    shorten,
)
from gilscope.threads import run_together, switch_interval

# A wrong implementation fails most of the cases; its first failures tell enough.
N_FAILURES_KEPT = 20

SEEDS = range(2)
N_THREADS = 4
# The calls of each thread take about so long, are no more than so many, and are
# interrupted as often as can be; and in the short form.
FULL = (0.2, 200)
QUICK = (0.03, 80)


def run(implementation: Implementation, options: Options) -> Correctness:
    """Put the implementation through everything that the contract says."""
    checks = make_checks(implementation, options)
    failures = [*find_failures(checks)]
    kept = tuple(failures[:N_FAILURES_KEPT])
    return Correctness(len(checks) - len(failures), len(failures), kept)


def find_failures(checks: Iterable[Callable[[], str | None]]) -> Iterator[str]:
    """Yield what is wrong, check by check."""
    for check in checks:
        try:
            failure = check()
        except (ContractError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure.
            failure = f"a call raised {type(error).__name__}: {error}"
        if failure:
            yield failure


def make_checks(
    implementation: Implementation, options: Options
) -> list[Callable[[], str | None]]:
    """Return all that is looked at, each of which returns what is wrong."""
    contract = implementation.contract
    checks = contract.make_checks(implementation, quick=options.quick)
    for name, given in contract.cases.items():
        checks.append(partial(check_given_case, implementation, name, given))
    times: dict[int, float] = {}
    lack = ""
    try:
        times, _ = select_sizes(implementation)
    except NotApplicable as error:
        lack = str(error)
    for size in times:
        checks += [partial(check_size, implementation, size, seed) for seed in SEEDS]
    thread_s, n_calls_max = QUICK if options.quick else FULL
    for size, call_s in times.items():
        work = ImplementationWork(implementation, size)
        n_calls = count_kept_calls(work, call_s, thread_s / len(times))
        n_calls = min(n_calls_max, n_calls)
        checks.append(partial(check_in_threads, implementation, size, n_calls))
        if contract.can_mutate():
            checks.append(partial(check_mutation, implementation, size, n_calls))
    if not checks:
        lack = lack if contract.sizes else "expected sizes or cases, got none"
        message = f"contract {contract.find_name()}: {lack}"
        raise ContractError(message)
    return checks


def check_given_case(
    implementation: Implementation, name: str, given: Any
) -> str | None:
    """Return how a case is answered otherwise than by the reference."""
    contract = implementation.contract
    outcomes = []
    for function in (implementation.find_reference(), implementation.function):
        arguments = given() if callable(given) else copy.deepcopy(given)
        try:
            outcomes.append((contract.read_answer(arguments, function(*arguments)), ""))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared.
            outcomes.append((None, type(error).__name__))
    (expected, wanted), (answer, got) = outcomes
    if wanted != got:
        got = got or shorten(repr(answer))
        return f"{name}: expected {wanted or 'an answer'}, got {got}"
    fault = "" if got else find_answer_fault(expected, answer, contract)
    return f"{name}: {fault}" if fault else None


def check_size(implementation: Implementation, size: int, seed: int) -> str | None:
    """Return how the answer of one call is wrong; a seed decides its arguments."""
    contract = implementation.contract
    arguments = implementation.make_arguments(size, seed)
    if not are_alike(arguments, implementation.make_arguments(size, seed)):
        message = (
            f"contract {contract.find_name()}: expected make_arguments({size}, {seed}) "
            "to return equal arguments each time, got others the second time"
        )
        raise ContractError(message)
    expected = implementation.compute_expected(size, seed)
    returned = implementation.function(*arguments)
    answer = contract.read_answer(arguments, returned)
    fault = find_answer_fault(expected, answer, contract)
    return f"size {size}, seed {seed}: {fault}" if fault else None


def are_alike(one: object, other: object) -> bool:
    """Return whether two arguments are equal, as far as their types tell."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(are_alike, one, other))
    # Objects that are equal to nothing but themselves tell nothing.
    return is_incomparable(one) or have_same_value(one, other)


def check_in_threads(
    implementation: Implementation, size: int, n_calls: int
) -> str | None:
    """Return what is wrong in threads that interrupt each other all the time."""
    work = ImplementationWork(implementation, size)
    fault = find_thread_fault(work, n_calls, N_THREADS)
    return f"size {size}, {N_THREADS} threads: {fault}" if fault else None


def check_mutation(
    implementation: Implementation, size: int, n_calls: int
) -> str | None:
    """Call while another thread changes the arguments: the process has to live on."""
    contract = implementation.contract
    is_done = threading.Event()
    arguments = implementation.make_arguments(size, 0)

    def call() -> None:
        try:
            for _ in range(n_calls):
                with contextlib.suppress(Exception):
                    implementation.function(*arguments)
        finally:
            is_done.set()

    def change() -> None:
        while not is_done.is_set():
            contract.mutate(arguments)

    with switch_interval(INTERRUPTING_S):
        run_together(call, change)
    return None
