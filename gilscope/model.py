"""What the instrument found: frozen dataclasses, to and from JSON.

Durations end in _s (seconds), counts start with n_, a field that could not be
measured is None.
"""

from dataclasses import dataclass, field
from typing import Literal

from gilscope.record import Record
from gilscope.stats import Figure

Verdict = Literal["releases", "varies", "preemptible", "holds", "inconclusive"]


@dataclass(frozen=True)
class Evidence:
    """What was counted beside the calls of one callable.

    Attributes:
        n_calls: calls that were watched one by one while nobody could interrupt them.
        n_released: how many of these released the GIL.
        n_unclear: windows left out, in which threads woke for other reasons too.
        n_windows: windows of one call or more, each watched from end to end.
        n_windows_released: windows in which the GIL was released.
        n_ticks: how often the other thread ran inside.
        n_wakeups: windows in which a thread was woken out of its wait for the GIL; None
            where the kernel does not tell.
        n_looks: without a GIL: at how many moments it was read whether the call was
            attached.
        n_detached: without a GIL: at how many of these it was not.
        n_waited: without a GIL: how many stops began inside and, by more than the
            run-queue wait of who stopped the world, waited for most of the rest.
        n_calls_tried: calls made while another thread asked for the GIL all the time.
        n_calls_interrupted: how many of these were interrupted.
        n_calls_split: how many were interrupted in the midst of their work.
        n_calls_unseen: how many of these were interrupted in Python code that no
            tracer sees, such as a greenlet that is resumed.
        runs_python: whether a call runs Python code, None if not found out.
        python_share: the least share of a call that runs lines of Python code; it is
            not followed further than decides the verdict. None if not found out.
    """

    n_calls: int = 0
    n_released: int = 0
    n_unclear: int = 0
    n_windows: int = 0
    n_windows_released: int = 0
    n_ticks: int = 0
    n_wakeups: int | None = None
    n_looks: int = 0
    n_detached: int = 0
    n_waited: int | None = None
    n_calls_tried: int = 0
    n_calls_interrupted: int = 0
    n_calls_split: int = 0
    n_calls_unseen: int = 0
    runs_python: bool | None = None
    python_share: float | None = None


@dataclass(frozen=True)
class Controls:
    """What was counted beside callables whose behaviour is known, on the same machine.

    Attributes:
        told_apart: whether the machine could tell the three apart; if not, no verdict
            is worth anything.
        reason: the counts, in a sentence.
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
class FirstCall:
    """The first call, which may import, open or compile what later ones do not.

    Others asked for the GIL all the time.

    Attributes:
        call_s: how long it took, the caller's run-queue wait left out.
        n_ticks: how often another thread ran inside; None where nobody watched.
        longest_hold: the longest time, in seconds, for which none could; None where
            that could not be seen.
    """

    call_s: float
    n_ticks: int | None = None
    longest_hold: Figure | None = None


@dataclass(frozen=True)
class Check(Record):
    """Whether one callable releases the GIL, and the evidence.

    Attributes:
        name: the callable, for the reader.
        verdict: "releases" (every call that was watched did), "varies" (some did),
            "preemptible" (none did, but others interrupt its Python code), "holds" or
            "inconclusive".
        reason: why, in a sentence.
        released_fraction: part of a call, 0 to 1, during which others could run. The
            caller's run-queue wait is no part of the call. None if not seen.
        longest_hold: the longest time in a call, in seconds, for which they could not;
            the caller's run-queue wait left out. It is the longest of all that were
            seen; its range is what is known of that one. None if not seen.
        longest_hold_by_clock: the same with the caller's run-queue wait.
        call_s: how long the shortest call took.
        n_calls_made: how often it was called in all.
        first_call: None if it was not called.
        notes: further remarks.
    """

    name: str
    verdict: Verdict
    reason: str
    environment: CheckEnvironment
    released_fraction: Figure | None = None
    longest_hold: Figure | None = None
    longest_hold_by_clock: Figure | None = None
    call_s: float | None = None
    n_calls_made: int = 0
    first_call: FirstCall | None = None
    evidence: Evidence = field(default_factory=Evidence)
    controls: Controls | None = None
    notes: tuple[str, ...] = ()

    @property
    def n_calls(self) -> int:
        """How many calls were watched one by one."""
        return self.evidence.n_calls

    @property
    def n_released(self) -> int:
        """How many of these released the GIL."""
        return self.evidence.n_released


@dataclass(frozen=True)
class Environment:
    """Where a comparison ran.

    Attributes:
        gil_enabled: in the process that asked for the comparison.
        cpus_allowed: how many CPUs this process may use.
        cpu_quota: how many CPUs its control group may use, None = no limit.
        load_average: over the last minute, before it started; None = not told here.
        started_at: in UTC, as ISO 8601.
        warnings: reasons to doubt every figure.
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


@dataclass(frozen=True)
class AuditedFunction:
    """One C function of a package, as a test suite called it.

    Attributes:
        name: module and name.
        n_calls: how often it was called while the audit ran.
        n_watched: how many of the calls were watched.
        n_released: how many of those released the GIL.
        longest_s: the longest of the watched calls, in seconds.
    """

    name: str
    n_calls: int
    n_watched: int
    n_released: int
    longest_s: float

    @property
    def verdict(self) -> Verdict:
        """What the watched calls did: C functions cannot be interrupted."""
        if not self.n_watched:
            return "inconclusive"
        if self.n_released == self.n_watched:
            return "releases"
        return "varies" if self.n_released else "holds"


@dataclass(frozen=True)
class Audit(Record):
    """The C calls into packages, judged where they happened.

    Attributes:
        environment: where the calls ran.
        packages: packages whose functions are judged.
        functions: the longest calls first.
        n_unclear: calls that were watched and told nothing.
    """

    environment: CheckEnvironment
    packages: tuple[str, ...]
    functions: tuple[AuditedFunction, ...] = ()
    n_unclear: int = 0


@dataclass(frozen=True)
class ExtensionModule:
    """One extension module, as its object file describes it.

    Attributes:
        name: the name of the module.
        file: the path of its object file.
        binding: the technology it was made with; "C API" where no mark of another one
            was found.
        can_release: whether it imports a function that releases the GIL; None where
            the format of the file is not known.
    """

    name: str
    file: str
    binding: str
    can_release: bool | None


@dataclass(frozen=True)
class ModuleImport(Record):
    """What one import did.

    Attributes:
        module: the name that was imported.
        free_threaded_build: whether the interpreter can run without the GIL.
        gil_enabled_by: the extension module whose import turned the GIL on; None where
            none did, and always in a build with a GIL.
        extensions: the extension modules that the import loaded, in that order.
        error: why the import failed, or "".
    """

    module: str
    free_threaded_build: bool
    gil_enabled_by: str | None
    extensions: tuple[ExtensionModule, ...] = ()
    error: str = ""

    @property
    def cannot_release(self) -> tuple[ExtensionModule, ...]:
        """The extension modules that cannot release the GIL by themselves."""
        return tuple(one for one in self.extensions if one.can_release is False)
