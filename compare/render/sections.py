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
from compare.render.drawings import (
    draw_contention,
    draw_speedups,
    draw_sweep,
    draw_timelines,
)
from compare.render.explain import explain_backend, join_sentences
from gilscope.render.document import Answer, Details, Document, Note, Section
from gilscope.render.markup import Markup
from gilscope.render.table import NOTHING, Cell, Column, Table
from gilscope.render.text import TONES
from gilscope.units import (
    Value,
    describe_range,
    describe_ratio,
    describe_share,
    describe_time,
)

MORE = "more: --explain says why, --html FILE draws it"


class Show(NamedTuple):
    """A column with what shows an item in it; left out where no item has anything."""

    head: str
    show: Callable[[Any], Cell | str]
    meaning: str = ""


def show_figure(figure: Value, describe: Callable[[Value], str]) -> Cell | str:
    """Return a figure, with its range where there is room."""
    text = describe(figure)
    return Cell(text, more=describe_range(figure, describe)) if text else ""


def tabulate(
    caption: str, shows: Sequence[Show], items: Iterable[tuple[str, Any]]
) -> Table:
    """Return a table with a row for each named item."""
    names, values = zip(*items, strict=True)
    columns = [Column("backend")]
    cells: list[tuple[Cell | str, ...]] = [names]
    for head, show, meaning in shows:
        texts = [show(value) for value in values]
        if any(text.text if isinstance(text, Cell) else text for text in texts):
            columns.append(Column(head, meaning))
            cells.append(
                tuple(NOTHING if text in ("", Cell("")) else text for text in texts)
            )
    return Table(caption, columns, list(zip(*cells, strict=True)))


# --- The overview ---------------------------------------------------------------------


def show_result(result: BackendResult) -> Cell:
    """Return the verdict; where it is not well, the status."""
    if result.status == "ok" and result.gil:
        verdict = result.gil.verdict
        return Cell(verdict, TONES.get(verdict, "unsure"))
    return Cell(result.status, STATUS_TONES.get(result.status, "bad"))


def show_answers(result: BackendResult) -> Cell | str:
    """Return how many of the contract's cases came out right."""
    found = result.correctness
    if found is None:
        return ""
    text = f"{found.passed}/{found.passed + found.failed}"
    return Cell(text, "bad" if found.failed else "")


def show_speedup(result: BackendResult, pick: Callable[[Any], Any]) -> Cell | str:
    """Return a speed-up, greyed where the machine had no second core to give."""
    parallel = result.parallel
    text = describe_ratio(pick(parallel)) if parallel else ""
    if not text or parallel is None:
        return ""
    return Cell(
        text,
        "" if is_usable(parallel) else "muted",
        describe_range(pick(parallel), describe_ratio),
    )


