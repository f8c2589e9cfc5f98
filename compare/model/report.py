"""A whole comparison: where it ran, and one row for each backend."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from compare.model.figures import Contention, Pairs, Parallel, Sweep
from compare.model.scenarios import Correctness, Gil, Handoff
from compare.model.schema_1 import convert_report
from compare.scenarios import SCENARIOS
from gilscope.model import Environment
from gilscope.record import SCHEMA, Record, Shown, read_json, shorten, structure

Status = Literal["ok", "wrong", "failed", "crashed", "timeout", "unavailable"]


@dataclass(frozen=True)
class BackendResult(Shown):
    """Everything that was found out about one backend; a scenario not run is None.

    Attributes:
        name: what it is reported under.
        status: "ok", or what went wrong.
        reason: what went wrong, in words; further lines are the Python stack.
        technology: what it is written with.
        declared: whether it says that it releases the GIL, None if not loaded.
        build_info: how it was built.
        elapsed_s: how long its process ran.
        warnings: what is odd but not wrong.
        not_applicable: the scenarios that need what the contract lacks, and what.
        subinterpreter: "loads" in one with a GIL of its own, or who refuses in which
            words; "" where it was not tried (it is with gil, from CPython 3.12 on).
    """

    name: str
    status: Status
    reason: str = ""
    technology: str = ""
    declared: bool | None = None
    build_info: Mapping[str, Any] = field(default_factory=dict)
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    subinterpreter: str = ""
    correctness: Correctness | None = None
    gil: Gil | None = None
    handoff: Handoff | None = None
    parallel: Parallel | None = None
    contention: Contention | None = None
    pairs: Pairs | None = None
    sweep: Sweep | None = None

    @property
    def first_reason(self) -> str:
        """The first line of the reason, without a full stop."""
        return self.reason.strip().split("\n", 1)[0].rstrip(".")


@dataclass(frozen=True)
class Report(Record):
    """A whole comparison.

    Attributes:
        environment: where it ran.
        backends: one result each, in the order of the registry.
        scenarios: the names of those that were asked for.
        asked: the names of the backends that were asked for; None = all there are.
        quick: whether the scenarios ran in their short form.
    """

    environment: Environment
    backends: tuple[BackendResult, ...]
    scenarios: tuple[str, ...] = ()
    asked: tuple[str, ...] | None = None
    quick: bool = False

    def __getitem__(self, name: str) -> BackendResult:
        """Return the result of the backend of that name."""
        for result in self.backends:
            if result.name == name:
                return result
        known = ", ".join(result.name for result in self.backends)
        message = f"no backend {name!r} in this report: expected one of {known}"
        raise KeyError(message)

    def __iter__(self) -> Iterator[BackendResult]:
        """Go through the results in the order of the registry."""
        return iter(self.backends)

    def __len__(self) -> int:
        """Return how many backends there are."""
        return len(self.backends)

    @property
    def ok(self) -> bool:
        """Whether all that was asked for is well.

        A backend that is not built spoils it only if it was asked for by name.
        """
        fine = ("ok",) if self.asked is not None else ("ok", "unavailable")
        return all(result.status in fine for result in self.backends)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> "Report":
        """Read a report back.

        Args:
            source: the JSON itself, or the path of a file that has it.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        return cls.from_dict(read_json(source))

    @classmethod
    def from_dict(cls, content: Any) -> "Report":
        """Read a report back from what to_dict() returned, now or in schema 1.

        Raises:
            ValueError: it is no report, or one of another schema.
        """
        schema = content.get("schema") if isinstance(content, dict) else None
        if type(schema) is not int or schema not in (1, SCHEMA):
            message = f"report: expected schema {SCHEMA} or 1, got {shorten(schema)}"
            raise ValueError(message)
        kept = {name: value for name, value in content.items() if name != "schema"}
        if schema == 1:
            kept = convert_report(kept)
        report = structure(kept, cls)
        report.check_names()
        return report

    def check_names(self) -> None:
        """Refuse names that are not known, or there twice.

        Raises:
            ValueError: there is one; the message says where.
        """
        for place, name in enumerate(self.scenarios):
            if name not in SCENARIOS:
                message = (
                    f"report.scenarios[{place}]: expected one of "
                    f"{', '.join(SCENARIOS)}, got {shorten(name)}"
                )
                raise ValueError(message)
        names = [result.name for result in self.backends]
        for place, name in enumerate(names):
            if name in names[:place]:
                message = (
                    f"report.backends[{place}].name: "
                    f"expected each name once, got {shorten(name)} again"
                )
                raise ValueError(message)
