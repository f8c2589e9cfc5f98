"""A report as a document: the answer, a section a scenario, why, and where it ran."""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from compare import model
from compare.model import BackendResult, Report
from compare.render.answers import (
    answer_for,
    answer_scenario,
    explain_backend,
    join_sentences,
)
from compare.render.drawings import draw_contention, draw_speedups, draw_timelines
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
    cross_tabulate,
    describe_where,
    list_doubts,
    pick,
    tabulate,
)
from gilscope.render.markup import Markup
from gilscope.render.results import GAIN_COLUMNS, PARALLEL_COLUMNS
from gilscope.timing.rounds import is_usable
from gilscope.units import describe_count, describe_ratio, describe_share, describe_time

MORE = "more: --explain says why, --html FILE draws it"

Results = Iterable[BackendResult]


def name_items(results: Results, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each backend's name with its result, or with a field or rows of that."""
    for result in results:
        found = pick(result, path) if path else result
        for item in found if isinstance(found, tuple) else (found,):
            yield result.name, item


# --- The overview ---------------------------------------------------------------------


def show_result(result: BackendResult) -> Cell:
    """Return the verdict; where it is not well, the status."""
    is_judged = result.status == "ok" and result.gil is not None
    word = pick(result, "gil.verdict" if is_judged else "status")
    return Cell(word, TONES[word])


def show_answers(result: BackendResult) -> Cell | None:
    """Return how many of the contract's cases came out right."""
    if (found := result.correctness) is None:
        return None
    text = f"{found.passed}/{found.passed + found.failed}"
    return Cell(text, "bad" if found.failed else "")


def show_slowdown(result: BackendResult) -> str | None:
    """Return by how much busy Python code slows the shortest call down."""
    rows = result.contention.rows if result.contention else ()
    return describe_ratio(rows[0].slowdown) if rows else None


def is_unusable(result: BackendResult) -> bool:
    """Return whether speed-ups of it say nothing, for want of a second core."""
    return result.parallel is not None and not is_usable(result.parallel.pair)


OVERVIEW = (
    Column("result", show_result),
    Column(
        "answers\nright", show_answers, "cases in which it answered as the reference"
    ),
    Column(
        "Python\nbeside",
        "handoff.partner_progress_released:%",
        "speed of Python code in the released phase, 100% = as alone",
    ),
    Column(
        "two\nthreads",
        "parallel.pair.speedup:x",
        "speed of two calls in two threads, 1x = one after the other",
        is_muted=is_unusable,
    ),
    Column(
        "two\nprocesses",
        "parallel.pair.process_speedup:x",
        "the same in two processes: what the machine could give",
        is_muted=is_unusable,
    ),
    Column(
        "GIL\nheld",
        "parallel.held.speedup:x",
        "two threads that hold the GIL all the time: the control",
        is_muted=is_unusable,
    ),
    Column(
        "short\ncall",
        show_slowdown,
        "time of a short call beside busy Python code, 1x = as alone",
    ),
)


def make_overview(report: Report) -> Section:
    """Return the answers, one table of what there is, and what went wrong."""
    notes = [*list_doubts(report.environment.warnings)]
    if unusable := [result.name for result in report if is_unusable(result)]:
        text = (
            f"the speed-ups of {', '.join(unusable)} cannot be used: two processes "
            "gained nothing either, so there was no second core"
        )
        notes.append(Note(text, tone="unsure"))
    lacks: dict[str, list[str]] = {}
    for result in report:
        if "\n" in result.reason.strip():
            heading = f"{result.name}: {result.status}"
            notes.append(Note(result.reason, heading, TONES[result.status]))
        notes += [Note(text, result.name, "unsure") for text in result.warnings]
        for scenario, reason in result.not_applicable.items():
            text = f"{scenario} is not applicable: {reason}"
            lacks.setdefault(text, []).append(result.name)
    for text, names in lacks.items():
        whose = "" if len(names) == len(report) else f"{', '.join(names)}: "
        notes.append(Note(f"{whose}{text}", tone="muted"))
    n_doubts = sum(
        len(group_notes(report, scenario, "warnings"))
        for scenario in report.scenarios
        # What is not brief is only shown when asked for.
        if not CHAPTERS[scenario].is_brief
    )
    if n_doubts:
        text = f"{describe_count(n_doubts, 'doubt')} about figures"
        text += ", named with their scenarios: --explain"
        notes.append(Note(text, tone="unsure"))
    table = tabulate("Every backend at a glance", OVERVIEW, name_items(report))
    # A column of nothing but "ok" says nothing.
    has_news = len(table.columns) > len(("backend", "result")) or any(
        result.status != "ok" for result in report
    )
    answers = [*map(answer_for, report)]
    return Section("The answer", "", answers, [table] if has_news else (), notes)


def group_notes(results: Results, scenario: str, *kinds: str) -> list[Note]:
    """Return what a scenario says in words, below the backends of which it says so.

    What it says of several backends is said once, and what it says of the same ones
    stands together.
    """
    names_of: dict[str, dict[str, None]] = {}
    for result in results:
        for kind in kinds:
            for text in getattr(getattr(result, scenario), kind, ()):
                names_of.setdefault(text, {})[result.name] = None
    grouped: dict[str, list[str]] = {}
    for text, names in names_of.items():
        grouped.setdefault(", ".join(names), []).append(text)
    tone: Tone = "" if "findings" in kinds else "unsure"
    return [Note(join_sentences(all_), who, tone) for who, all_ in grouped.items()]


# --- A section a scenario -------------------------------------------------------------


# None where nobody knows.
DECLARATIONS = {True: "releases", False: "holds"}


class Chapter(NamedTuple):
    """What is said of one scenario, besides what was measured."""

    kind: type
    title: str
    lead: str
    reading: str
    # The field of a result, or of its rows, that its table has.
    path: str = ""
    columns: Sequence[Column] = ()
    draw: Callable[[Results], Markup] | None = None
    is_brief: bool = False


CHAPTERS = {
    "handoff": Chapter(
        model.Handoff,
        "Who had the GIL?",
        "Two threads share one result. The Python partner sleeps, doubles and exits. "
        "The backend computes, re-acquires the GIL and holds it for a while.",
        "Time runs from left to right, on one scale for all. A phase begins and ends "
        "at a measured stamp. Where Python code goes on during a released phase, the "
        "GIL was free; where it stops, somebody held it. Waiting is the time between "
        "asking for the GIL and having it.",
        "handoff",
        (
            Column("kernel\nand sleep", "released_s:s"),
            Column("Python\nmeanwhile", "partner_progress_released:%"),
            Column("waiting for\nthe GIL", "waiting_s:s"),
            Column("then held", "held_s:s"),
            Column("Python\nmeanwhile", "partner_progress_held:%"),
        ),
        draw=draw_timelines,
    ),
    "gil": Chapter(
        model.Gil,
        "Does the call release the GIL?",
        "The verdict rests on counted evidence, not on a stopwatch.",
        "While no thread can be interrupted, another Python thread that runs inside a "
        "call proves that the call released the GIL: releases. Python code that others "
        "can only interrupt is preemptible. A call that lets nobody in holds. The "
        "released fraction is the share of the call for which others could run, the "
        "longest hold the longest time for which they could not.",
        "",
        (
            Column("declares", lambda one: DECLARATIONS.get(one.declared)),
            Column("verdict", "gil.verdict:verdict"),
            Column("held\ntwin", "gil.held_check.verdict"),
            Column("released\nfraction", "gil.check.released_fraction:%"),
            Column("longest\nhold", "gil.check.longest_hold:s"),
        ),
    ),
    "parallel": Chapter(
        model.Parallel,
        "What does a second thread gain?",
        "Two calls of the same work, each in a thread, against one after the other.",
        "1x is no gain, 2x is perfect for two threads. The Amdahl bound is what the "
        "held fraction of the call allows at most. Two processes show what the machine "
        "could give at that moment. The line through the end of a bar is the range in "
        "which its median lies.",
        "parallel.rows",
        PARALLEL_COLUMNS,
        draw=draw_speedups,
    ),
    "contention": Chapter(
        model.Contention,
        "What does releasing cost?",
        "Short calls beside a Python thread that computes all the time.",
        "A call that releases the GIL waits to re-acquire it, up to a switch interval "
        "if Python code is running. The scale is logarithmic.",
        "contention.rows",
        (
            Column("size", "size:,"),
            Column("alone", "alone_median_s:s", "median time of a call"),
            Column("99th\npercentile", "alone_p99_s:s"),
            Column(
                "beside\nPython",
                "contended_median_s:s",
                "the same beside a busy Python thread",
            ),
            Column("99th\npercentile", "contended_p99_s:s"),
            Column("as long", "slowdown:x", "mean time beside Python, 1x = as alone"),
            Column("GIL\nheld", "held_slowdown:x", "the same for the held twin"),
            Column(
                "busy\nthread",
                "busy_thread_speed:%",
                "speed of that thread, 100% = as fast as alone",
            ),
        ),
        draw=draw_contention,
    ),
    "correctness": Chapter(
        model.Correctness,
        "Is the answer right?",
        "The contract's cases, answered alone and in threads.",
        "A case is right if the answer is that of the reference: the implementation in "
        "pure Python for double_list, else what the contract names or the first one.",
        "correctness",
        (Column("right", "passed"), Column("wrong", "failed")),
    ),
    "sweep": Chapter(
        model.Sweep,
        "From when on does releasing pay?",
        "The same calls with more and more work, releasing the GIL or holding it.",
        "A gain above 1x: releasing gets more done, below it less. A cost of 1x: none.",
        "sweep.cells",
        (
            Column("size", "size:,"),
            Column("passes", "passes:,"),
            Column("kernel", "kernel_s:s"),
            Column("alone", "alone_s:s"),
            *GAIN_COLUMNS,
        ),
        is_brief=True,
    ),
    "pairs": Chapter(
        model.Pairs,
        "Who stops whom?",
        "Every backend in one thread beside every backend in another.",
        "0% = the other one is not delayed at all, 100% = for the whole call.",
        "pairs.cells",
        is_brief=True,
    ),
}


def make_scenario(results: Results, key: str) -> Section:
    """Return the section of one scenario that was asked for."""
    chapter = CHAPTERS[key]
    measured = [result for result in results if getattr(result, key) is not None]
    findings = group_notes(measured, key, "findings")
    notes = [
        *group_notes(measured, key, "warnings", "failures", "contradictions"),
        *(Note(text, tone="muted") for text in list_missing(results, key)),
    ]
    details = [("How to read this", [Note(chapter.reading)])]
    if findings:
        details.append(("What the figures say", findings))
    items = name_items(measured, chapter.path)
    if key == "pairs":
        # Who stops whom, shaded by how much.
        grid = {
            (name, f"stops {cell.partner}"): Cell(
                describe_share(cell.stops) or NO_FIGURE,
                shade=min(1.0, max(0.0, cell.stops.value)) if cell.stops else 0.0,
            )
            for name, cell in items
        }
        table = cross_tabulate(chapter.title, "backend", grid)
    else:
        table = tabulate(chapter.title, chapter.columns, items)
    return Section(
        chapter.title,
        chapter.lead,
        [answer_scenario(result, key) for result in measured],
        [table] if measured else (),
        notes,
        details,
        partial(chapter.draw, measured) if chapter.draw and measured else None,
        chapter.is_brief,
    )


def list_missing(results: Results, key: str) -> Iterator[str]:
    """Yield for which backends a scenario has no figures, and why."""
    cells = name_items(results, "pairs.cells") if key == "pairs" else ()
    yield from sorted(
        {f"{cell.partner}: {cell.reason}" for _, cell in cells if cell and cell.reason}
    )
    for result in results:
        if key in result.not_applicable:
            yield f"{result.name}: not applicable ({result.not_applicable[key]})"
        elif getattr(result, key) is None:
            yield f"{result.name}: no figures ({describe_status(result)})"


def describe_status(result: BackendResult) -> str:
    """Return the status with the first line of its reason."""
    reason = result.first_reason
    return f"{result.status}: {reason}" if reason else result.status


# --- The whole, and each of its parts -------------------------------------------------


def make_document(report: Report) -> Document:
    """Return everything there is to show of a report."""
    scenarios = [
        make_scenario(report, key) for key in CHAPTERS if key in report.scenarios
    ]
    words = [(result.name, explain_backend(result)) for result in report]
    why = Section(
        "Why, and what to do about it",
        details=[each for each in words if each[1]],
        is_brief=False,
    )
    return Document(
        "What each backend does to the GIL",
        describe_where(report.environment),
        (make_overview(report), *scenarios, why, make_environment(report)),
        MORE,
    )


def make_part(key: str, found: Any) -> Document:
    """Return one backend's result of one scenario, as a document."""
    result = BackendResult("this backend", "ok", **{key: found})
    return Document(CHAPTERS[key].title, "", make_parts(result))


def make_backend(result: BackendResult) -> Document:
    """Return everything that was found about one backend."""
    heading = f"{result.name}: {describe_status(result)}"
    answer = Section("", answers=(Answer(heading),))
    return Document(heading, "", (answer, *make_parts(result)))


def make_parts(result: BackendResult) -> list[Section]:
    """Return a section for each scenario that a backend went through."""
    return [
        dataclasses.replace(make_scenario([result], key), is_brief=True)
        for key in CHAPTERS
        if getattr(result, key) is not None
    ]


def show_build(key: str, result: BackendResult) -> str:
    """Return how a backend was built, in one respect."""
    return show_fact(key, result.build_info.get(key))


def make_environment(report: Report) -> Section:
    """Return where it ran and how each backend was built."""
    facts = {**dataclasses.asdict(report.environment), "quick": report.quick}
    # They stand below the answer.
    del facts["warnings"]
    rows = [(show_name(key), show_fact(key, value)) for key, value in facts.items()]
    builds = [
        Column(show_name(key), partial(show_build, key))
        for key in dict.fromkeys(key for one in report for key in one.build_info)
    ]
    columns = (Column("technology", "technology"), *builds)
    return Section(
        "Where it ran",
        tables=(
            tabulate("The machine", [Column("value", str)], rows, "fact"),
            tabulate("How the backends were built", columns, name_items(report)),
        ),
        is_brief=False,
    )


def show_name(key: str) -> str:
    """Return the name of a field as words."""
    words = key.removesuffix("_s").replace("_", " ").replace("free t", "free-t")
    return re.sub(r"\b(cpu|gil)(?=s?\b)", lambda found: found[0].upper(), words)


def show_fact(key: str, value: object) -> str:
    """Return a field of the environment as a reader says it."""
    if value is None:
        return NO_FIGURE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return describe_time(value) if key.endswith("_s") else f"{value:.3g}"
    return str(value)


register_document(Report, make_document)
register_document(BackendResult, make_backend)
for key, scenario in CHAPTERS.items():
    register_document(scenario.kind, partial(make_part, key))
