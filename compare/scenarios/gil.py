"""Does the backend give the GIL away, and as it says?

The backend's own call is judged as any callable is, with release_gil=True and with
release_gil=False, and the verdicts are held against what the backend declares and
against what its trace tells.
"""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backends import Backend
from compare.measure.calibration import calibrate
from compare.measure.faults import find_result_fault, find_trace_fault
from compare.measure.forms import find_odd_forms
from compare.measure.regain import find_wait_fault
from compare.measure.trace_weight import TraceWeight, weigh_trace
from compare.measure.work import N_VALUES, Work
from compare.model import Check, Gil
from compare.scenarios import Options
from gilscope.probe.judge import Judgement, Subject, judge

# How much was released is a measurement, which a machine can spoil once: what was not
# seen well, or seen against the declaration, is looked at for so many times longer.
LONGER = (1, 2, 4)

# A backend that releases the GIL around its kernel has it released for nearly all of a
# call that is nearly all kernel; what is missing here is room for noise.
RELEASED_SHARE_MIN = 0.6
# Where waiting for a core cannot be taken out, a loaded machine takes most of it away.
RAW_SHARE_MIN = 0.1
# The traced kernel's own share of such a call.
KERNEL_SHARE_MIN = 0.6


@dataclass(frozen=True)
class Form:
    """How long the scenario takes.

    Attributes:
        call_s: one call of the calibrated work.
        budget_s: one of the two checks.
    """

    call_s: float
    budget_s: float


FULL = Form(call_s=0.01, budget_s=1.0)
QUICK = Form(call_s=0.004, budget_s=0.1)


class JudgedCall:
    """The backend's call as a callable without arguments, and all that it leaves.

    It is put together from functools.partial, so that no Python code of the harness
    runs inside the call.
    """

    def __init__(self, backend: Backend, passes: int, *, release_gil: bool) -> None:
        """Make the arguments."""
        self.values = list(range(10**9, 10**9 + N_VALUES))
        # One place more, which nobody has to write to.
        self.result: list[Any] = [None, None]
        self.start_ns = time.perf_counter_ns()
        self.trace: list[Any] = []
        self.call = functools.partial(
            backend.double_list,
            self.values,
            self.result,
            0,
            passes=passes,
            trace=self.trace,
            # Where it is to be released, nobody needs to say so.
            **({} if release_gil else {"release_gil": False}),
        )

    def judge(self, name: str, budget_s: float) -> Judgement:
        """Judge it."""
        return judge(Subject(name, self.call), budget_s=budget_s)

    def find_fault(self, n_calls: int) -> str:
        """Return what is wrong with what the calls left, or ""."""
        expected = [value + value for value in self.values]
        if fault := find_result_fault(self.result, 1, 1, expected):
            return fault
        if len(self.trace) < n_calls:
            return f"trace: expected {n_calls} tuples appended, got {len(self.trace)}"
        whole = self.start_ns, time.perf_counter_ns()
        return find_trace_fault(self.trace, [whole] * len(self.trace))


def run(backend: Backend, options: Options) -> Gil:
    """Judge the backend's call and hold the verdicts against its declaration.

    Raises:
        Exception: what a call raised.
    """
    form = QUICK if options.quick else FULL
    passes = calibrate(Work(backend.double_list), form.call_s).passes
    n_contradicted = 0
    for longer in LONGER:
        found = judge_backend(backend, passes, longer * form.budget_s)
        n_contradicted += bool(found.contradictions)
        is_clear = found.contradictions == () and found.warnings == ()
        if is_clear or n_contradicted > 1:
            break
    return found


