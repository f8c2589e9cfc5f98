"""What the instrument found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None.
"""

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

SCHEMA = 2

T = TypeVar("T")


def structure(content: Any, kind: type[T]) -> T:
    """Build a dataclass of the results from what JSON gave.

    Raises:
        ValueError: a field is missing or of a wrong type; the message names all.
    """
    # Imported here because the process that is measured needs this module too, and
    # loads nothing that is not in the standard library.
    import cattrs  # noqa: PLC0415

    try:
        return cattrs.structure(content, kind)
    except cattrs.BaseValidationError as error:
        faults = "; ".join(cattrs.transform_error(error, path="report"))
        message = f"report: {faults}"
        raise ValueError(message) from error


Form = Literal["text", "full text", "markdown", "fragment", "page"]


class Shown:
    """What shows itself; a base of dataclasses. The types know no renderer."""

    def __str__(self) -> str:
        """Return it as text for a terminal."""
        render = _renderers.get(type(self))
        return repr(self) if render is None else render(self, "text")

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows."""
        render = _renderers.get(type(self))
        return None if render is None else render(self, "fragment")

    def explain(self) -> str:
        """Return as text all that was found, and why."""
        return _renderers[type(self)](self, "full text")

    def to_markdown(self) -> str:
        """Return it as Markdown, for the summary of a job or a comment."""
        return _renderers[type(self)](self, "markdown")

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return it as one HTML file, and write it if a path is given."""
        text = _renderers[type(self)](self, "page")
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


class Record(Shown):
    """What can be written as JSON, too."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON knows: dicts, lists, strings, numbers."""
        content = {"schema": SCHEMA, **dataclasses.asdict(self)}  # type: ignore[call-overload]
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return it as JSON, and write that to the file if one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


_renderers: dict[type, Callable[[Any, Form], str]] = {}


def register_renderer(kind: type[T], render: Callable[[T, Form], str]) -> None:
    """Say how results of a type show themselves."""
    _renderers[kind] = render


Verdict = Literal["releases", "preemptible", "holds", "inconclusive"]


@dataclass(frozen=True)
class Evidence:
    """What was counted beside the calls of one callable.

    Attributes:
        n_calls: calls that were watched while nobody could interrupt them.
        n_windows: stretches of them, each watched from end to end.
        n_windows_released: stretches in which another thread was let in.
        n_ticks: how often the other thread was seen to run inside.
        n_wakeups: stretches in which it was woken out of its wait for the GIL; None
            where the kernel does not tell.
        n_unhindered: without a GIL: how many of the ticks stopped the world, but not
            the call.
        n_proven: without a GIL: how many of those prove it: the call slept all the
            while, or was on its way and computed nothing, but what is attached has to
            compute in order to be stopped.
        n_stopped: without a GIL: how many of the stops stopped the call too.
        n_calls_tried: calls that were interrupted as often as they allow it.
        n_calls_entered: those of them into which another thread got.
        n_calls_interrupted: those into the midst of which it got.
        runs_python: whether a call runs Python functions, None if not found out.
        python_share: the least share of a call that runs lines of Python code; it is
            not followed further than decides the verdict. None if not found out.
    """

    n_calls: int = 0
    n_windows: int = 0
    n_windows_released: int = 0
    n_ticks: int = 0
    n_wakeups: int | None = None
    n_unhindered: int | None = None
    n_proven: int | None = None
    n_stopped: int | None = None
    n_calls_tried: int = 0
    n_calls_entered: int = 0
    n_calls_interrupted: int = 0
    runs_python: bool | None = None
    python_share: float | None = None


@dataclass(frozen=True)
class Controls:
    """What was counted beside callables whose behaviour is known, in the same run.

    Attributes:
        told_apart: whether the machine could tell the three apart; if not, no verdict
            of this run is worth anything.
        reason: what was seen of them.
    """

    releaser: Evidence
    holder: Evidence
    python_loop: Evidence
    told_apart: bool
    reason: str


@dataclass(frozen=True)
class CheckEnvironment:
    """Where a check ran, and what its verdict means there.

    Attributes:
        meaning: "gil": whether others can run Python code during the call;
            "attached": there is no GIL; whether others can stop the world during it.
        gil_enabled_by: the module whose import turned the GIL back on in a
            free-threaded build; None if none did, or if it could not be found.
        tells_wakeups: whether the kernel tells how often a thread was woken.
    """

    python: str
    platform: str
    cpu_count: int
    free_threaded_build: bool
    gil_enabled: bool
    meaning: Literal["gil", "attached"]
    gil_enabled_by: str | None = None
    tells_wakeups: bool = False


@dataclass(frozen=True)
class Check(Record):
    """Whether one callable gives the GIL away, and what says so.

    Attributes:
        name: the callable, for the reader.
        verdict: "releases", "preemptible" (gives nothing away, but is Python code that
            others can interrupt), "holds" or "inconclusive".
        reason: why, in a sentence.
        released_fraction: the share of a call for which others could run.
        released_fraction_best: the same in the stretch where it was largest; a loaded
            machine makes it smaller in others, and larger in none.
        longest_hold_s: the longest time in a call for which they could not.
        waiting_s: how long a call waited to get the GIL back from one other thread
            that keeps it for microseconds.
        call_s: how long the shortest call took.
        calls: how often it was called in all.
        notes: what else is worth knowing.
    """

    name: str
    verdict: Verdict
    reason: str
    environment: CheckEnvironment
    released_fraction: float | None = None
    released_fraction_best: float | None = None
    longest_hold_s: float | None = None
    waiting_s: float | None = None
    call_s: float | None = None
    calls: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    controls: Controls | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """Where a comparison ran.

    Attributes:
        gil_enabled: in the process that asked for the comparison.
        cpus_allowed: how many CPUs this process may use.
        cpu_quota: how many CPUs its control group may use, None = no limit.
        load_average: over the last minute, before it started; None = not told here.
        started_at: in UTC, as ISO 8601.
        warnings: what makes every figure unsure, with the figure that says so.
    """

    python: str
    implementation: str
    free_threaded_build: bool
    gil_enabled: bool
    cpu_count: int
    cpus_allowed: int
    cpu_quota: float | None
    load_average: float | None
    platform: str
    machine: str
    switch_interval_s: float
    gilscope: str
    started_at: str
    warnings: tuple[str, ...] = ()
