"""What a check has to know about the interpreter and about the callable."""

import contextlib
import functools
import inspect
import io
import mmap
import os
import platform
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gilscope.environment import is_free_threaded_build, is_gil_enabled
from gilscope.imports import (
    RELEASING_SYMBOLS,
    SUFFIXES,
    inspect_import,
    is_standard,
)
from gilscope.model import CheckEnvironment
from gilscope.probe.decide import PYTHON_SHARE

# The least time in which a line of Python code is run.
STEP_NS = 25


@functools.cache
def names_release(file: str) -> bool:
    """Return whether an object file has the name of a function that releases."""
    # Some have hundreds of megabytes, which are not read into memory.
    with (
        Path(file).open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return any(content.find(name.encode()) >= 0 for name in RELEASING_SYMBOLS)


def describe_environment(call: Callable[..., Any]) -> CheckEnvironment:
    """Say where a check of this callable runs, and what its verdict means there."""
    is_free_threaded, has_gil = is_free_threaded_build(), is_gil_enabled()
    return CheckEnvironment(
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        cpu_count=os.cpu_count() or 1,
        free_threaded_build=is_free_threaded,
        gil_enabled=has_gil,
        meaning="gil" if has_gil else "attached",
        gil_enabled_by=find_gil_enabler(getattr(unbind(call), "__module__", None))
        if is_free_threaded and has_gil
        else None,
    )


@functools.cache
def find_gil_enabler(own: str | None) -> str | None:
    """Return the module whose import turned the GIL on, None if nobody knows.

    The callable's module and the others that are loaded are imported once more, each in
    a process of its own.
    """
    if sys._xoptions.get("gil") == "1" or os.environ.get("PYTHON_GIL") == "1":  # noqa: SLF001
        return None
    loaded = [
        name
        for name, module in [*sys.modules.items()]
        if (getattr(module, "__file__", None) or "").endswith(SUFFIXES)
        and not is_standard(name)
    ]
    for name in dict.fromkeys([own, *loaded] if own else loaded):
        with contextlib.suppress(Exception):
            if found := inspect_import(name).gil_enabled_by:
                return found
    return None


def explain_refusal(call: Callable[..., Any], result: object = None) -> str | None:
    """Say why calling this tells nothing, if so."""
    function = unbind(call)
    # It may be wrapped in itself.
    with contextlib.suppress(ValueError):
        function = inspect.unwrap(function)
    for candidate in (function, type(function).__call__):
        if inspect.iscoroutinefunction(candidate):
            kind, instead = "coroutine", "the blocking call that it makes"
        elif inspect.isgeneratorfunction(candidate) or inspect.isasyncgenfunction(
            candidate
        ):
            kind, instead = "generator", "a function that goes through the generator"
        else:
            continue
        return (
            f"it is a {kind} function: calling it runs none of its body; check "
            f"{instead}"
        )
    if isinstance(result, types.CoroutineType):
        # Closed, or Python would warn that nobody awaited it.
        result.close()
    if inspect.isawaitable(result) or isinstance(
        result, types.GeneratorType | types.AsyncGeneratorType
    ):
        return (
            f"it returned a {type(result).__name__}, whose work is done later; check "
            "a function that does the work"
        )
    return None


def describe_answer(answer: object) -> str:
    """Say what it means that the answer does its work later, or ""."""
    if isinstance(answer, Iterator) and not isinstance(answer, io.IOBase):
        return (
            f"the answer is an iterator ({type(answer).__name__}), whose work is done "
            "when somebody goes through it; check a function that does, such as list()"
        )
    return ""


def is_used_up(answer: object) -> bool | None:
    """Return whether an answer is empty; None for what may have no length."""
    kinds = (bytes, bytearray, str, list, tuple, dict, set, frozenset)
    return not answer if type(answer) in kinds else None


def unbind(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function under all functools.partial around it."""
    while isinstance(call, functools.partial):
        call = call.func
    return call


def describe_callable(call: Callable[..., Any]) -> str:
    """Return a name for the callable that its user will recognize."""
    function = unbind(call)
    try:
        module = getattr(function, "__module__", None)
        name = getattr(function, "__qualname__", None) or repr(function)
    except Exception:  # noqa: BLE001 - whatever its own code raises.
        return type(function).__qualname__
    return name if module in (None, "builtins", "__main__") else f"{module}.{name}"


def count_python_share(
    make_call: Callable[[], Callable[[], Any]], call_ns: float
) -> tuple[float | None, int]:
    """Return the least share of a call that runs Python code, and how many it made.

    None where the call changes the tracer. One that is in place misses this call.
    """
    before = sys.gettrace()
    call, call_ns = make_call(), max(1, call_ns)
    # Lines and calls of Python code are counted up to what decides.
    enough = 1 + int(PYTHON_SHARE * call_ns / STEP_NS)
    n_steps = 0

    def note_step(_frame: types.FrameType, _event: str, _arg: object) -> Any:
        nonlocal n_steps
        n_steps += 1
        if n_steps < enough:
            return note_step
        sys.settrace(before)
        return None

    sys.settrace(note_step)
    try:
        call()
    finally:
        is_own = sys.gettrace() is note_step
        if is_own:
            sys.settrace(before)
    is_told = is_own or n_steps >= enough
    return n_steps * STEP_NS / call_ns if is_told else None, 1


def describe_extension(call: Callable[..., Any], *, has_gil: bool) -> str:
    """Say that the extension module of a callable cannot release the GIL, or ""."""
    with contextlib.suppress(Exception):
        name, file = find_extension(unbind(call))
        if file and not names_release(file):
            return (
                f"the extension module {name} never imports PyEval_SaveThread: it "
                f"cannot {'release the GIL' if has_gil else 'detach'} by itself"
            )
    return ""


def find_extension(function: Callable[..., Any]) -> tuple[str, str]:
    """Return name and file of the extension module of a function, "" if it has none.

    A package may have given its own name to what is defined in a module of it.
    """
    owner = getattr(function, "__self__", None)
    kind = owner if isinstance(owner, type) else type(owner)
    for part in (function, getattr(function, "__objclass__", kind)):
        home = getattr(part, "__module__", None) or "builtins"
        for name, module in [*sys.modules.items()]:
            file = getattr(module, "__file__", None) or ""
            is_near = name.partition(".")[0] == home.partition(".")[0]
            if is_near and file.endswith(SUFFIXES):
                has_it = any(value is part for value in vars(module).values())
                if name == home or has_it:
                    return name, file
    return "", ""
