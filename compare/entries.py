"""What can be compared in a result: facts and figures, each of a subject.

A subject is a backend of a report, the callable of a check or a measurement, or a
function of an audit. Only figures with a range are compared, since nothing else tells a
change from noise.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compare.model import BackendResult, Report
from gilscope.measurement import Measurement
from gilscope.model import Audit, Check
from gilscope.record import SCHEMA, check_content, read_json, structure
from gilscope.stats import Figure
from gilscope.units import describe_range, describe_ratio, describe_share


@dataclass(frozen=True)
class Family:
    """Figures that are compared alike."""

    # Which one measures them.
    scenario: str
    # Whether more is worse.
    is_cost: bool = False
    # Whether it is a share of a call, which may be nothing; else a ratio.
    is_share: bool = False
    # A smaller one between two ratios means nothing to whoever reads it.
    factor: float = 1.15
    # Whether a table of many results has it.
    is_main: bool = False


# A mean that one wait for the GIL in a hundred calls decides on was up to 23 times as
# much in another run of the same build, while the rounds of either agreed.
FAMILIES = {
    "released_fraction": Family("gil", is_share=True, is_main=True),
    "speedup": Family("parallel", is_main=True),
    "of_processes": Family("parallel"),
    "overlap": Family("parallel"),
    "slowdown": Family("contention", is_cost=True, factor=30.0, is_main=True),
    "stops": Family("pairs", is_cost=True, is_share=True),
    "cost": Family("sweep", is_cost=True),
    "gain": Family("sweep"),
    "busy_gain": Family("sweep"),
}
# Of each scenario with rows of figures: where these are, and what tells them apart.
ROWS = (
    ("parallel", "rows", ", {threads} threads"),
    ("contention", "rows", ", size {size}"),
    ("pairs", "cells", ", {partner}"),
    ("sweep", "cells", ", size {size}, {passes} passes"),
)
# A smaller difference of two shares of a call means nothing, likewise.
SHARE_MARGIN = 0.10
# Two runs differ by more than the rounds of one run do, so that their ranges have to
# lie apart by this share of both.
CLEARANCE = 1.0


@dataclass(frozen=True)
class Entry:
    """One fact or one figure."""

    # Of whom.
    subject: str
    # "status", "verdict", "wrong answers", or a figure's family and detail.
    what: str
    # The fact as text, or the figure.
    value: str | Figure
    # Of a figure, one of FAMILIES; "" for a fact.
    family: str = ""
    # What made the run unsure of it, "" = nothing.
    doubt: str = ""
    # What is shown after a fact.
    more: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it can be compared."""
        return not self.doubt and self.value != "inconclusive"

    @property
    def texts(self) -> tuple[str, str]:
        """The value, and the range of a figure in brackets."""
        if isinstance(self.value, str):
            return self.value, ""
        is_share = FAMILIES[self.family].is_share
        describe = describe_share if is_share else describe_ratio
        return describe(self.value), describe_range(self.value, describe)


@dataclass(frozen=True)
class Source:
    """One result, as far as it is compared."""

    # Where it was found, by the names of the facts.
    environment: dict[str, str]
    # In the order in which they are shown.
    entries: tuple[Entry, ...]
    # Size of the shortest call and its median time, by subject.
    times: dict[str, tuple[int, float]] = field(default_factory=dict)


def read_sources(path: str) -> list[Source]:
    """Return the results that a file has: a report, a check, or several of these."""
    content = parts = read_json(Path(path))
    if isinstance(content, dict):
        both = [content[key] for key in ("gil", "attached") if key in content]
        parts = content.get("checks", both)
    if not (isinstance(parts, list) and parts):
        parts = [content]
    return [make_source(parse_result(part)) for part in parts]


def parse_result(content: Any) -> Any:
    """Return one result of a file; its kind is told by a field that no other has."""
    kinds = (("verdict", Check), ("functions", Audit), ("break_evens", Measurement))
    for key, kind in kinds:
        if isinstance(content, dict) and key in content:
            schema = content.get("schema")
            check_content(schema == SCHEMA, schema, str(SCHEMA), "report.schema")
            return structure(content, kind)
    return Report.from_dict(content)


