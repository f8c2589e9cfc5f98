"""How code in each technology releases the GIL, for the reports that say it in words.

A report is made from results alone, and an installed wheel has no native source, so
the constructs are quoted here; a test finds each of them in the sources.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Technology:
    """One technology, as far as the GIL is concerned.

    Attributes:
        keyword: what a backend's `technology` contains, in lower case.
        construct: the line of this project's source that releases the GIL, "" = none.
        source: the file of this project that has it.
        region: how the GIL is released, in a sentence.
        advice: what to do in one's own code.
        to_hold: how a call holds the GIL instead.
    """

    keyword: str
    construct: str
    source: str
    region: str
    advice: str
    to_hold: str


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
        "`Bound`: the compiler refuses it.",
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
        "is declared `nogil` may run without the GIL; it does not release it.",
        "leave the `nogil` block out",
    ),
    Technology(
        "cffi",
        "run_kernel",
        "cffi_backend/python/cffi_backend/_native.py",
        "cffi releases the GIL before every call of a C function of `lib` and "
        "re-acquires it after it; no line of the source asks for it",
        "nothing has to be added, so make each call worth its release: one call for a "
        "whole buffer, never one for each item.",
        "call the function's address through `ctypes.PYFUNCTYPE`",
    ),
    Technology(
        "pure python",
        "",
        "backends/reference.py",
        "no line of its source releases the GIL around the computation: it is "
        "bytecode, which other threads can interrupt but never run beside",
        "move the loop into native code that releases the GIL, or use processes, or a "
        "free-threaded Python.",
        "nothing has to be done",
    ),
)

UNKNOWN = Technology(
    "",
    "",
    "",
    "how is not known for this technology; in C the GIL is released between "
    "`Py_BEGIN_ALLOW_THREADS` and `Py_END_ALLOW_THREADS`",
    "read all Python objects first, release the GIL around the computation that needs "
    "none of them, and build the Python result once it is held again.",
    "leave the release out",
)


def select_technology(text: str) -> Technology:
    """Return what is known about a technology, or UNKNOWN."""
    return next(
        (known for known in TECHNOLOGIES if known.keyword in text.casefold()), UNKNOWN
    )
