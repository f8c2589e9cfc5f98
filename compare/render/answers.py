"""What is said about a backend: a sentence a question, then why, and what to do.

From results only: nothing is measured, imported or read from a source here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from compare.model import (
    BackendResult,
    Contention,
    Correctness,
    Gil,
    Handoff,
    Pairs,
    Parallel,
    Sweep,
)
from compare.render.timeline import was_released
from gilscope.measurement import ParallelRow
from gilscope.render.document import TONES, Answer, Note
from gilscope.render.results import ATTACHED_DEEDS, DEEDS
from gilscope.stats import MARGIN
from gilscope.timing.break_even import describe_place
from gilscope.timing.rounds import Gain, judge_gain
from gilscope.units import describe_ratio, describe_share, describe_time

# What a status that is not "ok" says about the backend.
STATUS_WORDS = {
    "wrong": "cannot be relied on",
    "failed": "raised an error",
    "crashed": "crashed",
    "timeout": "did not end in time",
    "unavailable": "was not compared",
}
GAIN_WORDS = {
    "two threads": "for two threads",
    "beside Python": "beside busy Python code",
}
# From this speed-up on, two threads do twice the work of one, near enough.
TWICE = 1.8
GAINS: dict[Gain, str] = {
    "much": "a second thread doubles the work",
    "nothing": "a second thread gains nothing",
    "slower": "a second thread makes the calls slower",
    "no core": "no second core was free to show what a second thread gains",
    "unclear": "whether a second thread gains could not be told",
}
# Less than this share of a call is no stop worth a word.
STOP_MIN = 0.10


def answer_for(result: BackendResult) -> Answer:
    """Return what is said of a backend before anything else."""
    name, status = result.name, result.status
    if status != "ok":
        reason = result.first_reason
        text = f"{name} {STATUS_WORDS[status]}{reason and ': '}{reason}"
        return Answer(text, status, TONES[status])
    told = (one for one in CLAUSES if getattr(result, one) is not None)
    scenario = next(told, None)
    text = describe(result, scenario) if scenario else f"{name} could be loaded"
    if result.gil is None:
        return Answer(text, "ok", "good")
    verdict = result.gil.verdict
    if verdict == "inconclusive":
        text += f" ({result.gil.check.reason.rstrip('.')})"
    if result.parallel:
        text += f": {describe_gain(result.parallel)}"
    return Answer(text, verdict, TONES[verdict])


def answer_scenario(result: BackendResult, scenario: str) -> Answer:
    """Return the answer to one scenario's question, a sentence."""
    text = describe(result, scenario)
    if scenario != "gil" or result.gil is None:
        return Answer(text)
    verdict = result.gil.verdict
    return Answer(f"{text}: {result.gil.check.reason}", verdict, TONES[verdict])


def describe(result: BackendResult, scenario: str) -> str:
    """Return a sentence on what a scenario found, which begins with the backend."""
    clause = CLAUSES[scenario](getattr(result, scenario))
    # That of the gain has a subject of its own.
    return f"{result.name}{': ' if scenario == 'parallel' else ' '}{clause}"


# Each of these says what a scenario found in a clause without a subject.


def describe_gil(found: Gil) -> str:
    """Say what the backend does to the GIL."""
    has_gil = found.check.environment.meaning == "gil"
    return (DEEDS if has_gil else ATTACHED_DEEDS)[found.verdict]


def describe_gain(parallel: Parallel) -> str:
    """Say what a second thread gains, in a clause of its own."""
    pair = parallel.pair
    is_held = pair.amdahl is not None and pair.amdahl <= 1 + MARGIN
    gain = judge_gain(pair, is_held=is_held)
    if gain == "much" and pair.speedup.value < TWICE:
        return f"a second thread gets {pair.speedup.value - 1:.0%} more work done"
    if gain == "little":
        return f"a second thread gains little ({describe_ratio(pair.speedup)})"
    return GAINS[gain]


def describe_correctness(found: Correctness) -> str:
    """Say how many answers are right."""
    n_cases = found.passed + found.failed
    if found.failed:
        return f"answers {found.failed} of {n_cases} cases otherwise than the reference"
    return f"answers all {n_cases} cases as the reference does"


def describe_handoff(found: Handoff) -> str:
    """Say what Python code did meanwhile."""
    if found.partner_progress_released is None:
        return "was not seen beside other Python code"
    text = f"lets Python code run at {describe_share(found.partner_progress_released)}"
    if not was_released(found):
        return f"was not seen to release the GIL: it {text} of its speed"
    held = describe_share(found.partner_progress_held)
    return f"{text} of its speed in the released phase, at {held} in the held one"


def describe_contention(found: Contention) -> str:
    """Say what a busy thread costs a short call."""
    if not found.rows:
        return "has no figures"
    row = found.rows[0]
    return (
        f"takes {describe_ratio(row.slowdown)} as long at size {row.size:,} beside "
        f"busy Python code ({describe_time(row.alone_s)} alone)"
    )


def describe_sweep(found: Sweep) -> str:
    """Say from when on releasing pays."""
    places = {
        item.case: f"from {describe_place(item.pays_from)} on"
        for item in found.break_evens
        if item.pays_from is not None
    }
    gains = [
        f"{places[case]} {GAIN_WORDS[case]}" for case in GAIN_WORDS if case in places
    ]
    text = "gains nothing by releasing the GIL in this grid"
    if gains:
        text = f"gains by releasing the GIL {', '.join(gains)}"
    if "alone" in places:
        text += f"; alone, it costs nothing {places['alone']}"
    return text


