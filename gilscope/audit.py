"""The C calls into a package, judged where they happen while other code runs.

`sys.monitoring` tells of each C call before it begins and after it ends. Around some
calls of each function the witness waits for the GIL, and a wake-up shows that the call
released it. No call is made twice, and the switch interval is huge only while a call is
watched, so that other threads go on as usual.

Source:
    PEP 669; docs/explanation/how-the-verdict-works.md.
"""

import contextlib
import dataclasses
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from gilscope.clock import perf_counter_ns
from gilscope.kernel import WitnessError
from gilscope.model import Audit, AuditedFunction
from gilscope.probe.session import Session
from gilscope.probe.surroundings import describe_environment
from gilscope.probe.switch_interval import SwitchIntervalProbe

# CPython 3.12 and newer have it.
monitoring: Any = getattr(sys, "monitoring", None)
# So many calls of each function are watched; the others are counted.
N_WATCHED = 20
TOOL_NAME = "gilscope"


class AuditUnavailableError(RuntimeError):
    """Calls cannot be watched here; the text says why."""


class _Call(NamedTuple):
    """The call that is watched now."""

    code: types.CodeType
    offset: int
    name: str
    probe: SwitchIntervalProbe
    decoy: tuple[bool, int] | None
    closing: contextlib.ExitStack
    start_ns: int


class _Counts:
    """What was counted of one function."""

    def __init__(self) -> None:
        self.n_calls = self.n_watched = self.n_released = self.longest_ns = 0


