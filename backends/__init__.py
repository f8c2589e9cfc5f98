"""Choose an implementation of the contract by its name."""

from backends.contract import VALUE_MAX, VALUE_MIN, Backend, DoubleList
from backends.errors import (
    BackendLoadError,
    BackendNotBuiltError,
    UnknownBackendError,
)
from backends.registry import available, get, names, register

__all__ = [
    "VALUE_MAX",
    "VALUE_MIN",
    "Backend",
    "BackendLoadError",
    "BackendNotBuiltError",
    "DoubleList",
    "UnknownBackendError",
    "available",
    "get",
    "names",
    "register",
]
