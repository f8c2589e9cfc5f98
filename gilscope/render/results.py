"""What the instrument found, as documents."""

import os
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from gilscope.measurement import Measurement
from gilscope.model import Audit, Check, Evidence, ModuleImport
from gilscope.render import register_document
from gilscope.render.document import (
    NO_FIGURE,
    TONES,
    Answer,
    Cell,
    Column,
    Document,
    Note,
    Section,
    Tone,
    describe_where,
    list_doubts,
    tabulate,
)
from gilscope.render.markup import Markup, join
from gilscope.render.svg import LanePart, Look, Scale, draw_lane, draw_seconds
from gilscope.units import describe_count, describe_time
from gilscope.watcher.model import Hold, WatchReport

# A range narrower than this share of a call is not worth its words.
TOLD_SHARE = 0.02
# Two times that differ by less than this factor, or are shorter, say the same.
TOLD_TIMES = 1.2
TOLD_S = 1e-3

# The meaning of a verdict for other threads.
VERDICTS = {
    "releases": "lets other threads run",
    "varies": "lets other threads run in some calls",
    "preemptible": "never releases the GIL, but other threads can interrupt it",
    "holds": "keeps other threads out",
    "inconclusive": "could not be judged",
}
# What the call does, where the verdict itself is not told.
DEEDS = {
    **VERDICTS,
    "releases": "releases the GIL",
    "varies": "releases the GIL in some calls",
    "holds": "holds the GIL from beginning to end",
}
# Both, where there is no GIL.
ATTACHED_DEEDS = {
    **VERDICTS,
    "releases": "detaches, and delays no other thread",
    "varies": "detaches in some calls",
    "preemptible": "stays attached, but is Python code that can be stopped",
    "holds": "stays attached, and delays whatever stops the world",
}

# The usual cause of a held GIL, by the tool that made the extension.
CAUSES = (
    ("PyO3", "Python::detach (allow_threads before 0.26) is missing around the work"),
    ("Cython", "the work is not in a `with nogil:` block"),
    ("cffi", "the C code takes the GIL, with PyGILState_Ensure or a callback"),
    ("pybind11", "py::call_guard<py::gil_scoped_release>() is missing"),
    ("C API", "Py_BEGIN_ALLOW_THREADS and Py_END_ALLOW_THREADS are missing"),
    ("ctypes", "the function comes from PyDLL, which holds the GIL, not from CDLL"),
)


# --- A check --------------------------------------------------------------------------


def show_check(check: Check, limits: Iterable[str] = ()) -> Document:
    """Return the verdict, what came of limits, and the facts below, one a line."""
    is_gil, where = check.environment.meaning == "gil", check.environment
    meaning = (VERDICTS if is_gil else ATTACHED_DEEDS)[check.verdict]
    head = f"{check.name}: {check.verdict} ({meaning})"
    text = "\n".join([head, check.reason, *limits])
    answer = Answer(text, check.verdict, TONES[check.verdict])
    first = ""
    if check.first_call and check.first_call.call_s >= TOLD_S:
        first = describe_time(check.first_call.call_s)
        if hold := check.first_call.longest_hold:
            first += f", kept others out for up to {describe_time(hold.high)}"
    python = f"Python {where.python}"
    if where.free_threaded_build:
        python += f", free-threaded build, GIL {'on' if where.gil_enabled else 'off'}"
    if where.gil_enabled_by:
        python += f" (turned on by the import of {where.gil_enabled_by})"
    if not is_gil:
        python += ": the verdict is whether the call lets others stop the world"
    facts = [
        ("one call", describe_time(check.call_s)),
        ("released fraction" if is_gil else "detached for", describe_fraction(check)),
        ("longest hold" if is_gil else "longest wait", describe_hold(check)),
        ("first call", first),
        ("evidence", ", ".join(list_evidence(check.evidence, is_gil=is_gil))),
        ("controls", check.controls.reason if check.controls else ""),
        ("interpreter", python),
        *(("note", note) for note in check.notes),
    ]
    told = [fact for fact in facts if fact[1]]
    table = tabulate("What it rests on", [Column("", str)], told, "")
    return Document(check.name, "", [Section("Verdict", "", [answer], [table])])


