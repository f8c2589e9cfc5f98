"""The ordered table of backends, and their lazy, checked loading."""

import difflib
import importlib
import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backends.contract import Backend
from backends.errors import (
    BackendLoadError,
    BackendNotBuiltError,
    UnknownBackendError,
)

ENTRY_POINT_GROUP = "gilscope.backends"
BUILD_COMMAND = "make build"


@dataclass(frozen=True)
class BackendSpec:
    """Where a backend of this project is found, without importing it."""

    name: str
    module: str
    technology: str
    releases_gil: bool = True
    # What has to be on PATH to build it, and what to install where it is not.
    tools: tuple[str, ...] = ()
    tools_hint: str = ""


_C_TOOLS = ("cc", "gcc", "clang")
_C_HINT = "a C compiler (gcc or clang)"

_SPECS = (
    BackendSpec("python", "backends.reference", "pure Python", releases_gil=False),
    BackendSpec(
        "cython",
        "cython_backend._native",
        "Cython, with nogil",
        tools=_C_TOOLS,
        tools_hint=_C_HINT,
    ),
    BackendSpec(
        "cffi",
        "cffi_backend._native",
        "C through cffi, API mode",
        tools=_C_TOOLS,
        tools_hint=_C_HINT,
    ),
    BackendSpec(
        "pyo3",
        "pyo3_backend._native",
        "Rust through PyO3, Python::detach",
        tools=("cargo",),
        tools_hint="Rust (cargo)",
    ),
)
