"""What a type checker must accept and refuse of `backends`; mypy reads this file.

A refusal is an ignore with its code: mypy is strict about ignores without need.
"""

from typing import Any, assert_type

import backends
import cffi_backend
import cython_backend
import pyo3_backend
from backends import Backend, DoubleList, reference

BACKEND: Backend = backends.get("python")
RESULT: list[Any] = [None]


def accept() -> None:
    """Use everything as the contract has it."""
    assert_type(BACKEND.name, str)
    assert_type(BACKEND.releases_gil, bool)
    assert_type(BACKEND.double_list, DoubleList)
    assert_type(BACKEND.build_info(), dict[str, Any])
    assert_type(backends.names(), tuple[str, ...])
    assert_type(backends.available(), tuple[str, ...])
    assert_type(backends.VALUE_MIN, int)
    trace: list[tuple[int, int, int, int, int]] = []
    BACKEND.double_list([1], RESULT, 0)
    BACKEND.double_list([1], RESULT, True, passes=2, release_gil=False, trace=trace)
    BACKEND.double_list([1], RESULT, 0, released_sleep=1, held_sleep=0.5, trace=None)


def keep_the_contract() -> list[DoubleList]:
    """Take each implementation for what the contract asks for."""
    return [
        reference.double_list,
        cython_backend.double_list,
        cffi_backend.double_list,
        pyo3_backend.double_list,
    ]


def refuse() -> None:
    """Use the call as the contract forbids; each line is an error."""
    BACKEND.double_list((1,), RESULT, 0)  # type: ignore[arg-type]
    BACKEND.double_list([1], (None,), 0)  # type: ignore[arg-type]
    BACKEND.double_list([1], RESULT, "0")  # type: ignore[arg-type]
    BACKEND.double_list([1], RESULT, 0, 2)  # type: ignore[call-arg]
    BACKEND.double_list([1], RESULT, 0, passes=1.5)  # type: ignore[arg-type]
    BACKEND.double_list([1], RESULT, 0, release_gil=None)  # type: ignore[arg-type]
    BACKEND.double_list([1], RESULT, 0, held_sleep="1")  # type: ignore[arg-type]
    BACKEND.double_list([1], RESULT, 0, pases=1)  # type: ignore[call-arg]
    BACKEND.name = "other"  # type: ignore[misc]
    Backend("short", lambda values: None)  # type: ignore[arg-type]
