"""What can be compared in a result: facts and figures, each of a subject.

A subject is a backend of a report, or the callable of a check or a measurement,
or a function of an audit. Only
figures with a range are compared, since nothing else tells a change from noise.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compare.model import BackendResult, Check, Report
from gilscope.measurement import Measurement
from gilscope.model import Audit
from gilscope.record import read_json, structure
from gilscope.stats import Figure
from gilscope.units import (
    Value,
    describe_range,
    describe_ratio,
    describe_share,
)


@dataclass(frozen=True)
class Family:
    """Figures that are compared alike.

    Attributes:
        scenario: which one measures them.
        is_cost: whether more is worse.
        is_share: whether it is a share of a call, which may be nothing; else a ratio.
        factor: a smaller one between two ratios means nothing to whoever reads it.
        is_main: whether a table of many results has it.
    """

    scenario: str
    is_cost: bool = False
    is_share: bool = False
    factor: float = 1.15
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
# A smaller difference of two shares of a call means nothing, likewise.
SHARE_MARGIN = 0.10
# Two runs differ by more than the rounds of one run do, so that their ranges have to
# lie apart by this share of both.
CLEARANCE = 1.0


@dataclass(frozen=True)
class Entry:
    """One fact or one figure.

    Attributes:
        subject: of whom.
        what: "status", "verdict", "wrong answers", or a figure's family and detail.
        value: the fact as text, or the figure.
        family: of a figure, one of FAMILIES; "" for a fact.
        doubt: what made the run unsure of it, "" = nothing.
        more: what is shown after a fact.
    """

    subject: str
    what: str
    value: str | Figure
    family: str = ""
    doubt: str = ""
    more: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it can be compared."""
        return not self.doubt and self.value != "inconclusive"

    @property
    def text(self) -> str:
        """The value without its range."""
        if isinstance(self.value, str):
            return self.value
        return self._describe(self.value)

    @property
    def range_text(self) -> str:
        """The range of a figure, in brackets; "" for a fact."""
        if isinstance(self.value, str):
            return ""
        return describe_range(self.value, self._describe)

    def _describe(self, value: Value) -> str:
        is_share = FAMILIES[self.family].is_share
        return (describe_share if is_share else describe_ratio)(value)