class Auditor:
    """Watches the C calls of this thread, as a context manager.

    Args:
        packages: names of packages; the calls of C functions of their modules count.
        n_watched: how many calls of each function are watched.

    Raises:
        AuditUnavailableError: CPython is older than 3.12, has no GIL, the kernel does
            not tell of wake-ups, or other tools use all of `sys.monitoring`.
    """

    def __init__(self, packages: Iterable[str], *, n_watched: int = N_WATCHED) -> None:
        """Start nothing yet."""
        self._packages = frozenset(packages)
        self._n_watched = n_watched
        self._counts: dict[str, _Counts] = {}
        # By type and function: a bound method is another object in each call.
        self._names: dict[object, str] = {}
        self._kept: list[object] = []
        self._call: _Call | None = None
        self._is_busy = False
        self._closing = contextlib.ExitStack()
        self.n_unclear = 0

    def __enter__(self) -> Self:
        """Begin."""
        check_available()
        with contextlib.ExitStack() as stack:
            self._session = Session()
            stack.callback(self._session.close)
            try:
                with self._session.open_probe():
                    tells_wakeups = self._session.tells_wakeups
            except WitnessError as error:
                raise AuditUnavailableError(str(error)) from error
            if not tells_wakeups:
                message = "the system does not tell which threads were woken"
                raise AuditUnavailableError(message)
            self._thread = threading.get_ident()
            self._tool = stack.enter_context(use_tool())
            events = monitoring.events
            for event, function in (
                (events.CALL, self._enter_call),
                (events.C_RETURN, self._leave_call),
                (events.C_RAISE, self._leave_call),
            ):
                monitoring.register_callback(self._tool, event, function)
                stack.callback(monitoring.register_callback, self._tool, event, None)
            monitoring.set_events(
                self._tool, events.CALL | events.C_RETURN | events.C_RAISE
            )
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End; what was found stays."""
        monitoring.set_events(self._tool, 0)
        self._drop_call()
        self._closing.close()

    def summarize(self) -> Audit:
        """Return what was found so far, the longest calls first."""
        functions = [
            AuditedFunction(
                name=name,
                n_calls=counts.n_calls,
                n_watched=counts.n_watched,
                n_released=counts.n_released,
                longest_s=counts.longest_ns / 1e9,
            )
            for name, counts in self._counts.items()
        ]
        return Audit(
            environment=describe_environment(len),
            packages=tuple(sorted(self._packages)),
            functions=sort_longest_first(functions),
            n_unclear=self.n_unclear,
        )

    def _enter_call(
        self, code: types.CodeType, offset: int, function: object, _: object
    ) -> None:
        if self._is_busy or threading.get_ident() != self._thread:
            return
        if self._call is not None:
            if code is not self._call.code:
                # Python code that the watched call runs.
                return
            self._drop_call()
        self._is_busy = True
        try:
            name = self._select_name(function)
            if name:
                counts = self._counts.setdefault(name, _Counts())
                counts.n_calls += 1
                if counts.n_watched < self._n_watched:
                    self._begin(code, offset, name)
        finally:
            self._is_busy = False

    def _begin(self, code: types.CodeType, offset: int, name: str) -> None:
        with contextlib.ExitStack() as stack:
            try:
                probe = stack.enter_context(self._session.open_probe())
                decoy = probe.read_decoy()
                probe.witness.park()
                probe.waiters.note(probe.settled_s)
            except WitnessError:
                self.n_unclear += 1
                self._session.close()
                return
            except (RuntimeError, TimeoutError):
                # A check that the test itself makes.
                return
            self._call = _Call(
                code, offset, name, probe, decoy, stack.pop_all(), perf_counter_ns()
            )

    def _leave_call(
        self, code: types.CodeType, offset: int, _function: object, _: object
    ) -> None:
        call = self._call
        if call is None or self._is_busy or threading.get_ident() != self._thread:
            return
        if call.code is not code or call.offset != offset:
            return
        end_ns = perf_counter_ns()
        was_woken = call.probe.witness.was_woken()
        self._is_busy = True
        try:
            if was_woken and call.probe.read_decoy() != call.decoy:
                # Something woke all threads.
                was_woken = None
            elif not was_woken:
                # The one that was woken may have been another.
                was_woken = call.probe.waiters.compare()
            self._end(call)
            if was_woken is None:
                self.n_unclear += 1
                return
            counts = self._counts[call.name]
            counts.n_watched += 1
            counts.n_released += was_woken
            counts.longest_ns = max(counts.longest_ns, end_ns - call.start_ns)
        finally:
            self._is_busy = False

    def _drop_call(self) -> None:
        """Give up a call whose end was not told."""
        call = self._call
        if call is not None:
            self._is_busy = True
            self.n_unclear += 1
            self._end(call)
            self._is_busy = False

    def _end(self, call: _Call) -> None:
        self._call = None
        call.probe.witness.rest()
        call.closing.close()

    def _select_name(self, function: object) -> str:
        """Return the name of a function of the packages, "" for any other one."""
        key: object = getattr(function, "__self__", None)
        if key is None or isinstance(key, types.ModuleType):
            key = id(function)
            if key not in self._names:
                # Its id is the key; it must not become another function's.
                self._kept.append(function)
        else:
            key = (type(key), getattr(function, "__name__", ""))
        name = self._names.get(key)
        if name is None:
            name = describe_function(function)
            # A package's C code may be in a private module beside it: `_brotli`.
            top = name.partition(".")[0]
            if not {top, top.lstrip("_")} & self._packages:
                name = ""
            self._names[key] = name
        return name


def describe_function(function: object) -> str:
    """Return module and name of a C function; "" for what is Python code.

    A wrapper without a module has that of its type or of its object's.
    """
    if isinstance(function, types.FunctionType | types.MethodType):
        return ""
    owner: Any = getattr(function, "__self__", None)
    module: object = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", "")
    if isinstance(owner, types.ModuleType):
        module = owner.__name__
    elif not isinstance(module, str):
        of_type = owner if isinstance(owner, type) else type(owner)
        if owner is None:
            of_type = getattr(function, "__objclass__", type(function))
        module = of_type.__module__
    if isinstance(function, type):
        name = function.__qualname__
    return f"{module}.{name}" if name else ""


def check_available() -> None:
    """Refuse where calls cannot be watched."""
    if monitoring is None:
        version = ".".join(map(str, sys.version_info[:2]))
        message = f"expected CPython 3.12 or newer for sys.monitoring, got {version}"
        raise AuditUnavailableError(message)
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        message = "expected an interpreter with its GIL on, got one without it"
        raise AuditUnavailableError(message)


@contextlib.contextmanager
def use_tool() -> Iterator[int]:
    """Yield a tool of `sys.monitoring` that nobody uses."""
    # The last of the six first: debuggers, coverage and profilers have the first three.
    for tool in (4, 3, 5, 2, 1, 0):
        if monitoring.get_tool(tool) is None:
            monitoring.use_tool_id(tool, TOOL_NAME)
            break
    else:
        message = "other tools use all of sys.monitoring"
        raise AuditUnavailableError(message)
    try:
        yield tool
    finally:
        monitoring.free_tool_id(tool)


def sort_longest_first(
    functions: Iterable[AuditedFunction],
) -> tuple[AuditedFunction, ...]:
    """Return the functions in the order in which an audit has them."""
    return tuple(sorted(functions, key=lambda one: (-one.longest_s, one.name)))


def merge(found: Sequence[Audit]) -> Audit:
    """Add up what several processes, at least one, saw of the same packages."""
    functions: dict[str, AuditedFunction] = {}
    for audit in found:
        for one in audit.functions:
            other = functions.get(one.name, AuditedFunction(one.name, 0, 0, 0, 0.0))
            functions[one.name] = AuditedFunction(
                one.name,
                one.n_calls + other.n_calls,
                one.n_watched + other.n_watched,
                one.n_released + other.n_released,
                max(one.longest_s, other.longest_s),
            )
    return dataclasses.replace(
        found[0],
        functions=sort_longest_first(functions.values()),
        n_unclear=sum(audit.n_unclear for audit in found),
    )