def make_source(result: Any) -> Source:
    """Return what there is to compare in a report, a check or a measurement."""
    environment = {
        name: str(value)
        for name, value in dataclasses.asdict(result.environment).items()
    }
    times = {}
    match result:
        case Report():
            environment["quick"] = str(result.quick)
            entries = [entry for each in result for entry in list_backend(each)]
            times = {each.name: time for each in result if (time := get_time(each))}
        case Check():
            entries = [*list_check(result.name, result)]
        case Audit():
            entries = [
                Entry(one.name, "verdict", one.verdict) for one in result.functions
            ]
        case _:
            entries = [*list_measurement(result)]
    return Source(environment, tuple(entries), times)


def list_backend(result: BackendResult) -> Iterator[Entry]:
    """Yield what there is to compare of one backend."""
    name = result.name
    yield Entry(name, "status", result.status, more=result.first_reason)
    if result.correctness:
        yield Entry(name, "wrong answers", str(result.correctness.failed))
    if result.gil:
        yield from list_check(name, result.gil.check, get_doubt(result.gil))
    if result.subinterpreter:
        yield Entry(name, "subinterpreter", result.subinterpreter)
    for scenario, rows, detail in ROWS:
        found = getattr(result, scenario)
        for row in getattr(found, rows) if found else ():
            what = detail.format_map(vars(row))
            yield from list_figures(name, scenario, row, what, get_doubt(found))


def list_check(subject: str, check: Check, doubt: str = "") -> Iterator[Entry]:
    """Yield what there is to compare of a check."""
    yield Entry(subject, "verdict", check.verdict)
    if check.verdict in ("releases", "varies"):
        yield from list_figures(subject, "gil", check, "", doubt)


def list_measurement(found: Measurement) -> Iterator[Entry]:
    """Yield what there is to compare of a measurement, size by size."""
    name, doubt = found.name, get_doubt(found)
    for row in found.rows:
        size = "" if row.size is None else f", size {row.size}"
        if row.check is not None:
            yield from list_check(f"{name}{size}", row.check)
        for threads in row.parallel:
            what = f", {threads.threads} threads{size}"
            yield from list_figures(name, "parallel", threads, what, doubt)
        yield from list_figures(name, "contention", row.contention, size, doubt)
        yield from list_figures(name, "sweep", row, size, doubt)


def list_figures(
    subject: str, scenario: str, row: Any, detail: str, doubt: str
) -> Iterator[Entry]:
    """Yield the figures of a row that its scenario is compared by."""
    for name, family in FAMILIES.items():
        figure = getattr(row, name, None)
        if family.scenario == scenario and figure is not None:
            what = f"{name.replace('_', ' ')}{detail}"
            yield Entry(subject, what, figure, name, doubt)


def get_doubt(found: Any) -> str:
    """Return what made a run unsure of its figures, "" = nothing."""
    return next(iter(found.warnings), "")


def get_time(result: BackendResult) -> tuple[int, float] | None:
    """Return the size of the shortest call, and its median time with nothing beside."""
    rows = result.contention.rows if result.contention else ()
    times = min(((row.size or 0, row.alone_median_s) for row in rows), default=None)
    return times if times and times[1] > 0 else None


def is_apart(old: Entry, new: Entry) -> bool:
    """Return whether two entries differ; figures have to do so beyond both ranges.

    The distance of the figures has to exceed the ranges of both towards each other,
    CLEARANCE times again on top of it, and what means something to a reader. Ratios
    are compared by their logarithms, in which twice and half are as far from 1.
    """
    if isinstance(old.value, str) or isinstance(new.value, str):
        return old.value != new.value
    family = FAMILIES[old.family]

    def scale(value: float) -> float:
        # A figure may be nothing.
        return value if family.is_share else math.log(max(value, 1e-12))

    lower, upper = sorted((old.value, new.value), key=lambda figure: figure.value)
    margin = SHARE_MARGIN if family.is_share else math.log(family.factor)
    up = scale(lower.high) - scale(lower.value)
    down = scale(upper.value) - scale(upper.low)
    distance = scale(upper.value) - scale(lower.value)
    return distance > max(margin, (1 + CLEARANCE) * (up + down))