def describe_pairs(found: Pairs) -> str:
    """Say whom it stops."""
    stops = {cell.partner: cell.stops for cell in found.cells if cell.stops}
    stopped = [
        f"{name} for {describe_share(stop)}"
        for name, stop in stops.items()
        if stop.value > STOP_MIN
    ]
    if stopped:
        return f"stops {', '.join(stopped)} of its call"
    return "stops no other backend" if stops else "was seen beside no other backend"


# What is said of each scenario: of a result with several, the first one is told.
CLAUSES: dict[str, Callable[[Any], str]] = {
    "gil": describe_gil,
    "parallel": describe_gain,
    "sweep": describe_sweep,
    "pairs": describe_pairs,
    "handoff": describe_handoff,
    "contention": describe_contention,
    "correctness": describe_correctness,
}


# --- Why, and what to do about it -----------------------------------------------------

# A figure this near to its bound is as good as the bound.
NEAR = 0.95
# From this fraction of a call on, holding the GIL is what keeps threads from gaining.
MUCH_HELD = 0.25


class Technology(NamedTuple):
    """How code in one technology releases the GIL; a test finds it in the sources."""

    # What a backend's `technology` contains, in lower case.
    keyword: str
    # The line of this project's source that releases the GIL, and its file.
    construct: str
    source: str
    # How the GIL is released, what to do in one's own code, and how to hold it instead.
    region: str
    advice: str
    to_hold: str


UNKNOWN = Technology(
    "",
    "",
    "",
    "how is not known for this technology; in C the GIL is released between "
    "`Py_BEGIN_ALLOW_THREADS` and `Py_END_ALLOW_THREADS`",
    "read all Python objects first, release the GIL around the computation that needs "
    "none of them, and build the Python result once it is held again",
    "leave the release out",
)
# The last one is for whatever is not known.
TECHNOLOGIES = (
    Technology(
        "pyo3",
        "py.detach(run_kernel)",
        "pyo3_backend/src/lib.rs",
        "the closure that `Python::detach` is given runs without the GIL, which is "
        "re-acquired when the closure returns (before PyO3 0.26 it was called "
        "`Python::allow_threads`)",
        "extract what you need into Rust types, compute inside `py.detach(|| ...)`, "
        "and build the Python result after it. The closure cannot use `py` or a "
        "`Bound`: the compiler refuses it",
        "call the function without `detach`",
    ),
    Technology(
        "cython",
        "with nogil:",
        "cython_backend/src/double_list.pyx",
        "the block under `with nogil:` runs without the GIL, which is re-acquired "
        "at its end",
        "copy what you need into C arrays or typed memoryviews, compute inside "
        "`with nogil:`, and build the Python result after it. A `cdef` function that "
        "is declared `nogil` may run without the GIL; it does not release it",
        "leave the `nogil` block out",
    ),
    Technology(
        "cffi",
        "run_kernel",
        "cffi_backend/python/cffi_backend/_native.py",
        "cffi releases the GIL before every call of a C function of `lib` and "
        "re-acquires it after it; no line of the source asks for it",
        "nothing has to be added, so make each call worth its release: one call for a "
        "whole buffer, never one for each item",
        "call the function's address through `ctypes.PYFUNCTYPE`",
    ),
    Technology(
        "pure python",
        "",
        "backends/reference.py",
        "no line of its source releases the GIL around the computation: it is "
        "bytecode, which other threads can interrupt but never run beside",
        "move the loop into native code that releases the GIL, or use processes, or a "
        "free-threaded Python",
        "nothing has to be done",
    ),
    UNKNOWN,
)


def explain_backend(result: BackendResult) -> Sequence[Note]:
    """Return what there is to say beyond the answer, each under its heading."""
    if result.declared is None:
        # It was never loaded, so there is nothing to say about it.
        return ()
    technology = next(
        known for known in TECHNOLOGIES if known.keyword in result.technology.casefold()
    )
    region, advice = technology.region, []
    # Another backend may use the same technology; its source is not known.
    if technology.construct and technology.source.startswith(f"{result.name}_"):
        region = f"`{technology.construct}` in {technology.source}: {region}"
    if technology.keyword and result.declared:
        region += f". To hold the GIL instead, {technology.to_hold}"
    notes = [Note(join_sentences([region]), "Where it releases the GIL")]
    verdict = result.gil.verdict if result.gil else None
    if verdict == "holds":
        advice.append("move the computation into the region that releases the GIL")
    if result.parallel:
        pair, fraction = result.parallel.pair, result.parallel.held_fraction
        reached = f"Two threads reached {describe_ratio(pair.speedup)}"
        notes.append(Note(f"{reached}: {describe_limit(pair)}.", "Why this speed-up"))
        if verdict == "releases" and fraction is not None and fraction > MUCH_HELD:
            advice.append(
                f"{fraction:.0%} of this call holds the GIL to read and write Python "
                "objects: do more work a call, or pass a buffer instead of a list"
            )
    text = join_sentences([*advice, technology.advice])
    return [*notes, Note(text, "In your own code")]


def describe_limit(pair: ParallelRow) -> str:
    """Name what keeps the speed-up from being higher."""
    if pair.concurrency == "serialized":
        return "the calls are serialized"
    machine = "as good as the machine allowed"
    bounds = {}
    if pair.process_speedup is not None:
        bounds[pair.process_speedup.value] = machine
    if pair.amdahl is not None:
        bounds[pair.amdahl] = "the held fraction limits it"
    if not bounds:
        return "there is nothing to compare it with"
    if pair.speedup.high >= NEAR * min(bounds):
        return bounds[min(bounds)]
    if pair.of_processes is not None and pair.of_processes.high >= NEAR:
        return machine
    return (
        "less than either bound, for the threads wait for each other at the edges of "
        "a call, or shared a core with other work"
    )


def join_sentences(findings: Iterable[str]) -> str:
    """Return findings as running text."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in findings)
