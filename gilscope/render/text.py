"""A check as a document, and in words for a test that failed."""

from collections.abc import Iterator

from gilscope.model import Check, Evidence, FirstCall
from gilscope.render import register_document
from gilscope.render.document import TONES, Answer, Column, Document, Section, Table
from gilscope.stats import Figure
from gilscope.units import describe_time

# A range narrower than this share of a call is not worth its words.
TOLD_SHARE = 0.02
# Two times that differ by less than this factor, or are shorter, say the same.
TOLD_TIMES = 1.2
TOLD_S = 1e-3

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


def show_check(check: Check) -> Document:
    """Return the verdict, and below it what it rests on, one fact a line."""
    has_gil = check.environment.meaning == "gil"
    meaning = (VERDICTS if has_gil else ATTACHED_VERDICTS)[check.verdict]
    text = f"{check.name}: {check.verdict} ({meaning})\n{check.reason}"
    answer = Answer(text, check.verdict, TONES[check.verdict])
    facts = Table("What it rests on", (Column(""), Column("")), [*list_facts(check)])
    return Document(check.name, "", (Section("Verdict", "", (answer,), (facts,)),))


def explain_failure(check: Check, wanted: str) -> str:
    """Return what a maintainer needs whose test expected something else."""
    if check.environment.meaning == "attached":
        wanted = wanted.replace("releases the GIL", "detaches").replace(
            "holds the GIL", "stays attached"
        )
    lines = [f"expected that {check.name} {wanted}", str(check)]
    fraction = check.released_fraction
    # A release for less than half of the call is one for form's sake.
    is_token = fraction is not None and fraction.high < 0.5  # noqa: PLR2004
    if check.verdict in ("holds", "preemptible") or (
        check.verdict in ("releases", "varies") and is_token
    ):
        lines.append("  what usually causes it:")
        lines += [f"    {kind + ':':<9} {cause}" for kind, cause in CAUSES]
    return "\n".join(lines)


def list_facts(check: Check) -> Iterator[tuple[str, str]]:
    """Yield what was measured, counted and compared with."""
    is_gil = check.environment.meaning == "gil"
    fraction = describe_fraction(check.released_fraction)
    facts = [
        ("one call", describe_time(check.call_s)),
        ("released fraction" if is_gil else "detached for", fraction),
        ("longest hold" if is_gil else "longest wait", describe_hold(check)),
        ("first call", describe_first(check.first_call)),
        ("evidence", describe_evidence(check.evidence, is_gil=is_gil)),
        ("controls", check.controls.reason if check.controls else ""),
        ("interpreter", describe_interpreter(check)),
        *(("note", note) for note in check.notes),
    ]
    yield from (fact for fact in facts if fact[1])


def describe_fraction(fraction: Figure | None) -> str:
    """Return a share of the call in per cent, with its range."""
    if fraction is None:
        return ""
    text = f"{fraction.value:.1%} of the call"
    if fraction.high - fraction.low < TOLD_SHARE:
        return text
    return f"{text} (range {fraction.low:.0%} to {fraction.high:.0%})"


def describe_hold(check: Check) -> str:
    """Return the longest hold, and that by the clock where it differs."""
    hold, clock = check.longest_hold, check.longest_hold_by_clock
    if hold is None:
        return ""
    text = describe_time(hold.value)
    if hold.high > TOLD_TIMES * hold.low and hold.high > TOLD_S:
        text += f" (range {describe_time(hold.low)} to {describe_time(hold.high)})"
    if clock is not None and clock.value > max(TOLD_TIMES * hold.value, TOLD_S):
        text += (
            f" without the run-queue wait of the caller, {describe_time(clock.value)} "
            "by the clock"
        )
    return text


def describe_first(first: FirstCall | None) -> str:
    """Return what was seen of the first call, where it took long enough to matter."""
    if first is None or first.call_s < TOLD_S:
        return ""
    text = describe_time(first.call_s)
    if first.longest_hold is not None:
        text += f", kept others out for up to {describe_time(first.longest_hold.high)}"
    return text


def describe_evidence(found: Evidence, *, is_gil: bool) -> str:
    """Return the counts in words."""
    tried = f"{found.n_calls_interrupted} of {found.n_calls_tried} calls interrupted"
    windows = f"{found.n_windows_released} of {found.n_windows} windows did"
    parts = (
        (is_gil, f"{found.n_released} of {found.n_calls} calls released the GIL"),
        (is_gil and found.n_windows > found.n_calls, windows),
        (is_gil, f"{found.n_ticks} ticks"),
        (not is_gil, f"{found.n_calls} calls"),
        (not is_gil, f"the world was stopped {found.n_ticks} times inside"),
        (not is_gil, f"{found.n_stopped} times the call too"),
        (not is_gil, f"{found.n_unhindered} times surely not"),
        (
            found.n_wakeups is not None,
            f"a thread was woken in {found.n_wakeups} windows",
        ),
        (is_gil and found.n_calls_tried, tried),
        (found.n_calls_split, f"{found.n_calls_split} in their midst"),
    )
    return ", ".join(text for is_told, text in parts if is_told and found.n_windows)


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


register_document(Check, show_check)
