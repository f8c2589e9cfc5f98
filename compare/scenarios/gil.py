"""Does the implementation release the GIL, and as it says?

Its own call is checked as any callable is, and so is the twin that holds the GIL; the
verdicts are held against what it declares.
"""

import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from compare.contract import Implementation
from compare.model import Gil
from compare.scenarios import Options
from compare.work import Failures, ImplementationWork, calibrate, select_sizes
from gilscope.check import check
from gilscope.environment import is_gil_enabled
from gilscope.model import Check
from gilscope.probe.session import count_releases, drop_session, keep_session

# How much was released is a measurement, which a machine can spoil once: what was not
# seen well, or seen against the declaration, is looked at for so many times longer.
LONGER = (1, 2, 4)

# So many calls of one form have to agree that it does the contrary.
N_FORM_CALLS = 3
# For so long a call lasts beside which others are made; on a busy machine it may be
# over before they are.
BESIDE_S = 0.05
N_TRIES = 3
RELEASING = ("releases", "varies")
HOLDING = ("holds", "preemptible")

# How long a call takes, and each of the two checks; and in the short form.
FULL = (0.01, 1.0)
QUICK = (0.004, 0.1)


def run(implementation: Implementation, options: Options) -> Gil:
    """Check the call and hold the verdicts against the declaration."""
    call_s, budget_s = QUICK if options.quick else FULL
    times, _ = select_sizes(implementation)
    work = ImplementationWork(implementation, max(times))
    if "passes" in implementation.contract.keywords:
        work = calibrate(work, call_s)
    n_contradicted = 0
    keep_session()
    try:
        for factor in LONGER:
            found = check_implementation(work, factor * budget_s)
            n_contradicted += bool(found.contradictions)
            # What was seen once is looked for again, in more calls.
            if n_contradicted > 1 or not (n_contradicted or found.warnings):
                break
    finally:
        drop_session()
    return found


def check_implementation(work: ImplementationWork, budget_s: float) -> Gil:
    """Check the call and its twin, each within the budget."""
    implementation = work.implementation
    trace: list[Any] = []
    if "trace" in implementation.contract.keywords:
        work = work.with_options(trace=trace)
    failures = Failures()

    def check_work(work: ImplementationWork, name: str) -> Check:
        (call,) = work.make_calls(1)
        found = replace(check(call, budget_s=budget_s), name=name)
        # The answer of another call is looked at.
        (call,) = work.make_calls(1)
        failures.add(work.find_fault([call], [call()]), f"after the check of {name}")
        return found

    own = check_work(work, implementation.name)
    shares = [
        (end - start) / max(1, leave - enter) for enter, start, end, _, leave in trace
    ]
    waits = [acquired - end for _, _, end, acquired, _ in trace]
    held, name = work.held, f"{implementation.name}, GIL held"
    twin = None if held is None else check_work(held, name)
    traced_fraction = statistics.median(shares) if shares else None
    declared = implementation.releases_gil
    return Gil(
        check=own,
        held_check=twin,
        traced_fraction=traced_fraction,
        waiting_s=statistics.median(waits) / 1e9 if waits else None,
        size=work.size,
        passes=work.options.get("passes"),
        contradictions=(
            *find_contradictions(declared, own, twin, traced_fraction),
            *find_odd_forms(implementation, own),
        ),
        failures=tuple(failures.values()),
        warnings=tuple(find_doubts(own, twin)),
    )


def find_doubts(own: Check, twin: Check | None) -> Iterator[str]:
    """Yield what leaves the verdicts open."""
    for each in (own, twin):
        if each is not None and each.verdict == "inconclusive":
            yield f"{each.name}: {each.reason}"
    if own.verdict == "releases" and own.released_fraction is None:
        yield f"{own.name}: there was no core to see for how long it releases the GIL"


def find_contradictions(
    declared: bool | None,  # noqa: FBT001 - it is what is declared.
    own: Check,
    twin: Check | None,
    traced_fraction: float | None,
) -> Iterator[str]:
    """Yield what was seen against what is declared, each in a sentence."""
    if declared and own.verdict in HOLDING:
        yield f"declares that it releases the GIL, but {own.verdict}: {own.reason}"
    if declared and own.verdict == "varies":
        yield f"releases the GIL in some calls only: {own.reason}"
    if declared is False and own.verdict in RELEASING:
        yield f"declares that it does not release the GIL, but does: {own.reason}"
    if twin is not None and twin.verdict in RELEASING:
        yield f"releases the GIL where it is to hold it: {twin.reason}"
    fraction = own.released_fraction
    if not declared or own.verdict != "releases":
        return
    if fraction is None or traced_fraction is None:
        return
    # The whole range is nearer to a call that holds than to one with a free kernel.
    if fraction.high < traced_fraction / 2:
        yield (
            f"traces a kernel of {traced_fraction:.0%} of a call, but releases the GIL "
            f"for {fraction.value:.0%} (range {fraction.low:.0%} to "
            f"{fraction.high:.0%})"
        )


def find_odd_forms(implementation: Implementation, own: Check) -> Iterator[str]:
    """Yield the forms of a call which do the contrary of what they are told."""
    if not is_gil_enabled():
        return
    contract = implementation.contract
    for form, call in contract.make_forms(implementation, is_held=True).items():
        if do_all(call, is_released=True):
            yield f"releases the GIL where it is to hold it in a call {form}"
    if implementation.releases_gil and own.verdict == "releases":
        for form, call in contract.make_forms(implementation, is_held=False).items():
            if do_all(call, is_released=False):
                yield f"holds the GIL in a call {form}"
        if "released_sleep" in contract.keywords and is_held_beside(implementation):
            yield "holds the GIL in a call beside another one"


def is_held_beside(implementation: Implementation) -> bool:
    """Return whether a call holds the GIL while another one is under way."""
    size = min(implementation.contract.sizes)
    make_arguments = partial(implementation.make_arguments, size)
    for _ in range(N_TRIES):
        trace: list[Any] = []
        options = {"released_sleep": BESIDE_S, "trace": trace}
        call = partial(implementation.function, *make_arguments(0), **options)
        other = threading.Thread(target=call)
        other.start()
        time.sleep(BESIDE_S / 10)
        start_ns = time.perf_counter_ns()
        call = partial(implementation.function, *make_arguments(1))
        is_held = do_all(call, is_released=False)
        end_ns = time.perf_counter_ns()
        other.join()
        if trace and trace[0][1] < start_ns < end_ns < trace[0][2]:
            return is_held
    return False


def do_all(call: Any, *, is_released: bool) -> bool:
    """Return whether a few calls were all seen to release the GIL, or to hold it."""
    n_released = N_FORM_CALLS if is_released else 0
    return count_releases(call, n_calls=N_FORM_CALLS) == (n_released, N_FORM_CALLS)