OVERVIEW = (
    Show("result", show_result),
    Show("answers\nright", show_answers, "cases in which it answered as the reference"),
    Show(
        "Python\nbeside",
        lambda result: describe_share(
            result.handoff and result.handoff.partner_progress_released
        ),
        "speed of Python code while the call computed, 100% = as alone",
    ),
    Show(
        "two\nthreads",
        lambda result: show_speedup(result, lambda found: found.pair.speedup),
        "speed of two calls in two threads, 1x = one after the other",
    ),
    Show(
        "two\nprocesses",
        lambda result: show_speedup(result, lambda found: found.pair.process_speedup),
        "the same in two processes: what the machine could give",
    ),
    Show(
        "GIL\nheld",
        lambda result: show_speedup(
            result, lambda found: found.held and found.held.speedup
        ),
        "two threads that hold the GIL all the time: the control",
    ),
    Show(
        "short\ncall",
        lambda result: describe_ratio(
            result.contention.rows[0].slowdown
            if result.contention and result.contention.rows
            else None
        ),
        "time of a short call beside busy Python code, 1x = as alone",
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
            heading = f"{result.name}: {result.status}"
            notes.append(Note(result.reason, heading, tone))
        notes += [Note(text, result.name, "unsure") for text in result.warnings]
    notes += list_doubts(report)
    items = [(result.name, result) for result in report]
    return Section(
        "The answer",
        answers=tuple(answer_for(result, environment) for result in report),
        tables=(tabulate("Every backend at a glance", OVERVIEW, items),),
        notes=tuple(notes),
    )


def list_doubts(report: Report) -> list[Note]:
    """Return what makes figures unsure: of all backends, and how much more there is."""
    notes, n_more = [], 0
    for scenario in report.scenarios:
        for names, text in group_notes(report, scenario, "warnings"):
            if names.count(",") + 1 == len(report.backends):
                notes.append(Note(f"{scenario}: {text}", tone="unsure"))
            else:
                n_more += 1
    if n_more:
        text = f"{n_more} doubts about single figures: --explain names them"
        notes.append(Note(text, tone="unsure"))
    return notes


def group_notes(
    results: Iterable[BackendResult], scenario: str, *kinds: str
) -> list[tuple[str, str]]:
    """Return what a scenario says in words, as names of backends and a text.

    What it says of several backends is said once, and what it says of the same ones
    stands together.
    """
    names_of: dict[str, list[str]] = {}
    for result in results:
        for kind in kinds:
            for note in getattr(getattr(result, scenario), kind, ()):
                names_of.setdefault(note, []).append(result.name)
    grouped: dict[str, list[str]] = {}
    for note, names in names_of.items():
        grouped.setdefault(", ".join(dict.fromkeys(names)), []).append(note)
    return [(names, join_sentences(tuple(notes))) for names, notes in grouped.items()]


# --- A section a scenario -------------------------------------------------------------


def tabulate_correctness(results: Sequence[Any]) -> Table:
    """Return how many answers are right."""
    shows = (
        Show("right", lambda found: str(found.passed)),
        Show("wrong", lambda found: str(found.failed)),
    )
    items = [(result.name, result.correctness) for result in results]
    return tabulate("Cases of the contract", shows, items)


def tabulate_handoff(results: Sequence[Any]) -> Table:
    """Return how long each phase took, and how fast Python code ran meanwhile."""
    shows = (
        Show("kernel\nand sleep", lambda found: describe_time(found.released_s)),
        Show(
            "Python\nmeanwhile",
            lambda found: describe_share(found.partner_progress_released),
        ),
        Show("waiting for\nthe GIL", lambda found: describe_time(found.waiting_s)),
        Show("then held", lambda found: describe_time(found.held_s)),
        Show(
            "Python\nmeanwhile",
            lambda found: describe_share(found.partner_progress_held),
        ),
    )
    items = [(result.name, result.handoff) for result in results]
    return tabulate("The phases of the handoff", shows, items)


def tabulate_gil(results: Sequence[Any]) -> Table:
    """Return the verdicts with what they rest on."""
    shows = (
        Show("declares", lambda each: "releases" if each.declared else "holds"),
        Show("verdict", lambda each: each.gil.verdict),
        Show("held\ntwin", lambda each: each.gil.held_check.verdict),
        Show(
            "released\nfraction",
            lambda each: describe_share(each.gil.check.released_fraction),
        ),
        Show("longest\nhold", lambda each: describe_time(get_hold(each.gil.check))),
    )
    items = [(result.name, result) for result in results]
    return tabulate("The verdict on each backend's own call", shows, items)


def describe_cores(count: float | None) -> str:
    """Return how many cores were at work; reports of schema 1 do not have it of all."""
    return "-" if count is None else f"{count:.2f}"


def tabulate_parallel(results: Sequence[Any]) -> Table:
    """Return every speed-up with its range, beside what bounds it."""
    shows = (
        Show("threads", lambda row: str(row.threads)),
        Show("speed-up", lambda row: show_figure(row.speedup, describe_ratio)),
        Show("Amdahl\nbound", lambda row: describe_ratio(row.amdahl)),
        Show(
            "as many\nprocesses",
            lambda row: show_figure(row.process_speedup, describe_ratio),
        ),
        Show(
            "threads by\nprocesses",
            lambda row: show_figure(row.of_processes, describe_share),
        ),
        Show("effective\ncores", lambda row: describe_cores(row.effective_cores)),
    )
    items = [
        (name, row)
        for result in results
        for name, rows in (
            (result.name, result.parallel.rows),
            (f"{result.name}, GIL held", filter(None, [result.parallel.held])),
        )
        for row in rows
    ]
    return tabulate("Speed-up, with the range of its median", shows, items)


def tabulate_contention(results: Sequence[Any]) -> Table:
    """Return what short calls cost beside a busy thread."""
    shows = (
        Show("items", lambda row: f"{row.size:,}"),
        Show("alone", lambda row: describe_time(row.alone_median_s)),
        Show("99th\npercentile", lambda row: describe_time(row.alone_p99_s)),
        Show("beside\nPython", lambda row: describe_time(row.contended_median_s)),
        Show("99th\npercentile", lambda row: describe_time(row.contended_p99_s)),
        Show("as long", lambda row: show_figure(row.slowdown, describe_ratio)),
        Show(
            "as long,\nGIL held",
            lambda row: show_figure(row.held_slowdown, describe_ratio),
        ),
        Show("busy\nthread", lambda row: describe_share(row.busy_thread_speed)),
    )
    items = [(result.name, row) for result in results for row in result.contention.rows]
    return tabulate("Time of a short call, alone and beside Python code", shows, items)


def tabulate_sweep(results: Sequence[Any]) -> Table:
    """Return one line for each amount of work."""
    shows = (
        Show("items", lambda cell: f"{cell.size:,}"),
        Show("passes", lambda cell: f"{cell.passes:,}"),
        Show("kernel", lambda cell: describe_time(cell.kernel_s)),
        Show("alone", lambda cell: describe_ratio(1 / cell.cost.value)),
        Show("two\nthreads", lambda cell: show_figure(cell.gain, describe_ratio)),
        Show(
            "beside\nPython", lambda cell: show_figure(cell.busy_gain, describe_ratio)
        ),
    )
    items = [(result.name, cell) for result in results for cell in result.sweep.cells]
    return tabulate("Speed of releasing by that of holding", shows, items)


def tabulate_pairs(results: Sequence[Any]) -> Table:
    """Return the matrix of who stops whom, shaded by how much."""
    partners = dict.fromkeys(
        cell.partner for result in results for cell in result.pairs.cells
    )
    rows = []
    for result in results:
        cells = {cell.partner: cell for cell in result.pairs.cells}
        row: list[Cell | str] = [result.name]
        for partner in partners:
            cell = cells.get(partner)
            if cell is None or cell.stops is None:
                row.append(NOTHING)
                continue
            shade = min(1.0, max(0.0, cell.stops.value))
            row.append(Cell(describe_share(cell.stops), shade=shade))
        rows.append(row)
    heads = [Column("backend"), *(Column(f"stops {name}") for name in partners)]
    return Table("How much of its call each backend stops another one", heads, rows)


def get_hold(check: Any) -> Any:
    """Return the longest hold of a check."""
    return check.longest_hold_s


class Scenario(NamedTuple):
    """What is said of one scenario, besides what was measured."""

    title: str
    lead: str
    reading: str
    tabulate: Callable[[Sequence[Any]], Table]
    draw: Callable[[Sequence[BackendResult]], Markup] | None = None
    is_brief: bool = False


SCENARIOS = {
    "correctness": Scenario(
        "Is the answer right?",
        "The contract's cases, answered alone and in threads.",
        "The reference is the implementation in pure Python.",
        tabulate_correctness,
    ),
    "handoff": Scenario(
        "Who had the GIL?",
        "Two threads share one result. The Python partner sleeps, doubles and exits. "
        "The backend computes, re-acquires the GIL and holds it for a while.",
        "Time runs from left to right, on one scale for all. A phase begins and ends "
        "at a measured stamp. Where Python code goes on during a released phase, the "
        "GIL was free; where it stops, somebody held it. Waiting is the time between "
        "asking for the GIL and having it.",
        tabulate_handoff,
        draw_timelines,
    ),
    "gil": Scenario(
        "Does the call release the GIL?",
        "The verdict rests on counted evidence, not on a stopwatch.",
        "While no thread can be interrupted, another Python thread that runs inside a "
        "call proves that the call released the GIL: releases. Python code that others "
        "can only interrupt is preemptible. A call that lets nobody in holds. The "
        "released fraction is the share of the call for which others could run, the "
        "longest hold the longest time for which they could not.",
        tabulate_gil,
    ),
    "parallel": Scenario(
        "What does a second thread gain?",
        "Two calls of the same work, each in a thread, against one after the other.",
        "1x is no gain, 2x is perfect for two threads. The Amdahl bound is what the "
        "held fraction of the call allows at most. Two processes show what the machine "
        "could give at that moment. The line through the end of a bar is the range in "
        "which its median lies.",
        tabulate_parallel,
        draw_speedups,
    ),
    "contention": Scenario(
        "What does releasing cost?",
        "Short calls beside a Python thread that computes all the time.",
        "A call that releases the GIL waits to re-acquire it, up to a switch interval "
        "if Python code is running. The scale is logarithmic.",
        tabulate_contention,
        draw_contention,
    ),
    "sweep": Scenario(
        "From when on does releasing pay?",
        "The same calls with more and more work, releasing the GIL or holding it.",
        "Above the line at 1x releasing gets more done, below it less.",
        tabulate_sweep,
        draw_sweep,
        is_brief=True,
    ),
    "pairs": Scenario(
        "Who stops whom?",
        "Every backend in one thread beside every backend in another.",
        "0% = the other one is not delayed at all, 100% = for the whole call.",
        tabulate_pairs,
        is_brief=True,
    ),
}


def make_scenario(report: Report, key: str) -> Section:
    """Return the section of one scenario that was asked for."""
    scenario = SCENARIOS[key]
    measured = [result for result in report if getattr(result, key) is not None]
    draw = scenario.draw
    findings = group_notes(measured, key, "findings")
    return Section(
        scenario.title,
        scenario.lead,
        answer_scenario(measured, key, report.environment),
        (scenario.tabulate(measured),) if measured else (),
        tuple(
            Note(text, names, "unsure")
            for names, text in group_notes(
                measured, key, "warnings", "failures", "contradictions"
            )
        )
        + tuple(Note(text, tone="muted") for text in list_missing(report, key)),
        (
            Details("How to read this", (Note(scenario.reading),)),
            *(
                [
                    Details(
                        "What the figures say", tuple(Note(b, a) for a, b in findings)
                    )
                ]
                if findings
                else []
            ),
        ),
        (lambda: draw(measured)) if draw and measured else None,
        scenario.is_brief,
    )


def list_missing(results: Iterable[BackendResult], key: str) -> Iterator[str]:
    """Yield for which backends a scenario has no figures, and why."""
    reasons = {
        f"{cell.partner}: {cell.reason}"
        for result in results
        for cell in (result.pairs.cells if result.pairs and key == "pairs" else ())
        if cell.reason
    }
    yield from sorted(reasons)
    for result in results:
        if getattr(result, key) is None:
            yield f"{result.name}: no figures ({describe_status(result)})"


def describe_status(result: BackendResult) -> str:
    """Return the status with the first line of its reason."""
    reason = first_line(result.reason)
    return f"{result.status}: {reason}" if reason else result.status


# --- The whole ------------------------------------------------------------------------


def make_document(report: Report) -> Document:
    """Return everything there is to show of a report."""
    words = Section(
        "Why, and what to do about it",
        details=tuple(
            Details(result.name, notes)
            for result in report
            if (notes := explain_backend(result))
        ),
        is_brief=False,
    )
    scenarios = [
        make_scenario(report, key) for key in SCENARIOS if key in report.scenarios
    ]
    return Document(
        "What each backend does to the GIL",
        describe_environment(report.environment),
        (make_overview(report), *scenarios, words, make_environment(report)),
        MORE,
    )


def make_part(key: str, found: Any) -> Document:
    """Return one backend's result of one scenario, as a document."""
    scenario = SCENARIOS[key]
    result = BackendResult("this backend", "ok", declared=True, **{key: found})
    draw = scenario.draw
    section = Section(
        scenario.title,
        scenario.lead,
        tables=(scenario.tabulate([result]),),
        draw=(lambda: draw([result])) if draw else None,
    )
    return Document(scenario.title, "", (section,))


def make_backend(result: BackendResult) -> Document:
    """Return everything that was found about one backend."""
    sections = [
        dataclasses.replace(section, is_brief=True)
        for key, scenario in SCENARIOS.items()
        if getattr(result, key) is not None
        for section in make_part(key, getattr(result, key)).sections
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


def show_fact(key: str, result: BackendResult) -> str:
    """Return how a backend was built."""
    return str(result.build_info.get(key, ""))


def make_environment(report: Report) -> Section:
    """Return where it ran and how each backend was built."""
    environment = report.environment
    gil = "on" if environment.gil_enabled else "off"
    build = "free-threaded" if environment.free_threaded_build else "with a GIL"
    quota, load = environment.cpu_quota, environment.load_average
    facts = (
        ("Python", f"{environment.implementation} {environment.python}"),
        ("build", f"{build}; the GIL was {gil}"),
        ("switch interval", describe_time(environment.switch_interval_s)),
        ("CPUs", f"{environment.cpus_allowed} of {environment.cpu_count} allowed"),
        ("CPU quota", "none known" if quota is None else f"{quota:.2f} CPUs"),
        ("load before", NOTHING if load is None else f"{load:.2f}"),
        ("platform", environment.platform),
        ("gilscope", environment.gilscope),
        ("started", environment.started_at),
        ("form", "short (--quick)" if report.quick else "full"),
    )
    keys = ("profile", "compiler", "version", "free_threaded")
    builds = [
        Show("technology", lambda result: result.technology),
        *(
            Show(
                key.replace("_", " "),
                partial(show_fact, key),
            )
            for key in keys
        ),
    ]
    return Section(
        "Where it ran",
        tables=(
            Table("Where it ran", (Column("fact"), Column("value")), facts),
            tabulate(
                "How the backends were built",
                builds,
                [(result.name, result) for result in report],
            ),
        ),
        is_brief=False,
    )
