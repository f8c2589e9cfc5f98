"""The ordered table of backends, and their lazy, checked loading."""

import importlib
import threading
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

from backends.contract import Backend
from backends.errors import (
    BackendLoadError,
    BackendNotBuiltError,
    UnknownBackendError,
)

ENTRY_POINT_GROUP = "gilscope.backends"


class Tool(NamedTuple):
    """A program that building needs: any of these commands, and what to install."""

    commands: tuple[str, ...]
    hint: str

    def is_there(self) -> bool:
        """Return whether one of the commands is on PATH."""
        # Imported where it is needed, because it costs more than this package.
        import shutil  # noqa: PLC0415

        return any(shutil.which(command) for command in self.commands)


class BackendSpec(NamedTuple):
    """Where a backend of this project is found, without importing it."""

    name: str
    module: str
    technology: str
    releases_gil: bool = True
    tools: tuple[Tool, ...] = ()


_C = Tool(("cc", "gcc", "clang", "cl"), "a C compiler (gcc or clang)")
# Rust links with the C compiler.
_RUST = Tool(("cargo",), "Rust (cargo)")

_SPECS = (
    BackendSpec("python", "backends.reference", "pure Python", releases_gil=False),
    BackendSpec("cython", "cython_backend._native", "Cython, with nogil", tools=(_C,)),
    BackendSpec(
        "cffi", "cffi_backend._native", "C through cffi, API mode", tools=(_C,)
    ),
    BackendSpec(
        "pyo3",
        "pyo3_backend._native",
        "Rust through PyO3, Python::detach",
        tools=(_RUST, _C),
    ),
)

# Backends that a program registered, in the order of their registration.
_registered: dict[str, Backend] = {}
_loaded: dict[str, Backend] = {}
_lock = threading.RLock()


def names() -> tuple[str, ...]:
    """Return all registered names in registry order, plug-ins last."""
    own = [spec.name for spec in _SPECS]
    with _lock:
        return (*own, *_registered, *_find_plugins())


def available() -> tuple[str, ...]:
    """Return the names whose backends load here, in registry order."""
    found = []
    for name in names():
        try:
            get(name)
        except ImportError:
            continue
        found.append(name)
    return tuple(found)


def describe(name: str) -> Backend | BackendSpec | None:
    """Return what is known of a backend without loading it, None if nothing is."""
    for spec in _SPECS:
        if spec.name == name:
            return spec
    with _lock:
        return _registered.get(name)


def get(name: str) -> Backend:
    """Return the backend of that name, loading it the first time.

    Args:
        name: a registered name, or "package.module:attribute" where the attribute
            is a Backend or a function that keeps the contract.

    Raises:
        UnknownBackendError: no backend has that name.
        BackendNotBuiltError: it is known, but its native module was not built.
        BackendLoadError: it is there, but importing it failed.
    """
    if not isinstance(name, str):
        message = f"get() name: expected str, got {type(name).__name__}"
        raise TypeError(message)
    with _lock:
        if name in _registered:
            return _registered[name]
        if name not in _loaded:
            _loaded[name] = _load(name)
        return _loaded[name]


def register(backend: Backend) -> None:
    """Add a backend, to be had by its name from then on.

    Raises:
        TypeError: backend is no Backend.
        ValueError: the name is taken, or has the form of "package.module:attribute".
    """
    if not isinstance(backend, Backend):
        message = f"register() backend: expected Backend, got {type(backend).__name__}"
        raise TypeError(message)
    if ":" in backend.name:
        message = (
            f"register() backend: expected a name without ':', got {backend.name!r}"
        )
        raise ValueError(message)
    with _lock:
        if backend.name in names():
            message = f"register() backend: the name {backend.name!r} is taken"
            raise ValueError(message)
        _registered[backend.name] = backend


def _load(name: str) -> Backend:
    for spec in _SPECS:
        if spec.name == name:
            return _load_own(spec)
    plugin = _find_plugins().get(name)
    if plugin is not None:
        return _load_attribute(name, plugin)
    module, colon, attribute = name.partition(":")
    if colon and module and attribute and ":" not in attribute:
        return _load_attribute(name, name)
    raise UnknownBackendError(_describe_unknown(name))


def _describe_unknown(name: str) -> str:
    known = names()
    expected = ", ".join(known) + describe_nearest(name, known)
    return f"unknown backend {name!r}: expected one of {expected}"


def describe_nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that asks for the known name that is nearest."""
    import difflib  # noqa: PLC0415

    nearest = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _load_own(spec: BackendSpec) -> Backend:
    package = spec.module.partition(".")[0]
    try:
        module = importlib.import_module(spec.module)
    except ModuleNotFoundError as error:
        # A member that is not built is a bare folder, importable as an empty
        # namespace package, so what is missing is a module inside it.
        if error.name and error.name.partition(".")[0] == package:
            raise BackendNotBuiltError(
                _describe_not_built(spec), name=spec.module
            ) from error
        raise BackendLoadError(
            _describe_failure(spec.name, error), name=spec.module
        ) from error
    except Exception as error:
        raise BackendLoadError(
            _describe_failure(spec.name, error), name=spec.module
        ) from error
    return Backend(
        spec.name,
        module.double_list,
        releases_gil=spec.releases_gil,
        technology=spec.technology,
        build_info=module.build_info,
    )


def _describe_not_built(spec: BackendSpec) -> str:
    command = _find_build_command(spec.name)
    if command.startswith("pip "):
        # A wheel needs no compiler.
        return f"backend {spec.name!r} is not installed: run: {command}"
    missing = [tool.hint for tool in spec.tools if not tool.is_there()]
    advice = f"install {' and '.join(missing)}, then run" if missing else "run"
    return f"backend {spec.name!r} is not built: {advice}: {command}"


def _find_build_command(name: str) -> str:
    """Return the command that builds the backend, as it works in this folder."""
    # Imported where it is needed, because it costs more than this package.
    from pathlib import Path  # noqa: PLC0415

    root = Path(__file__).parents[1]
    if not (root / "Makefile").is_file():
        return f"pip install 'gilscope[{name}]'"
    return "make build" if root == Path.cwd() else f"make -C '{root}' build"


def _describe_failure(name: str, error: Exception) -> str:
    return f"backend {name!r} failed to load: {type(error).__name__}: {error}"


def _load_attribute(name: str, path: str) -> Backend:
    """Load "package.module:attribute", whatever it was called."""
    module_name, _, attribute = path.partition(":")
    try:
        value: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            value = getattr(value, part)
    except Exception as error:
        raise BackendLoadError(
            _describe_failure(name, error), name=module_name
        ) from error
    if isinstance(value, Backend):
        return value
    if callable(value):
        return Backend(name, value)
    message = (
        f"backend {name!r} failed to load: "
        f"expected a Backend or a function, got {type(value).__name__}"
    )
    raise BackendLoadError(message, name=module_name)


def _find_plugins() -> dict[str, str]:
    """Return the entry points of the group, name to "package.module:attribute"."""
    # Imported here because it costs more than the rest of this package together.
    from importlib.metadata import entry_points  # noqa: PLC0415

    taken = {spec.name for spec in _SPECS} | set(_registered)
    plugins: dict[str, str] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in taken or point.name in plugins:
            warnings.warn(
                f"entry point {point.value!r} is ignored: "
                f"the backend name {point.name!r} is taken",
                RuntimeWarning,
                stacklevel=3,
            )
            continue
        plugins[point.name] = point.value
    return plugins
