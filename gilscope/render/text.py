"""A check as a document, and in words for a test that failed."""

from collections.abc import Iterator

from gilscope.model import Check, Evidence
from gilscope.render import register_document
from gilscope.render.document import Answer, Document, Section
from gilscope.render.table import Column, Table, Tone
from gilscope.stats import Figure
from gilscope.units import describe_share, describe_time

TONES: dict[str, Tone] = {
    "releases": "good",
    "holds": "bad",
    "inconclusive": "muted",
}
VERDICTS = {
    "releases": "lets other threads run",
    "varies": "lets other threads run in some calls",
    "preemptible": "never releases the GIL, but is Python code that others interrupt",
    "holds": "keeps other threads out",
    "inconclusive": "could not be judged",
}
ATTACHED_VERDICTS = {
    "releases": "detaches, and delays no other thread",
    "varies": "detaches in some calls",
    "preemptible": "stays attached, but is Python code that can be stopped",
    "holds": "stays attached, and delays whatever stops the world",
    "inconclusive": "could not be judged",
}

# What to look at, by what the extension is written with.
CAUSES = (
    ("PyO3", "Python::detach (allow_threads before 0.26) is missing around the work"),
    ("Cython", "the work is not in a `with nogil:` block"),
    ("cffi", "the C code takes the GIL, with PyGILState_Ensure or a callback"),
    ("pybind11", "py::call_guard<py::gil_scoped_release>() is missing"),
    ("C API", "Py_BEGIN_ALLOW_THREADS and Py_END_ALLOW_THREADS are missing"),
    ("ctypes", "the function comes from PyDLL, which holds the GIL, not from CDLL"),
)


def make_document(check: Check) -> Document:
    """Return the verdict, and below it what it rests on, one fact a line."""
    has_gil = check.environment.meaning == "gil"
    meaning = (VERDICTS if has_gil else ATTACHED_VERDICTS)[check.verdict]
    answer = Answer(
        f"{check.name}: {check.verdict} ({meaning})\n{check.reason}",
        check.verdict,
        TONES.get(check.verdict, "unsure"),
    )
    facts = Table("What it rests on", (Column(""), Column("")), [*list_facts(check)])
    return Document(check.name, "", (Section("Verdict", "", (answer,), (facts,)),))


def explain_failure(check: Check, wanted: str) -> str:
    """Return what a maintainer needs whose test expected something else.

    Args:
        check: what was found.
        wanted: what the test asked for.
    """
    lines = [f"expected that {check.name} {wanted}", str(check)]
    if check.verdict in ("holds", "preemptible") or is_token(check):
        lines.append("  what usually causes it:")
        lines += [f"    {kind + ':':<9} {cause}" for kind, cause in CAUSES]
    return "\n".join(lines)


def is_token(check: Check) -> bool:
    """Return whether the call releases the GIL, and holds it for most of its time."""
    fraction = check.released_fraction
    high = fraction.high if isinstance(fraction, Figure) else fraction
    return check.verdict == "releases" and high is not None and high < 0.5  # noqa: PLR2004


def list_facts(check: Check) -> Iterator[tuple[str, str]]:
    """Yield what was measured, counted and compared with."""
    facts = [
        ("one call", describe_time(check.call_s)),
        ("released fraction", describe_share(check.released_fraction)),
        ("longest hold", describe_time(check.longest_hold_s)),
        ("wait to re-acquire", describe_time(check.waiting_s)),
        ("evidence", describe_evidence(check.evidence)),
        ("controls", check.controls.reason if check.controls else ""),
        ("interpreter", describe_interpreter(check)),
        *(("note", note) for note in check.notes),
    ]
    yield from (fact for fact in facts if fact[1])


def describe_evidence(evidence: Evidence) -> str:
    """Return the counts in words."""
    if not evidence.n_calls:
        return ""
    parts = [
        f"{evidence.n_calls} calls in {evidence.n_windows} windows",
        f"others let in during {evidence.n_windows_released}",
        f"{evidence.n_ticks} ticks",
    ]
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


register_document(Check, make_document)