def judge_backend(backend: Backend, passes: int, budget_s: float) -> Gil:
    """Judge both forms of the backend's call, each within the budget."""
    call = JudgedCall(backend, passes, release_gil=True)
    judgement = call.judge(backend.name, budget_s)
    check = judgement.check
    held_call = JudgedCall(backend, passes, release_gil=False)
    held_name = f"{backend.name}, release_gil=False"
    held_judgement = held_call.judge(held_name, budget_s)
    held_check = held_judgement.check
    failures = tuple(
        f"double_list() {fault}, {where}"
        for fault, where in (
            (call.find_fault(check.n_calls_made), "while it was judged"),
            (
                held_call.find_fault(held_check.n_calls_made),
                "judged with release_gil=False",
            ),
        )
        if fault
    )
    traced = held_traced = None
    odd_calls: list[str] = []
    if not failures:
        traced = weigh_trace(judgement, call.trace)
        held_traced = weigh_trace(held_judgement, held_call.trace)
        odd_calls = find_odd_calls(backend, check)
    return Gil(
        check=check,
        held_check=held_check,
        traced_fraction=traced.kernel_share if traced else None,
        waiting_s=traced.waiting_s if traced else None,
        size=N_VALUES,
        passes=passes,
        contradictions=(
            *find_contradictions(backend.releases_gil, check, held_check, traced),
            *find_trace_lies(traced, held_traced),
            *odd_calls,
        ),
        failures=failures,
        warnings=tuple(find_warnings(check, held_check)),
    )


def find_warnings(check: Check, held_check: Check) -> Iterator[str]:
    """Yield what leaves the verdicts open."""
    for each in (check, held_check):
        if each.verdict == "inconclusive":
            yield f"{each.name}: {each.reason}"
    if check.verdict == "releases" and check.released_fraction is None:
        yield f"{check.name}: there was no core to see for how long it releases the GIL"


def find_odd_calls(backend: Backend, check: Check) -> list[str]:
    """Return what calls of other forms do against what they are told."""
    double_list = backend.double_list
    found = [
        f"releases the GIL with release_gil=False in a call {form}"
        for form in find_odd_forms(double_list, release_gil=False)
    ]
    if backend.releases_gil and check.verdict == "releases":
        found += [
            f"keeps the GIL in a call {form}"
            for form in find_odd_forms(double_list, release_gil=True)
        ]
        found += filter(None, [find_wait_fault(double_list)])
    return found


def find_trace_lies(
    traced: TraceWeight | None, held_traced: TraceWeight | None
) -> Iterator[str]:
    """Yield whose trace tells of little work in a call that is nearly all kernel."""
    for weight, form in ((traced, ""), (held_traced, " with release_gil=False")):
        if weight is not None and traces_little(weight):
            yield (
                f"traces a kernel of {weight.best_share:.0%} of a call{form} whose "
                "work is nearly all kernel"
            )


def traces_little(weight: TraceWeight) -> bool:
    """Return whether the trace tells of less work than there surely was."""
    share = weight.best_share
    return share is not None and share < KERNEL_SHARE_MIN


def find_contradictions(
    declared: bool,  # noqa: FBT001 - it is what the backend declares.
    check: Check,
    held_check: Check,
    traced: TraceWeight | None,
) -> list[str]:
    """Return what was seen against what the backend says, each in a sentence."""
    found = []
    if declared and check.verdict in ("holds", "preemptible"):
        found.append(
            f"declares that it releases the GIL, but {check.verdict}: {check.reason}"
        )
    if declared and check.verdict == "varies":
        found.append(f"releases the GIL in some calls only: {check.reason}")
    if not declared and check.verdict in ("releases", "varies"):
        found.append(
            f"declares that it does not release the GIL, but does: {check.reason}"
        )
    if held_check.verdict in ("releases", "varies"):
        found.append(f"releases the GIL with release_gil=False: {held_check.reason}")
    if check.verdict == "releases" and declared:
        found += find_token_release(check, traced)
    return found


def find_token_release(check: Check, traced: TraceWeight | None) -> list[str]:
    """Return how the release covers less than it should, if it does."""
    fraction = check.released_fraction
    tells = check.environment.tells_wakeups
    least = RELEASED_SHARE_MIN if tells else RAW_SHARE_MIN
    if fraction is not None and fraction.high < least:
        return [
            (
                f"releases the GIL for {fraction.value:.0%} of a call that is nearly "
                "all kernel, and holds it for the rest"
            )
        ]
    if traced is None or traces_little(traced):
        return []
    if traced.free_share is not None and traced.free_share < least:
        return [
            (
                "traces a kernel with the GIL released, but it was free for "
                f"{traced.free_share:.0%} of that time"
            )
        ]
    return []
