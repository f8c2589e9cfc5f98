"""A report as a document: the answer, a section a scenario, why, and where it ran."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from compare.model import BackendResult, Environment, Report
from compare.render.answers import (
    STATUS_TONES,
    answer_for,
    answer_scenario,
    first_line,
    is_usable,
)
from compare.render.drawings import draw_contention, draw_speedups, draw_timelines
from compare.render.explain import explain_backend, join_sentences
from gilscope.render.columns import Show, pick, tabulate
from gilscope.render.document import Answer, Details, Document, Note, Section
from gilscope.render.markup import Markup
from gilscope.render.table import NOTHING, Cell, Column, Table, Tone
from gilscope.render.text import TONES
from gilscope.stats import judge
from gilscope.units import (
    describe_range,
    describe_ratio,
    describe_share,
    describe_time,
)

MORE = "more: --explain says why, --html FILE draws it"
GAIN_TONES: dict[str, Tone] = {"above": "good", "below": "bad", "no difference": ""}

Items = Iterable[tuple[str, Any]]


def name_items(results: Iterable[BackendResult], path: str = "") -> Iterator[Any]:
    """Yield each backend's name with its result, or with a field or rows of that."""
    for result in results:
        found = pick(result, path) if path else result
        for item in found if isinstance(found, tuple) else (found,):
            yield result.name, item


# --- The overview ---------------------------------------------------------------------


def show_result(result: BackendResult) -> Cell:
    """Return the verdict; where it is not well, the status."""
    if result.status == "ok" and result.gil:
        return Cell(result.gil.verdict, TONES.get(result.gil.verdict, "unsure"))
    return Cell(result.status, STATUS_TONES.get(result.status, "bad"))


def show_answers(result: BackendResult) -> Cell | None:
    """Return how many of the contract's cases came out right."""
    found = result.correctness
    if found is None:
        return None
    text = f"{found.passed}/{found.passed + found.failed}"
    return Cell(text, "bad" if found.failed else "")


def show_speedup(path: str, result: BackendResult) -> Cell | None:
    """Return a speed-up, greyed where the machine had no second core to give."""
    figure = pick(result.parallel, path)
    if figure is None or result.parallel is None:
        return None
    tone: Tone = "" if is_usable(result.parallel) else "muted"
    return Cell(describe_ratio(figure), tone, describe_range(figure, describe_ratio))


def show_slowdown(result: BackendResult) -> Cell | None:
    """Return by how much busy Python code slows the shortest call down."""
    rows = result.contention.rows if result.contention else ()
    return Cell(describe_ratio(rows[0].slowdown)) if rows else None


OVERVIEW = (
    Show("result", show_result),
    Show(
        "answers\nright",
        show_answers,
        meaning="cases in which it answered as the reference",
    ),
    Show(
        "Python\nbeside",
        "handoff.partner_progress_released",
        describe_share,
        "speed of Python code while the call computed, 100% = as alone",
    ),
    Show(
        "two\nthreads",
        partial(show_speedup, "pair.speedup"),
        meaning="speed of two calls in two threads, 1x = one after the other",
    ),
    Show(
        "two\nprocesses",
        partial(show_speedup, "pair.process_speedup"),
        meaning="the same in two processes: what the machine could give",
    ),
    Show(
        "GIL\nheld",
        partial(show_speedup, "held.speedup"),
        meaning="two threads that hold the GIL all the time: the control",
    ),
    Show(
        "short\ncall",
        show_slowdown,
        meaning="time of a short call beside busy Python code, 1x = as alone",
    ),
)


def make_overview(report: Report) -> Section:
    """Return the answers, one table of what there is, and what went wrong."""
    environment = report.environment
    notes = [Note(f"warning: {text}", tone="unsure") for text in environment.warnings]
    if any(result.parallel and not is_usable(result.parallel) for result in report):
        text = (
            "The grey speed-ups cannot be used: two processes gained nothing either, "
            "so there was no second core."
        )
        notes.append(Note(text, tone="unsure"))
    for result in report:
        tone = STATUS_TONES.get(result.status, "bad")
        if "\n" in result.reason.strip():
            notes.append(Note(result.reason, f"{result.name}: {result.status}", tone))
        notes += [Note(text, result.name, "unsure") for text in result.warnings]
    return Section(
        "The answer",
        answers=tuple(answer_for(result, environment) for result in report),
        tables=(tabulate("Every backend at a glance", OVERVIEW, name_items(report)),),
        notes=(*notes, *list_inapplicable(report), *list_doubts(report)),
    )