def describe_fraction(check: Check) -> str:
    """Return the released fraction in per cent, with its range."""
    if (fraction := check.released_fraction) is None:
        return ""
    text = f"{fraction.value:.1%} of the call"
    if fraction.high - fraction.low >= TOLD_SHARE:
        text += f" (range {fraction.low:.0%} to {fraction.high:.0%})"
    return text


def describe_hold(check: Check) -> str:
    """Return the longest hold, and that by the clock where it differs."""
    hold, clock = check.longest_hold, check.longest_hold_by_clock
    if hold is None:
        return ""
    text = describe_time(hold)
    if hold.high > TOLD_TIMES * hold.low and hold.high > TOLD_S:
        text += f" (range {describe_time(hold.low)} to {describe_time(hold.high)})"
    if clock is not None and clock.value > max(TOLD_TIMES * hold.value, TOLD_S):
        wait = "without the run-queue wait of the caller"
        text += f" {wait}, {describe_time(clock)} by the clock"
    return text


def list_evidence(found: Evidence, *, is_gil: bool) -> Iterator[str]:
    """Yield the counts in words."""
    if not found.n_windows:
        return
    if is_gil:
        yield f"{found.n_released} of {found.n_calls} calls released the GIL"
        if found.n_windows > found.n_calls:
            yield f"{found.n_windows_released} of {found.n_windows} windows did"
        yield f"{found.n_ticks} ticks"
    else:
        yield f"{found.n_calls} calls"
        yield f"{found.n_detached} of {found.n_looks} looks found them detached"
        if found.n_calls_tried:
            yield f"the world was stopped {found.n_ticks} times inside"
    if found.n_wakeups is not None:
        yield f"a thread was woken in {found.n_wakeups} windows"
    if is_gil and found.n_calls_tried:
        yield f"{found.n_calls_interrupted} of {found.n_calls_tried} calls interrupted"
    if found.n_calls_split:
        yield f"{found.n_calls_split} in their midst"


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


# --- An audit -------------------------------------------------------------------------

AUDIT_COLUMNS = (
    Column("verdict", "verdict:verdict", "what the watched calls did"),
    Column(
        "released",
        lambda one: f"{one.n_released} of {one.n_watched}",
        "how many of the watched calls released the GIL",
    ),
    Column("calls", "n_calls", "how often the suite called it"),
    Column("longest", "longest_s:s", "the longest of the watched calls"),
)


def show_audit(found: Audit) -> Document:
    """Return a table of the functions, the longest calls first."""
    rows = [(one.name, one) for one in found.functions]
    names = ", ".join(found.packages)
    n_of = Counter(one.verdict for one in found.functions)
    answer = f"{names}: no C function of it was called"
    if rows:
        some = f"{n_of['varies']} in some calls only, " if n_of["varies"] else ""
        were = "was" if len(rows) == 1 else "were"
        answer = (
            f"{names}: {describe_count(len(rows), 'C function')} {were} called; "
            f"{n_of['releases']} release the GIL, {some}{n_of['holds']} hold it"
        )
    unclear = f"{describe_count(found.n_unclear, 'watched call')} told nothing"
    table = tabulate("C functions", AUDIT_COLUMNS, rows, "function")
    section = Section(
        "The answer",
        answers=[Answer(answer)],
        tables=[table] if rows else (),
        notes=[Note(unclear)] if found.n_unclear else (),
    )
    return Document(f"Audit of {names}", "", [section])


# --- A measurement --------------------------------------------------------------------

