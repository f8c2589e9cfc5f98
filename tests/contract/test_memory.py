"""Clause 1.6: no call keeps a reference or memory, however it ends."""

import gc
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends import Backend

N_CALLS = 200


class Number:
    """An integer by its __index__, which may raise."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __index__(self) -> int:
        """Answer, or raise what was given to raise."""
        if isinstance(self.answer, BaseException):
            # A copy, because a traceback would grow with each raise.
            raise type(self.answer)
        return self.answer  # type: ignore[no-any-return]


def find_paths() -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Return values and options for each way in which a call may end."""
    ints = [10**12 + place for place in range(200)]
    shrinking: list[Any] = [0]

    class Shrinking:
        def __index__(self) -> int:
            shrinking.clear()
            return 3

    return {
        "success": (ints, {}),
        "success, small": ([1, 2, 3], {}),
        "success, empty": ([], {}),
        "success, held": (ints, {"release_gil": False}),
        "success, passes": (ints, {"passes": 2}),
        "success, objects": ([*ints, Number(10**12)], {"index": Number(0)}),
        "success, trace": (ints, {"trace": []}),
        "wrong values": ((), {}),  # type: ignore[dict-item]
        "wrong result": (ints, {"result": ()}),
        "wrong index": (ints, {"index": ""}),
        "index outside": (ints, {"index": 2**300}),
        "index raises": (ints, {"index": Number(KeyError())}),
        "wrong passes": (ints, {"passes": ""}),
        "too few passes": (ints, {"passes": 0}),
        "too many passes": (ints, {"passes": 2**64}),
        "wrong flag": (ints, {"release_gil": None}),
        "wrong seconds": (ints, {"released_sleep": ""}),
        "seconds outside": (ints, {"held_sleep": 10**400}),
        "wrong trace": (ints, {"trace": ()}),
        "wrong item": ([*ints, ""], {}),
        "item raises": ([*ints, Number(KeyError())], {}),
        "item too large": ([*ints, 2**64], {}),
        "object too large": ([*ints, Number(2**300)], {}),
        "double too large": ([*ints, 2**62], {}),
        "result shrank": ([*ints, Shrinking()], {"result": shrinking}),
    }


PATHS = find_paths()


def make_call(backend: Backend, path: str) -> Callable[[], object]:
    """Return a call that ends in that way."""
    values, options = PATHS[path]
    given = {"result": [0], "index": 0} | options
    double_list = backend.double_list

    def call() -> None:
        if path == "result shrank":
            given["result"][:] = [0]
        elif path == "success, trace":
            given["trace"].clear()
        try:
            double_list(values, **given)
        except (TypeError, ValueError, LookupError, OverflowError):
            assert not path.startswith("success")
        else:
            assert path.startswith("success")

    return call


@pytest.mark.parametrize("path", PATHS)
def test_no_reference_is_kept(backend: Backend, path: str) -> None:
    """1.6: the count of each object that takes part is what it was."""
    values, options = PATHS[path]
    watched = [values, *values, *options.values(), int, list, TypeError, OverflowError]
    call = make_call(backend, path)
    call()
    before = [*map(sys.getrefcount, watched)]
    for _ in range(N_CALLS):
        call()
    after = [*map(sys.getrefcount, watched)]
    drift = [now - then for now, then in zip(after, before, strict=True)]
    # A few come and go with the interpreter's own caches; a leak is one a call.
    assert max(map(abs, drift)) < N_CALLS // 10


@pytest.mark.parametrize("path", PATHS)
def test_no_block_is_kept(backend: Backend, path: str) -> None:
    """1.6: the number of allocated blocks is what it was."""
    call = make_call(backend, path)
    counts = []
    for _ in range(4):
        for _ in range(N_CALLS):
            call()
        counts.append(sys.getallocatedblocks())
    # A collection empties free lists, which then fill again; a leak grows always.
    growth = min(now - then for then, now in itertools.pairwise(counts))
    assert growth < N_CALLS // 10


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_memory_is_kept(backend: Backend) -> None:
    """1.6: 100,000 calls of all kinds leave the process as large as it was."""
    calls = [make_call(backend, path) for path in PATHS]
    page_bytes = os.sysconf("SC_PAGE_SIZE")

    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * page_bytes

    for call in calls * 100:
        call()
    gc.collect()
    before = resident_bytes()
    for call in calls * (100_000 // len(calls)):
        call()
    gc.collect()
    # One buffer of 200 values that leaks on one path alone would be over 6 MB.
    assert resident_bytes() - before < 3_000_000