def list_inapplicable(report: Report) -> Iterator[Note]:
    """Yield the scenarios that need what a contract lacks, and what that is."""
    names_of: dict[tuple[str, str], list[str]] = {}
    for result in report:
        for pair in result.not_applicable.items():
            names_of.setdefault(pair, []).append(result.name)
    for (scenario, reason), names in names_of.items():
        whose = "" if len(names) == len(report) else f"{', '.join(names)}: "
        yield Note(f"{whose}{scenario} is not applicable: {reason}", tone="muted")


def list_doubts(report: Report) -> Iterator[Note]:
    """Yield what makes figures unsure: of all backends, and how much more there is."""
    n_more = 0
    for scenario in report.scenarios:
        for names, text in group_notes(report, scenario, "warnings"):
            if len(names) == len(report):
                yield Note(f"{scenario}: {text}", tone="unsure")
            else:
                n_more += 1
    if n_more:
        text = f"{n_more} doubts about single figures: --explain names them"
        yield Note(text, tone="unsure")


def group_notes(
    results: Iterable[BackendResult], scenario: str, *kinds: str
) -> list[tuple[tuple[str, ...], str]]:
    """Return what a scenario says in words, as names of backends and a text.

    What it says of several backends is said once, and what it says of the same ones
    stands together.
    """
    names_of: dict[str, dict[str, None]] = {}
    for result in results:
        for kind in kinds:
            for note in getattr(getattr(result, scenario), kind, ()):
                names_of.setdefault(note, {})[result.name] = None
    grouped: dict[tuple[str, ...], list[str]] = {}
    for note, names in names_of.items():
        grouped.setdefault(tuple(names), []).append(note)
    return [(names, join_sentences(tuple(notes))) for names, notes in grouped.items()]


# --- A section a scenario -------------------------------------------------------------


def list_speedups(results: Iterable[BackendResult]) -> Iterator[Any]:
    """Yield the rows of all numbers of threads, and those of the held twins."""
    for result in results:
        yield from name_items([result], "parallel.rows")
        if pick(result, "parallel.held"):
            yield f"{result.name}, GIL held", result.parallel.held  # type: ignore[union-attr]