# Of calls that release the GIL, by those of their twin that holds it.
GAIN_COLUMNS = (
    Column("cost", "cost:x", "time alone, 1x = as the held twin"),
    Column(
        "gain", "gain:x", "calls that two threads get done, 1x = as with the held twin"
    ),
    Column(
        "gain\nwith Python",
        "busy_gain:x",
        "work of a calling thread and a busy thread, 1x = as with the held twin",
    ),
)
SIZE_COLUMNS = (
    Column("verdict", "check.verdict:verdict"),
    Column("two threads", "pair.concurrency"),
    Column("alone", "alone_s:s"),
    Column(
        "threads", "pair.speedup:x", "speed of two threads, 1x = one after the other"
    ),
    Column("processes", "pair.process_speedup:x", "the same in two processes"),
    Column(
        "beside\nPython",
        "contention.slowdown:x",
        "time beside a busy Python thread, 1x = as alone",
    ),
    Column("99th\npercentile", "contention.contended_p99_s:s", is_spare=True),
    Column(
        "busy\nthread",
        "contention.busy_thread_speed:%",
        "speed of that thread, 100% = as fast as alone",
    ),
    *GAIN_COLUMNS,
)
PARALLEL_COLUMNS = (
    Column("threads", "threads"),
    Column("speed-up", "speedup:x"),
    Column("Amdahl\nbound", "amdahl:x"),
    Column("as many\nprocesses", "process_speedup:x"),
    Column("threads by\nprocesses", "of_processes:%"),
    Column("calls\nran", "concurrency"),
)


def show_measurement(found: Measurement) -> Document:
    """Return the findings in sentences, and a line for each size."""
    where = found.environment
    rows = [("any" if row.size is None else f"{row.size:,}", row) for row in found.rows]
    tables = [tabulate("By size", SIZE_COLUMNS, rows, "size")]
    if any(len(row.parallel) > 1 for row in found.rows):
        lines = [(name, each) for name, row in rows for each in row.parallel]
        tables.append(tabulate("By number of threads", PARALLEL_COLUMNS, lines, "size"))
    section = Section(
        "What it gains and costs",
        answers=[Answer(f"{found.name}: {words}") for words in found.findings],
        tables=tables,
        notes=[*list_doubts(found.warnings, where.warnings)],
    )
    return Document(found.name, describe_where(where), (section,))


# --- An import ------------------------------------------------------------------------

ABILITIES: dict[bool | None, tuple[str, Tone]] = {
    True: ("can release the GIL", "good"),
    False: ("cannot release the GIL by itself", "bad"),
    None: ("not known: the file is neither ELF nor Mach-O", "muted"),
}


def show_import(found: ModuleImport) -> Document:
    """Return the answer in a sentence, and a line for each extension module."""
    rows = [(one.name, one) for one in found.extensions]
    columns = (
        Column("made with", "binding"),
        Column("by its file", lambda one: Cell(*ABILITIES[one.can_release])),
    )
    table = tabulate("Extension modules", columns, rows, "extension module")
    if found.error:
        text = f"the import failed: {found.error}"
    elif found.gil_enabled_by is not None:
        text = f"the import of {found.gil_enabled_by} turns the GIL on"
    elif found.free_threaded_build:
        text = "the import keeps the GIL off"
    else:
        text = "only a free-threaded build shows whether the import turns the GIL on"
    answer = Answer(f"{found.module}: {text}")
    section = Section("The answer", "", [answer], [table] if rows else ())
    return Document(f"The import of {found.module}", "", [section])


# --- Holds of the GIL -----------------------------------------------------------------

MAX_ROWS = 50
# Where installed packages are, those within another one first.
_INSTALLED = tuple(
    sysconfig.get_path(name) for name in ("platlib", "purelib", "platstdlib", "stdlib")
)


def describe_line(file: str, line: int) -> str:
    """Return line and file, as seen from where packages or this program are."""
    folders = [*_INSTALLED]
    # It may be gone.
    with suppress(OSError):
        folders.append(str(Path.cwd()))
    for folder in folders:
        if file.startswith(folder + os.sep):
            return f"{file.removeprefix(folder + os.sep)}:{line}"
    return f"{file}:{line}"


