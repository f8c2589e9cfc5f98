"""Why the figures of a backend are as they are, and what to do about it.

From results only: nothing is measured, imported or read from a source here.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compare.model import BackendResult
from gilscope.measurement import ParallelRow
from gilscope.render.document import Note
from gilscope.units import describe_ratio

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
