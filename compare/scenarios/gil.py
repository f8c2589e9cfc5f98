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
from compare.work import ImplementationWork, calibrate, select_sizes
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
    size = max(times)
    work = ImplementationWork(implementation, size)
    if "passes" in implementation.contract.keywords:
        work = calibrate(work, call_s)
    n_contradicted = 0
    keep_session()
    try:
        for factor in LONGER:
            found = check_implementation(work, factor * budget_s)
            n_contradicted += bool(found.contradictions)
            # What was seen once is looked for again, in more calls.
            is_clear = not (n_contradicted or found.warnings)
            if is_clear or n_contradicted > 1:
                break
    finally:
        drop_session()
    return found


def check_implementation(work: ImplementationWork, budget_s: float) -> Gil:
    """Check the call and its twin, each within the budget."""
    implementation = work.implementation
    trace: list[Any] = []
    options = {**work.options}
    if "trace" in implementation.contract.keywords:
        options["trace"] = trace
    work = replace(work, options=options)
    own, failures = check_work(work, implementation.name, budget_s)
    shares = [
        (end - start) / max(1, leave - enter) for enter, start, end, _, leave in trace
    ]
    waits = [acquired - end for _, _, end, acquired, _ in trace]
    twin = None
    if work.held is not None:
        name = f"{implementation.name}, GIL held"
        twin, faults = check_work(work.held, name, budget_s)
        failures += faults
    traced_fraction = statistics.median(shares) if shares else None
    return Gil(
        check=own,
        held_check=twin,
        traced_fraction=traced_fraction,
        waiting_s=statistics.median(waits) / 1e9 if waits else None,
        size=work.size,
        passes=options.get("passes"),
        contradictions=(
            *find_contradictions(
                implementation.releases_gil, own, twin, traced_fraction
            ),
            *find_odd_forms(implementation, own),
        ),
        failures=tuple(failures),
        warnings=tuple(find_doubts(own, twin)),
    )


def check_work(
    work: ImplementationWork, name: str, budget_s: float
) -> tuple[Check, list[str]]:
    """Check one call, and look at the answer of another one."""
    (call,) = work.make_calls(1)
    found = replace(check(call, budget_s=budget_s), name=name)
    (call,) = work.make_calls(1)
    fault = work.find_fault([call], [call()])
    return found, [f"{fault}, after the check of {name}"] if fault else []


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


def find_odd_forms(implementation: Implementation, own: Check) -> list[str]:
    """Return the forms of a call which do the contrary of what they are told."""
    if not is_gil_enabled():
        return []
    contract = implementation.contract
    found = [
        f"releases the GIL where it is to hold it in a call {form}"
        for form, call in contract.make_forms(implementation, is_held=True).items()
        if do_all(call, is_released=True)
    ]
    if implementation.releases_gil and own.verdict == "releases":
        found += [
            f"holds the GIL in a call {form}"
            for form, call in contract.make_forms(implementation, is_held=False).items()
            if do_all(call, is_released=False)
        ]
        if "released_sleep" in contract.keywords:
            found += find_beside_faults(implementation)
    return found


def find_beside_faults(implementation: Implementation) -> list[str]:
    """Return how a call is made otherwise while another one is under way."""
    size = min(implementation.contract.sizes)
    make_arguments = partial(implementation.contract.make_arguments, size)
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
            return ["holds the GIL in a call beside another one"] if is_held else []
    return []


def do_all(call: Any, *, is_released: bool) -> bool:
    """Return whether a few calls were all seen to release the GIL, or to hold it."""
    found = count_releases(call, n_calls=N_FORM_CALLS)
    if found is None:
        return False
    n_released, n_seen = found
    return n_seen == N_FORM_CALLS and n_released == (n_seen if is_released else 0)
