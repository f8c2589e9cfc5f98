"""`pytest --gil-audit`: the C calls into a package, judged while its tests run.

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
import weakref
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import pytest

from gilscope.clock import perf_counter_ns
from gilscope.files import write_file
from gilscope.kernel import WitnessError
from gilscope.model import Audit, AuditedFunction
from gilscope.probe.session import Session
from gilscope.probe.surroundings import describe_environment
from gilscope.probe.switch_interval import SwitchIntervalProbe
from gilscope.record import structure
from gilscope.render import results as _render  # noqa: F401 - registers how it is shown.

# CPython 3.12 and newer have it.
monitoring: Any = getattr(sys, "monitoring", None)
# So many calls of each function are watched; the others are counted.
N_WATCHED = 20
# How often the threads of the program are waited for before a call.
N_TRIES = 3
TOOL_NAME = "gilscope"
AUDIT_KEY = "gilscope_audit"


class AuditUnavailableError(RuntimeError):
    """Calls cannot be watched here; the text says why."""


class _Call(NamedTuple):
    """The call that is watched now."""

    code: types.CodeType
    offset: int
    name: str
    probe: SwitchIntervalProbe
    closing: contextlib.ExitStack
    start_ns: int


@dataclass
class _Counts:
    """What was counted of one function."""

    n_calls: int = 0
    n_watched: int = 0
    n_released: int = 0
    longest_s: float = 0.0

    def add(self, other: "_Counts | AuditedFunction") -> None:
        """Add what was counted elsewhere, or of one more call."""
        self.n_calls += other.n_calls
        self.n_watched += other.n_watched
        self.n_released += other.n_released
        self.longest_s = max(self.longest_s, other.longest_s)


class Auditor:
    """Watches the C calls of this thread, as a context manager.

    Args:
        packages: names of packages; the calls of C functions of their modules count.

    Raises:
        AuditUnavailableError: CPython is older than 3.12, has no GIL, the kernel does
            not tell of wake-ups, or other tools use all of `sys.monitoring`.
    """

    def __init__(self, packages: Iterable[str]) -> None:
        """Start nothing yet."""
        self._packages = Packages(packages)
        self._counts: dict[str, _Counts] = defaultdict(_Counts)
        # By id, or by type and method: a bound method is another object in each call.
        self._names: dict[object, tuple[str, object]] = {}
        self._call: _Call | None = None
        self._is_busy = False
        self.n_unclear = 0

    def __enter__(self) -> Self:
        """Begin."""
        check_available()
        events = monitoring.events
        wanted = {
            events.CALL: self._enter_call,
            events.C_RETURN: self._leave_call,
            events.C_RAISE: self._leave_call,
        }
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
            stack.callback(self._drop_call)
            self._thread = threading.get_ident()
            tool = stack.enter_context(use_tool())
            for event, function in wanted.items():
                monitoring.register_callback(tool, event, function)
                stack.callback(monitoring.register_callback, tool, event, None)
            monitoring.set_events(tool, sum(wanted))
            stack.callback(monitoring.set_events, tool, 0)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End; what was found stays."""
        self._closing.close()

    def summarize(self) -> Audit:
        """Return what was found so far, the longest calls first."""
        return Audit(
            environment=describe_environment(len),
            packages=tuple(sorted(self._packages.names)),
            functions=list_functions(self._counts),
            n_unclear=self.n_unclear,
        )

    def _enter_call(
        self, code: types.CodeType, offset: int, function: object, _: object
    ) -> None:
        if self._is_busy or threading.get_ident() != self._thread:
            return
        if self._call is not None and code is not self._call.code:
            # Python code that the watched call runs.
            return
        self._is_busy = True
        try:
            self._drop_call()
            name = self._select_name(function)
            if name:
                self._counts[name].n_calls += 1
                if self._counts[name].n_watched < N_WATCHED:
                    self._begin(code, offset, name)
        finally:
            self._is_busy = False

    def _begin(self, code: types.CodeType, offset: int, name: str) -> None:
        with contextlib.ExitStack() as stack:
            try:
                probe = stack.enter_context(self._session.open_probe())
                for _ in range(N_TRIES):
                    probe.park()
                    # Who had asked for the GIL before the switch interval was huge
                    # may have got it since.
                    if not probe.was_released():
                        break
                    probe.witness.rest()
                else:
                    self.n_unclear += 1
                    return
            except WitnessError:
                self.n_unclear += 1
                self._session.close()
                return
            except (RuntimeError, TimeoutError):
                # A check that the test itself makes.
                return
            self._call = _Call(
                code, offset, name, probe, stack.pop_all(), perf_counter_ns()
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
        was_released = call.probe.was_released()
        self._is_busy = True
        try:
            self._end(call)
            if was_released is None:
                self.n_unclear += 1
            else:
                took_s = (end_ns - call.start_ns) / 1e9
                self._counts[call.name].add(_Counts(0, 1, was_released, took_s))
        finally:
            self._is_busy = False

    def _drop_call(self) -> None:
        """Give up a call whose end was not told."""
        if self._call is not None:
            self.n_unclear += 1
            self._end(self._call)

    def _end(self, call: _Call) -> None:
        self._call = None
        call.probe.witness.rest()
        call.closing.close()

    def _select_name(self, function: object) -> str:
        """Return the name of a function of the packages, "" for any other one."""
        if isinstance(function, types.FunctionType | types.MethodType):
            return ""
        key: object = id(function)
        owner = None
        if isinstance(function, types.BuiltinFunctionType):
            owner = function.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            key = (type(owner), function.__name__)  # type: ignore[attr-defined]
        if key in self._names:
            return self._names[key][0]
        origin = locate(function)
        name = "" if origin is None else self._packages.find_name(origin)
        reference: object = None
        if not isinstance(key, tuple):
            # The id may be another one's later; nothing of the program is kept alive.
            try:
                reference = weakref.ref(function, lambda _: self._names.pop(key, None))
            except TypeError:
                return name
        self._names[key] = name, reference
        return name


class Origin(NamedTuple):
    """Where a C function is from."""

    # The function, or the type whose method it is.
    holder: object
    # As the holder itself says.
    module: str
    name: str
    # "" or the method.
    rest: str = ""


class Packages:
    """Names of packages, whose C functions have names."""

    def __init__(self, names: Iterable[str]) -> None:
        """Look at nothing yet."""
        self.names = frozenset(names)
        self._n_modules = 0
        self._strays: dict[int, str] = {}

    def find_name(self, origin: Origin) -> str:
        """Return the name of a function of the packages, "" for any other one."""
        holder, module, name, rest = origin
        space = vars(sys.modules.get(module, types.ModuleType("")))
        if self.has(module):
            if "." not in name and space.get(name) is not holder:
                # Functions of one module may all say that they have the same name.
                name = next((key for key in space if space[key] is holder), name)
            return f"{module}.{name}{rest}"
        if space.get(name) is holder:
            return ""
        # Bindings may forget to say of which module it is, or name one without its
        # package.
        if self._n_modules != len(sys.modules):
            self._n_modules = len(sys.modules)
            self._strays = dict(reversed([*self._list_members()]))
        found = self._strays.get(id(holder))
        return f"{found}{rest}" if found else ""

    def has(self, module: str) -> bool:
        """Return whether a module is of one of them."""
        # A package's C code may be in a private module beside it: `_brotli`.
        top = module.partition(".")[0]
        return not self.names.isdisjoint({top, top.lstrip("_")})

    def _list_members(self) -> Iterator[tuple[int, str]]:
        """Yield what their modules have, with its name; the outermost comes first."""
        spaces = [(name, one) for name, one in sys.modules.items() if self.has(name)]
        spaces.reverse()
        for path, module in spaces:
            for name, value in list(vars(module).items()):
                if not isinstance(value, types.ModuleType):
                    yield id(value), f"{path}.{name}"
                elif sys.modules.get(value.__name__) is not value and all(
                    value is not one for _, one in spaces
                ):
                    # It is a part of the one that has it.
                    spaces.append((f"{path}.{name}", value))


def locate(function: object) -> Origin | None:
    """Return where a C function is from; None for what is Python code."""
    kind = type(function)
    if isinstance(function, types.FunctionType | types.MethodType) or is_python(
        kind, "__call__", "__getattribute__", "__getattr__"
    ):
        return None
    if isinstance(function, type):
        if is_python(function, "__init__", "__new__"):
            return None
        return locate_type(function, "", "__new__", "__init__")
    name = getattr(function, "__name__", None)
    owner = getattr(function, "__objclass__", getattr(function, "__self__", None))
    if not isinstance(name, str):
        return locate_type(kind, ".__call__", "__call__")
    if owner is not None and not isinstance(owner, types.ModuleType):
        of_type = owner if isinstance(owner, type) else type(owner)
        return locate_type(of_type, f".{name}", name)
    module = getattr(function, "__module__", None)
    if isinstance(owner, types.ModuleType):
        module = owner.__name__
    if not isinstance(module, str):
        module = kind.__module__
    return Origin(function, module, getattr(function, "__qualname__", name))


def locate_type(kind: type, rest: str, *names: str) -> Origin:
    """Return the base of a type that has one of these names itself, and in C."""
    for base in kind.__mro__:
        space = vars(base)
        if any(name in space and not is_function(space[name]) for name in names):
            return Origin(base, base.__module__, base.__qualname__, rest)
    return Origin(kind, kind.__module__, kind.__qualname__, rest)


def is_python(kind: type, *names: str) -> bool:
    """Return whether one of a type's attributes is a function written in Python."""
    spaces = [vars(base) for base in kind.__mro__]
    found = (next((one[n] for one in spaces if n in one), None) for n in names)
    return any(map(is_function, found))


def is_function(value: object) -> bool:
    """Return whether what a type has is a function written in Python."""
    return isinstance(value, types.FunctionType | staticmethod)


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


def list_functions(counts: Mapping[str, _Counts]) -> tuple[AuditedFunction, ...]:
    """Return what was counted by function, the longest call first."""
    found = [AuditedFunction(name, **vars(one)) for name, one in counts.items()]
    return tuple(sorted(found, key=lambda one: (-one.longest_s, one.name)))


def merge(found: Sequence[Audit]) -> Audit:
    """Add up what several processes, at least one, saw of the same packages."""
    counts: dict[str, _Counts] = defaultdict(_Counts)
    for audit in found:
        for one in audit.functions:
            counts[one.name].add(one)
    return dataclasses.replace(
        found[0],
        functions=list_functions(counts),
        n_unclear=sum(audit.n_unclear for audit in found),
    )


class AuditPlugin:
    """Audits the tests of this process, and gathers what xdist's workers saw."""

    def __init__(self, config: pytest.Config, packages: list[str]) -> None:
        """Start nothing yet."""
        self._config = config
        self._auditor = Auditor(packages)
        self._found: list[Audit] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Audit the tests, but not in a process whose workers run them."""
        if self._config.pluginmanager.hasplugin("dsession"):
            return (yield)
        try:
            self._auditor.__enter__()
        except AuditUnavailableError as error:
            message = f"--gil-audit: {error}"
            raise pytest.UsageError(message) from error
        try:
            return (yield)
        finally:
            self._auditor.__exit__()
            self._found.append(self._auditor.summarize())

    def pytest_sessionfinish(self) -> None:
        """Hand on what was seen, or write it."""
        output = getattr(self._config, "workeroutput", None)
        path = self._config.getoption("--gil-audit-json")
        if output is not None:
            output[AUDIT_KEY] = [dataclasses.asdict(one) for one in self._found]
        elif path is not None and self._found:
            write_file(path, merge(self._found).to_json())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker of xdist saw."""
        for content in getattr(node, "workeroutput", {}).get(AUDIT_KEY, ()):
            self._found.append(structure(content, Audit))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the table."""
        if self._found:
            terminalreporter.section("gilscope audit")
            terminalreporter.write_line(str(merge(self._found)))
