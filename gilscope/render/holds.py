"""Who held the GIL, as a document."""

import os
import sysconfig
from pathlib import Path

from gilscope.render import register_document
from gilscope.render.document import (
    NO_FIGURE,
    Answer,
    Column,
    Details,
    Document,
    Note,
    Section,
    tabulate,
)
from gilscope.render.markup import Markup, join
from gilscope.render.svg import LanePart, Scale, draw_lane, draw_seconds
from gilscope.units import describe_time
from gilscope.watcher.model import Hold, WatchReport

MAX_ROWS = 50
# Where installed packages are, those within another one first.
_INSTALLED = tuple(
    sysconfig.get_path(name) for name in ("platlib", "purelib", "platstdlib", "stdlib")
)


def describe_line(file: str, line: int) -> str:
    """Return line and file, as seen from where packages or this program are."""
    for folder in (*_INSTALLED, str(Path.cwd())):
        if file.startswith(folder + os.sep):
            return f"{file.removeprefix(folder + os.sep)}:{line}"
    return f"{file}:{line}"


def describe_caller(hold: Hold) -> str | None:
    """Return the innermost line of the program; None if that is where it held."""
    own = [frame for frame in hold.stack if not frame.file.startswith(_INSTALLED)]
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
        text = f"{report.n_unresolved} more holds could not be attributed to a line"
        notes.append(Note(text, tone="unsure"))
    if report.is_cut_short:
        text = "the sampler ended before the program: holds may be missing"
        notes.append(Note(text, tone="bad"))
    if len(report.holds) > MAX_ROWS:
        text = f"{len(report.holds) - MAX_ROWS} more lines are in the JSON file"
        notes.append(Note(text, tone="muted"))
    rows = [
        (describe_line(hold.file, hold.line), hold) for hold in report.holds[:MAX_ROWS]
    ]
    stacks = [
        Note(
            "\n".join(
                f"{describe_line(frame.file, frame.line)} in {frame.function}"
                for frame in hold.stack
            ),
            f"{place}, {hold.thread}",
        )
        for place, hold in rows
    ]
    over, lasted = describe_time(report.over_s), describe_time(report.duration_s)
    answer = f"nothing was seen to hold the GIL for {over} or longer in {lasted}"
    if rows:
        place, worst = rows[0]
        if caller := describe_caller(worst):
            place += f", called from {caller}"
        answer = (
            f"{report.n_holds} holds of {over} or longer in {lasted}: the longest, "
            f"{describe_time(worst.longest_s)}, at {place}"
        )
    section = Section(
        "Who held the GIL?",
        "Another thread had asked for it, and the same thread kept it at the same "
        f"instruction for {over} or longer.",
        answers=(Answer(answer),),
        tables=(tabulate("Holds", HOLD_COLUMNS, rows, "line"),) if rows else (),
        notes=notes,
        details=(Details("Stacks", stacks),) if stacks else (),
        draw=(lambda: draw_timeline(report)) if report.events else None,
    )
    where = f"CPython {report.python}, {lasted}"
    return Document("Holds of the GIL", where, (section,))


def draw_timeline(report: WatchReport) -> Markup:
    """Draw the longest holds over time, a lane for each thread."""
    scale = Scale(0.0, max(report.duration_s, report.events[-1].start_s))
    lanes: dict[str, list[LanePart]] = {}
    for event in report.events:
        place = describe_line(event.file, event.line)
        title = f"{describe_time(event.duration_s)} at {place}"
        end_s = event.start_s + event.duration_s
        part = LanePart(event.start_s, end_s, "orange", title=title)
        lanes.setdefault(event.thread, []).append(part)
    drawings = (
        draw_lane(thread, f"{len(parts)} holds", parts, scale)
        for thread, parts in lanes.items()
    )
    return join(drawings, draw_seconds(scale))


register_document(WatchReport, show_holds)
