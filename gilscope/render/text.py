"""A check in words: for the terminal, and for a test that failed."""

from collections.abc import Iterator

from gilscope.model import Check, Evidence, register_renderers
from gilscope.units import describe_share, describe_time

VERDICTS = {
    "releases": "lets other threads run",
    "preemptible": "keeps the GIL, but is Python code that others can interrupt",
    "holds": "keeps other threads out",
    "inconclusive": "could not be judged",
}
ATTACHED_VERDICTS = {
    "releases": "detaches, and does not stop the others",
    "preemptible": "stays attached, but is Python code that can be stopped",
    "holds": "stays attached, and makes whoever stops the world wait for it",
    "inconclusive": "could not be judged",
}

# What to look at, by what the extension is written with.
CAUSES = (
    ("PyO3", "Python::detach (allow_threads before 0.26) is missing around the work"),
    ("Cython", "the work is not in a `with nogil:` block"),
    ("cffi", "the C code takes the GIL back, with PyGILState_Ensure or a callback"),
    ("pybind11", "py::call_guard<py::gil_scoped_release>() is missing"),
    ("C API", "Py_BEGIN_ALLOW_THREADS and Py_END_ALLOW_THREADS are missing"),
    ("ctypes", "the function comes from PyDLL, which holds the GIL, not from CDLL"),
)


def explain_check(check: Check) -> str:
    """Return the verdict, and below it what it rests on, one fact a line."""
    return "\n".join([*head_lines(check), *fact_lines(check)])


def explain_failure(check: Check, wanted: str) -> str:
    """Return what a maintainer needs whose test expected something else.

    Args:
        check: what was found.
        wanted: what the test asked for.
    """
    lines = [f"expected that {check.name} {wanted}", *head_lines(check)]
    lines += fact_lines(check)
    if check.verdict in ("holds", "preemptible") or is_token(check):
        lines.append("  what usually causes it:")
        lines += [f"    {kind + ':':<9} {cause}" for kind, cause in CAUSES]
    return "\n".join(lines)


def is_token(check: Check) -> bool:
    """Return whether the call gives the GIL away, and keeps it for most of its time."""
    fraction = check.released_fraction
    return check.verdict == "releases" and fraction is not None and fraction < 0.5  # noqa: PLR2004


def head_lines(check: Check) -> Iterator[str]:
    """Yield the verdict, its meaning and its reason."""
    meanings = VERDICTS if check.environment.meaning == "gil" else ATTACHED_VERDICTS
    yield f"{check.name}: {check.verdict} ({meanings[check.verdict]})"
    yield f"  {check.reason}"


def fact_lines(check: Check) -> Iterator[str]:
    """Yield what was measured, counted and compared with."""
    facts = [
        ("one call", describe_time(check.call_s)),
        ("free for others", describe_share(check.released_fraction)),
        ("longest hold", describe_time(check.longest_hold_s)),
        ("wait to go on", describe_time(check.waiting_s)),
        ("evidence", describe_evidence(check.evidence)),
        ("controls", check.controls.reason if check.controls else ""),
        ("interpreter", describe_interpreter(check)),
        *(("note", note) for note in check.notes),
    ]
    for label, fact in facts:
        if fact:
            yield f"  {label + ':':<16} {fact}"


def describe_evidence(evidence: Evidence) -> str:
    """Return the counts in words."""
    if not evidence.n_calls:
        return ""
    parts = [f"{evidence.n_calls} calls in {evidence.n_windows} stretches"]
    parts.append(f"others let in during {evidence.n_windows_released}")
    parts.append(f"{evidence.n_ticks} ticks")
    if evidence.n_wakeups is not None:
        parts.append(f"woken during {evidence.n_wakeups}")
    if evidence.n_unhindered is not None:
        parts.append(
            f"{evidence.n_stopped} of them stopped the call, {evidence.n_unhindered} "
            "surely did not"
        )
    if evidence.n_calls_tried:
        parts.append(
            f"{evidence.n_calls_entered} of {evidence.n_calls_tried} calls "
            f"interrupted, {evidence.n_calls_interrupted} in their midst"
        )
    return ", ".join(parts)


def describe_interpreter(check: Check) -> str:
    """Return which Python judged, and what the verdict means there."""
    where = check.environment
    text = f"Python {where.python}"
    if where.free_threaded_build:
        text += ", free-threaded build, GIL " + ("on" if where.gil_enabled else "off")
    if where.gil_enabled_by:
        text += f" (turned on by the import of {where.gil_enabled_by})"
    if where.meaning == "attached":
        text += ": the verdict is whether the call lets others stop the world"
    return text


register_renderers(Check, text=explain_check)