@dataclass(frozen=True)
class Source:
    """One result, as far as it is compared.

    Attributes:
        environment: where it was found, by the names of the facts.
        entries: in the order in which they are shown.
        times: size of the shortest call and its median time, by subject.
    """

    environment: dict[str, str]
    entries: tuple[Entry, ...]
    times: dict[str, tuple[int, float]] = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Of whom there is anything, in their order."""
        return tuple(dict.fromkeys(entry.subject for entry in self.entries))


def read_sources(path: str) -> list[Source]:
    """Return the results that a file has: a report, a check, or several of these.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has nothing that can be compared; the message says why.
    """
    content = read_json(Path(path))
    if isinstance(content, dict):
        both = [content[key] for key in ("gil", "attached") if key in content]
        return [parse_source(each) for each in both or [content]]
    parts = content if isinstance(content, list) and content else [content]
    return [parse_source(part) for part in parts]


def parse_source(content: Any) -> Source:
    """Return one result of a file; see read_sources()."""
    kinds = (("verdict", Check), ("functions", Audit), ("break_evens", Measurement))
    for key, kind in kinds:
        if isinstance(content, dict) and key in content:
            return make_source(structure(content, kind))
    return make_source(Report.from_dict(content))


def make_source(result: Any) -> Source:
    """Return what there is to compare in a report, a check or a measurement."""
    environment = {
        name: str(value)
        for name, value in dataclasses.asdict(result.environment).items()
    }
    times = {}
    if isinstance(result, Report):
        environment["quick"] = str(result.quick)
        entries = [entry for each in result for entry in list_backend(each)]
        times = {each.name: time for each in result if (time := get_time(each))}
    elif isinstance(result, Check):
        entries = [*list_check(result.name, result)]
    elif isinstance(result, Audit):
        entries = [Entry(one.name, "verdict", one.verdict) for one in result.functions]
    else:
        entries = [*list_measurement(result)]
    return Source(environment, tuple(entries), times)


def list_backend(result: BackendResult) -> Iterator[Entry]:
    """Yield what there is to compare of one backend."""
    name = result.name
    reason = result.reason.strip().split("\n", 1)[0].rstrip(".")
    yield Entry(name, "status", result.status, more=reason)
    if result.correctness:
        yield Entry(name, "wrong answers", str(result.correctness.failed))
    if result.gil:
        yield from list_check(name, result.gil.check, get_doubt(result.gil))
    if result.parallel:
        doubt = get_doubt(result.parallel)
        yield from list_parallel(name, "", result.parallel.rows, doubt)
    for short in result.contention.rows if result.contention else ():
        what = f"slowdown, {short.size} items"
        doubt = get_doubt(result.contention)
        yield Entry(name, what, short.slowdown, "slowdown", doubt)
    for cell in result.pairs.cells if result.pairs else ():
        if cell.stops is not None:
            what, doubt = f"stops, {cell.partner}", get_doubt(result.pairs)
            yield Entry(name, what, cell.stops, "stops", doubt)
    for work in result.sweep.cells if result.sweep else ():
        detail = f"{work.size} items, {work.passes} passes"
        yield from list_gains(name, detail, work, get_doubt(result.sweep))


def list_check(subject: str, check: Check, doubt: str = "") -> Iterator[Entry]:
    """Yield what there is to compare of a check."""
    yield Entry(subject, "verdict", check.verdict)
    if check.verdict in ("releases", "varies") and check.released_fraction is not None:
        family = "released_fraction"
        what = show_name(family)
        yield Entry(subject, what, check.released_fraction, family, doubt)


def list_measurement(found: Measurement) -> Iterator[Entry]:
    """Yield what there is to compare of a measurement, size by size."""
    doubt = get_doubt(found)
    for row in found.rows:
        size = "" if row.size is None else f", size {row.size}"
        if row.check is not None:
            yield from list_check(f"{found.name}{size}", row.check)
        yield from list_parallel(found.name, size, row.parallel, doubt)
        if row.contention is not None:
            figure = row.contention.slowdown
            yield Entry(found.name, f"slowdown{size}", figure, "slowdown", doubt)
        yield from list_gains(found.name, size.removeprefix(", "), row, doubt)


def list_parallel(
    subject: str, size: str, rows: Sequence[Any], doubt: str
) -> Iterator[Entry]:
    """Yield what several threads gain."""
    for row in rows:
        for family in ("speedup", "of_processes", "overlap"):
            figure = getattr(row, family)
            if figure is not None:
                what = f"{show_name(family)}, {row.threads} threads{size}"
                yield Entry(subject, what, figure, family, doubt)


def list_gains(subject: str, detail: str, row: Any, doubt: str) -> Iterator[Entry]:
    """Yield what releasing gains over holding."""
    for family in ("cost", "gain", "busy_gain"):
        figure = getattr(row, family)
        if figure is not None:
            what = f"{show_name(family)}, {detail}"
            yield Entry(subject, what, figure, family, doubt)


def show_name(family: str) -> str:
    """Return a family's name as words."""
    return family.replace("_", " ")


def get_doubt(found: Any) -> str:
    """Return what made a run unsure of its figures, "" = nothing."""
    return next(iter(found.warnings), "")


def get_time(result: BackendResult) -> tuple[int, float] | None:
    """Return the size of the shortest call, and its median time with nothing beside."""
    if result.contention is None or not result.contention.rows:
        return None
    row = min(result.contention.rows, key=lambda row: row.size or 0)
    return (row.size or 0, row.alone_median_s) if row.alone_median_s > 0 else None


def is_apart(old: Entry, new: Entry) -> bool:
    """Return whether two entries differ; figures have to do so beyond both ranges.

    The distance of the figures has to exceed the ranges of both towards each other,
    CLEARANCE times again on top of it, and what means something to a reader. Ratios
    are compared by their logarithms, in which twice and half are as far from 1.
    """
    if isinstance(old.value, str) or isinstance(new.value, str):
        return old.value != new.value
    family = FAMILIES[old.family]
    lower, upper = sorted((old.value, new.value), key=lambda figure: figure.value)
    scale = float if family.is_share else take_log
    margin = SHARE_MARGIN if family.is_share else math.log(family.factor)
    up = scale(lower.high) - scale(lower.value)
    down = scale(upper.value) - scale(upper.low)
    distance = scale(upper.value) - scale(lower.value)
    return distance > max(margin, (1 + CLEARANCE) * (up + down))


def take_log(value: float) -> float:
    """Return the logarithm, also of a figure that is nothing."""
    return math.log(max(value, 1e-12))
