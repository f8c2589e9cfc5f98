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
from gilscope.render.markup import Markup, element, join
from gilscope.render.svg import LANE, LanePart, Scale, draw_lane, draw_seconds
from gilscope.units import describe_time
from gilscope.watcher.model import Hold, HoldEvent, WatchReport

MAX_ROWS = 50
# Where installed packages are, those within another one first.
_INSTALLED = tuple(
    sysconfig.get_path(name) for name in ("platlib", "purelib", "platstdlib", "stdlib")
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
    holds = report.holds[:MAX_ROWS]
    rows = [(describe_line(hold.file, hold.line), hold) for hold in holds]
    over = describe_time(report.over_s)
    section = Section(
        "Who held the GIL?",
        "Another thread had asked for it, and the same thread kept it at the same "
        f"instruction for {over} or longer.",
        answers=(Answer(describe_worst(report)),),
        tables=(tabulate("Holds", HOLD_COLUMNS, rows, "line"),) if rows else (),
        notes=notes,
        details=(Details("Stacks", tuple(map(make_stack, holds))),) if holds else (),
        draw=(lambda: draw_timeline(report)) if report.events else None,
    )
    where = f"CPython {report.python}, {describe_time(report.duration_s)}"
    return Document("Holds of the GIL", where, (section,))


def describe_worst(report: WatchReport) -> str:
    """Return the answer in a sentence."""
    over, lasted = describe_time(report.over_s), describe_time(report.duration_s)
    if not report.holds:
        return f"nothing was seen to hold the GIL for {over} or longer in {lasted}"
    worst = report.holds[0]
    place = describe_line(worst.file, worst.line)
    if caller := describe_caller(worst):
        place += f", called from {caller}"
    return (
        f"{report.n_holds} holds of {over} or longer in {lasted}: the longest, "
        f"{describe_time(worst.longest_s)}, at {place}"
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


def make_stack(hold: Hold) -> Note:
    """Return the stack of the longest hold of a place."""
    lines = (
        f"{describe_line(frame.file, frame.line)} in {frame.function}"
        for frame in hold.stack
    )
    heading = f"{describe_line(hold.file, hold.line)}, {hold.thread}"
    return Note("\n".join(lines), heading)


def draw_timeline(report: WatchReport) -> Markup:
    """Draw the longest holds over time, a lane for each thread."""
    scale = Scale(0.0, max(report.duration_s, report.events[-1].start_s))
    lanes: dict[str, list[HoldEvent]] = {}
    for event in report.events:
        lanes.setdefault(event.thread, []).append(event)
    return join(
        [
            join(
                element("div", element("strong", thread), f": {len(events)} holds"),
                draw_lane(
                    map(make_part, events),
                    scale,
                    f"Timeline of {thread}: {len(events)} holds",
                ),
            )
            for thread, events in lanes.items()
        ],
        draw_seconds(scale),
    )


def make_part(event: HoldEvent) -> LanePart:
    """Return one hold as a part of a lane."""
    place = describe_line(event.file, event.line)
    title = f"{describe_time(event.duration_s)} at {place}"
    end_s = event.start_s + event.duration_s
    return LanePart(event.start_s, end_s, "orange", LANE, title=title)


register_document(WatchReport, show_holds)