def describe_caller(hold: Hold) -> str | None:
    """Return the innermost line of the program; None if that is where it held."""
    foreign = (*_INSTALLED, "<frozen ")
    own = [frame for frame in hold.stack if not frame.file.startswith(foreign)]
    if not own or own[0] is hold.stack[0]:
        return None
    return describe_line(own[0].file, own[0].line)


HOLD_COLUMNS = (
    Column("what held", "text", "source of the call or operator that held the GIL"),
    Column(
        "function",
        "function",
        f"function called; {NO_FIGURE} = an operator, or not known",
        is_spare=True,
    ),
    Column(
        "called from",
        describe_caller,
        "innermost line that is not of an installed package",
    ),
    Column("thread", "thread", is_spare=True),
    Column("holds", "count"),
    Column("longest", "longest_s:s"),
    Column("total", "total_s:s"),
)


def show_holds(report: WatchReport) -> Document:
    """Return the worst hold in a sentence, then all of them by place."""
    notes = []
    if report.n_unresolved:
        n_more = describe_count(report.n_unresolved, "more hold")
        text = f"{n_more} could not be attributed to a line"
        notes.append(Note(text, tone="unsure"))
    if report.is_cut_short:
        text = "the sampler ended before the program: holds may be missing"
        notes.append(Note(text, tone="bad"))
    if len(report.holds) > MAX_ROWS:
        text = f"{MAX_ROWS} of {len(report.holds):,} lines: all are in the JSON file"
        notes.append(Note(text, tone="muted"))
    over, lasted = describe_time(report.over_s), describe_time(report.duration_s)
    rows, stacks = [], []
    for hold in report.holds[:MAX_ROWS]:
        place = describe_line(hold.file, hold.line)
        rows.append((place, hold))
        calls = (
            f"{describe_line(one.file, one.line)} in {one.function}"
            for one in hold.stack
        )
        stacks.append(Note("\n".join(calls), f"{place}, {hold.thread}"))
    answer = f"nothing was seen to hold the GIL for {over} or longer in {lasted}"
    if rows:
        place, worst = rows[0]
        if caller := describe_caller(worst):
            place += f", called from {caller}"
        answer = (
            f"{describe_count(report.n_holds, 'hold')} of {over} or longer in "
            f"{lasted}: the longest, {describe_time(worst.longest_s)}, at {place}"
        )
    section = Section(
        "Who held the GIL?",
        "Another thread had asked for the GIL, and the same thread held it at the same "
        f"instruction for {over} or longer.",
        [Answer(answer)],
        [tabulate("Holds", HOLD_COLUMNS, rows, "line")] if rows else (),
        notes,
        [("Stacks", stacks)] if stacks else (),
        partial(draw_holds, report) if report.events else None,
    )
    where = f"CPython {report.python}, {lasted}"
    return Document("Holds of the GIL", where, [section])


def draw_holds(report: WatchReport) -> Markup:
    """Draw the longest holds over time, a lane for each thread."""
    scale = Scale(0.0, max(report.duration_s, report.events[-1].start_s))
    lanes: dict[str, list[LanePart]] = {}
    for event in report.events:
        place = describe_line(event.file, event.line)
        title = f"{describe_time(event.duration_s)} at {place}"
        end_s = event.start_s + event.duration_s
        part = LanePart(event.start_s, end_s, Look("orange"), title)
        lanes.setdefault(event.thread, []).append(part)
    drawings = (
        draw_lane(thread, describe_count(len(parts), "hold"), parts, scale)
        for thread, parts in lanes.items()
    )
    return join(drawings, draw_seconds(scale))


register_document(Check, show_check)
register_document(Audit, show_audit)
register_document(Measurement, show_measurement)
register_document(ModuleImport, show_import)
register_document(WatchReport, show_holds)