def tabulate_sweep(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return a grid for each figure: work down, backends across."""
    cells = {
        (name, cell.size, cell.passes or 0): cell
        for name, cell in name_items(results, "sweep.cells")
    }
    works = sorted({key[1:] for key in cells})
    names = [result.name for result in results]
    return tuple(
        Table(
            caption,
            [Column("work"), *map(Column, names)],
            [
                (
                    f"{size:,} x {passes:,}" if passes else f"{size:,}",
                    *(
                        make_gain(cells.get((name, size, passes)), path)
                        for name in names
                    ),
                )
                for size, passes in works
            ],
        )
        for caption, path in (
            ("Time of one kernel, or of one call where there is none", "kernel_s"),
            ("Time of a releasing call alone, by that of a holding one", "cost"),
            ("Gain of releasing, two threads that call", "gain"),
            ("Gain of releasing, one that calls beside busy Python code", "busy_gain"),
        )
    )


def make_gain(cell: Any, path: str) -> Cell:
    """Return a figure of one work, shaded by whether releasing gains or loses."""
    value = pick(cell, path)
    if path == "kernel_s":
        return Cell(describe_time(value or pick(cell, "alone_s")) or NOTHING)
    if value is None:
        return Cell(NOTHING)
    text, more = describe_ratio(value), describe_range(value, describe_ratio)
    if path == "cost":
        return Cell(text, more=more)
    tone = GAIN_TONES[judge(value)]
    return Cell(text, tone, more, min(1.0, max(-1.0, value.value - 1)) if tone else 0.0)


def tabulate_pairs(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return the matrix of who stops whom, shaded by how much."""
    stops = {
        (name, cell.partner): cell.stops
        for name, cell in name_items(results, "pairs.cells")
        if cell.stops is not None
    }
    partners = dict.fromkeys(c.partner for _, c in name_items(results, "pairs.cells"))
    rows: list[tuple[Cell | str, ...]] = [
        (
            result.name,
            *(
                Cell(describe_share(stop), shade=-min(1.0, max(0.0, stop.value)))
                if (stop := stops.get((result.name, partner)))
                else Cell(NOTHING)
                for partner in partners
            ),
        )
        for result in results
    ]
    heads = [Column("backend"), *(Column(f"stops {name}") for name in partners)]
    return (Table("How much of its call each backend stops another one", heads, rows),)


class Scenario(NamedTuple):
    """What is said of one scenario, besides what was measured."""

    title: str
    lead: str
    reading: str
    caption: str = ""
    shows: tuple[Show, ...] = ()
    list_items: Callable[[Sequence[BackendResult]], Items] = name_items
    tabulate: Callable[[Sequence[BackendResult]], tuple[Table, ...]] | None = None
    draw: Callable[[Sequence[BackendResult]], Markup] | None = None
    is_brief: bool = False

    def make_tables(self, results: Sequence[BackendResult]) -> tuple[Table, ...]:
        """Return the figures of these backends."""
        if self.tabulate:
            return self.tabulate(results)
        return (tabulate(self.caption, self.shows, self.list_items(results)),)


SCENARIOS = {
    "correctness": Scenario(
        "Is the answer right?",
        "The contract's cases, answered alone and in threads.",
        "The reference is the implementation in pure Python.",
        "Cases of the contract",
        (Show("right", "correctness.passed"), Show("wrong", "correctness.failed")),
    ),
    "handoff": Scenario(
        "Who had the GIL?",
        "Two threads share one result. The Python partner sleeps, doubles and exits. "
        "The backend computes, re-acquires the GIL and holds it for a while.",
        "Time runs from left to right, on one scale for all. A phase begins and ends "
        "at a measured stamp. Where Python code goes on during a released phase, the "
        "GIL was free; where it stops, somebody held it. Waiting is the time between "
        "asking for the GIL and having it.",
        "The phases of the handoff",
        (
            Show("kernel\nand sleep", "released_s", describe_time),
            Show("Python\nmeanwhile", "partner_progress_released", describe_share),
            Show("waiting for\nthe GIL", "waiting_s", describe_time),
            Show("then held", "held_s", describe_time),
            Show("Python\nmeanwhile", "partner_progress_held", describe_share),
        ),
        partial(name_items, path="handoff"),
        draw=draw_timelines,
    ),
    "gil": Scenario(
        "Does the call release the GIL?",
        "The verdict rests on counted evidence, not on a stopwatch.",
        "While no thread can be interrupted, another Python thread that runs inside a "
        "call proves that the call released the GIL: releases. Python code that others "
        "can only interrupt is preemptible. A call that lets nobody in holds. The "
        "released fraction is the share of the call for which others could run, the "
        "longest hold the longest time for which they could not.",
        "The verdict on each backend's own call",
        (
            Show("declares", lambda each: "releases" if each.declared else "holds"),
            Show("verdict", "gil.verdict"),
            Show("held\ntwin", "gil.held_check.verdict"),
            Show("released\nfraction", "gil.check.released_fraction", describe_share),
            Show("longest\nhold", "gil.check.longest_hold", describe_time),
        ),
    ),
    "parallel": Scenario(
        "What does a second thread gain?",
        "Two calls of the same work, each in a thread, against one after the other.",
        "1x is no gain, 2x is perfect for two threads. The Amdahl bound is what the "
        "held fraction of the call allows at most. Two processes show what the machine "
        "could give at that moment. The line through the end of a bar is the range in "
        "which its median lies.",
        "Speed-up, with the range of its median",
        (
            Show("threads", "threads"),
            Show("speed-up", "speedup", describe_ratio),
            Show("Amdahl\nbound", "amdahl", describe_ratio),
            Show("as many\nprocesses", "process_speedup", describe_ratio),
            Show("threads by\nprocesses", "of_processes", describe_share),
            Show("effective\ncores", "effective_cores", "{:.2f}".format),
        ),
        list_speedups,
        draw=draw_speedups,
    ),
    "contention": Scenario(
        "What does releasing cost?",
        "Short calls beside a Python thread that computes all the time.",
        "A call that releases the GIL waits to re-acquire it, up to a switch interval "
        "if Python code is running. The scale is logarithmic.",
        "Time of a short call, alone and beside Python code",
        (
            Show("items", "size", "{:,}".format),
            Show("alone", "alone_median_s", describe_time),
            Show("99th\npercentile", "alone_p99_s", describe_time),
            Show("beside\nPython", "contended_median_s", describe_time),
            Show("99th\npercentile", "contended_p99_s", describe_time),
            Show("as long", "slowdown", describe_ratio),
            Show("as long,\nGIL held", "held_slowdown", describe_ratio),
            Show("busy\nthread", "busy_thread_speed", describe_share),
        ),
        partial(name_items, path="contention.rows"),
        draw=draw_contention,
    ),
    "sweep": Scenario(
        "From when on does releasing pay?",
        "The same calls with more and more work, releasing the GIL or holding it.",
        "Above 1x releasing gets more done, below it less. Shaded is what lies beyond "
        "its range: teal = releasing gains, orange = it loses.",
        tabulate=tabulate_sweep,
        is_brief=True,
    ),
    "pairs": Scenario(
        "Who stops whom?",
        "Every backend in one thread beside every backend in another.",
        "0% = the other one is not delayed at all, 100% = for the whole call.",
        tabulate=tabulate_pairs,
        is_brief=True,
    ),
}


def make_scenario(report: Report, key: str) -> Section:
    """Return the section of one scenario that was asked for."""
    scenario = SCENARIOS[key]
    measured = [result for result in report if getattr(result, key) is not None]
    doubts = group_notes(measured, key, "warnings", "failures", "contradictions")
    findings = tuple(
        Note(text, ", ".join(names))
        for names, text in group_notes(measured, key, "findings")
    )
    details = (Details("How to read this", (Note(scenario.reading),)),)
    return Section(
        scenario.title,
        scenario.lead,
        answer_scenario(measured, key, report.environment),
        scenario.make_tables(measured) if measured else (),
        (
            *(Note(text, ", ".join(names), "unsure") for names, text in doubts),
            *(Note(text, tone="muted") for text in list_missing(report, key)),
        ),
        (*details, Details("What the figures say", findings)) if findings else details,
        partial(scenario.draw, measured) if scenario.draw and measured else None,
        scenario.is_brief,
    )


def list_missing(results: Iterable[BackendResult], key: str) -> Iterator[str]:
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
    reason = first_line(result.reason)
    return f"{result.status}: {reason}" if reason else result.status


# --- The whole, and each of its parts -------------------------------------------------


def make_document(report: Report) -> Document:
    """Return everything there is to show of a report."""
    scenarios = [
        make_scenario(report, key) for key in SCENARIOS if key in report.scenarios
    ]
    words = [(result.name, explain_backend(result)) for result in report]
    why = Section(
        "Why, and what to do about it",
        details=tuple(Details(name, notes) for name, notes in words if notes),
        is_brief=False,
    )
    return Document(
        "What each backend does to the GIL",
        describe_environment(report.environment),
        (make_overview(report), *scenarios, why, make_environment(report)),
        MORE,
    )


def make_part(key: str, found: Any) -> Document:
    """Return one backend's result of one scenario, as a document."""
    scenario = SCENARIOS[key]
    result = BackendResult("this backend", "ok", declared=True, **{key: found})
    section = Section(
        scenario.title,
        scenario.lead,
        tables=scenario.make_tables([result]),
        draw=partial(scenario.draw, [result]) if scenario.draw else None,
    )
    return Document(scenario.title, "", (section,))


def make_backend(result: BackendResult) -> Document:
    """Return everything that was found about one backend."""
    found = {key: getattr(result, key) for key in SCENARIOS}
    sections = [
        section
        for key, part in found.items()
        if part is not None
        for section in make_part(key, part).sections
    ]
    heading = f"{result.name}: {describe_status(result)}"
    return Document(heading, "", (Section("", answers=(Answer(heading),)), *sections))


def describe_environment(environment: Environment) -> str:
    """Return where it ran, in one line."""
    gil = "GIL on" if environment.gil_enabled else "GIL off"
    build = ", free-threaded build" if environment.free_threaded_build else ""
    return (
        f"{environment.implementation} {environment.python}{build}, {gil}, "
        f"{environment.cpus_allowed} of {environment.cpu_count} CPUs, "
        f"{environment.platform}"
    )


def make_environment(report: Report) -> Section:
    """Return where it ran and how each backend was built."""
    environment = report.environment
    facts = {**dataclasses.asdict(environment), "quick": report.quick}
    facts["switch_interval_s"] = describe_time(environment.switch_interval_s)
    rows = [(show_name(key), f"{value}") for key, value in facts.items() if value != ()]
    keys = dict.fromkeys(key for result in report for key in result.build_info)
    builds = [Show(show_name(key), partial(get_fact, key)) for key in keys]
    return Section(
        "Where it ran",
        tables=(
            Table("Where it ran", (Column("fact"), Column("value")), rows),
            tabulate(
                "How the backends were built",
                (Show("technology", "technology"), *builds),
                name_items(report),
            ),
        ),
        is_brief=False,
    )


def get_fact(key: str, result: BackendResult) -> Any:
    """Return how a backend was built."""
    return result.build_info.get(key)


def show_name(key: str) -> str:
    """Return the name of a field as words."""
    return key.removesuffix("_s").replace("_", " ")
