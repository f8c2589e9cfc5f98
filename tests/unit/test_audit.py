"""--gil-audit: C calls judged where they happen while other code runs."""

import gc
import hashlib
import json
import operator
import sys
import threading
import time
import types
import weakref
import zlib
from collections import deque
from itertools import count

import pytest

from compare.comparing import diff_sources
from compare.entries import read_sources
from gilscope.audit import (
    Auditor,
    AuditUnavailableError,
    Packages,
    locate,
    merge,
)
from gilscope.environment import is_gil_enabled
from gilscope.model import Audit, AuditedFunction
from gilscope.probe.surroundings import describe_environment
from gilscope.probe.switch_interval import SwitchIntervalProbe
from tests.looks import look_until

needs_monitoring = pytest.mark.skipif(
    sys.version_info < (3, 12) or not is_gil_enabled() or sys.platform != "linux",
    reason="it needs sys.monitoring (CPython 3.12), a GIL and Linux",
)
BIG, SMALL = bytes(300_000), b"x"


class Line(deque):
    """A class in Python, with a method that it inherits and one that it does not."""

    def pop(self):
        return super().pop()


class Initialized(deque):
    """A class whose call runs Python code."""

    def __init__(self):
        super().__init__()


class Made:
    """Another one."""

    def __new__(cls):
        return super().__new__(cls)


class Called:
    """A callable that is Python code, as what it is asked for."""

    def __call__(self):
        pass

    def __getattr__(self, name):
        raise AssertionError(name)


def make_audit(*functions, n_unclear=0):
    return Audit(describe_environment(len), ("pkg",), functions, n_unclear)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it has sys.monitoring")
def test_an_older_python_is_refused_with_what_is_needed():
    with pytest.raises(AuditUnavailableError, match=r"3\.12"), Auditor(["zlib"]):
        pass


@pytest.mark.parametrize(
    ("n_watched", "n_released", "verdict"),
    [(3, 3, "releases"), (3, 0, "holds"), (3, 2, "varies"), (0, 0, "inconclusive")],
)
def test_the_verdict_is_that_of_the_watched_calls(n_watched, n_released, verdict):
    assert AuditedFunction("f", 9, n_watched, n_released, 0.1).verdict == verdict


def test_what_several_processes_saw_is_added_up():
    one = make_audit(AuditedFunction("f", 5, 2, 2, 0.1), n_unclear=1)
    other = make_audit(
        AuditedFunction("f", 3, 3, 1, 0.4), AuditedFunction("g", 1, 1, 0, 0.2)
    )
    found = merge([one, other])
    assert found.functions == (
        AuditedFunction("f", 8, 5, 3, 0.4),
        AuditedFunction("g", 1, 1, 0, 0.2),
    )
    assert found.n_unclear == 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (zlib.crc32, "zlib.crc32"),
        (deque.append, "collections.deque.append"),
        (deque().append, "collections.deque.append"),
        (deque, "collections.deque"),
        (zlib.compressobj().compress, "zlib.Compress.compress"),
        (deque.__len__, "collections.deque.__len__"),
        (deque().__len__, "collections.deque.__len__"),
        (operator.itemgetter(0), "operator.itemgetter.__call__"),
        # What a class in Python inherits is of the base that has it.
        (Line, "collections.deque"),
        (Line().append, "collections.deque.append"),
        (super(Line, Line()).pop, "collections.deque.pop"),
        (super(Initialized, Initialized()).__init__, "collections.deque.__init__"),
        # Python code, whose own calls of C functions count.
        (json.dumps, ""),
        (Line().pop, ""),
        (Initialized, ""),
        (Made, ""),
        (Called(), ""),
    ],
    ids=lambda value: str(type(value)),
)
def test_a_function_is_named_by_its_module_or_that_of_its_type(function, name):
    found = locate(function)
    assert (found and f"{found.module}.{found.name}{found.rest}") == (name or None)


def find_name(function, *packages):
    return Packages(packages).find_name(locate(function))


def test_what_does_not_say_its_package_is_found_in_it(monkeypatch):
    package, part = types.ModuleType("package"), types.ModuleType("gzip")
    monkeypatch.setitem(sys.modules, "package", package)
    package.part, part.checksum, part.Keys = part, zlib.crc32, type({}.keys())
    # It says it is of zlib, which has it as well.
    assert find_name(zlib.crc32, "package") == ""
    monkeypatch.delattr(zlib, "crc32")
    assert find_name(part.checksum, "package") == "package.part.checksum"
    assert find_name({}.keys().isdisjoint, "package") == "package.part.Keys.isdisjoint"
    assert find_name(part.checksum, "other") == ""


def test_functions_that_say_the_same_name_are_told_apart(monkeypatch):
    monkeypatch.setattr(zlib, "other_crc32", zlib.crc32, raising=False)
    monkeypatch.setattr(zlib, "crc32", zlib.adler32)
    assert find_name(zlib.other_crc32, "zlib") == "zlib.other_crc32"
    assert find_name(zlib.adler32, "zlib") == "zlib.adler32"


def test_a_release_that_was_lost_shows_in_the_difference(tmp_path):
    for name, n_released in (("before", 3), ("after", 0)):
        audit = make_audit(AuditedFunction("pkg.f", 3, 3, n_released, 0.1))
        (tmp_path / f"{name}.json").write_text(audit.to_json())
    found = diff_sources(
        *(read_sources(str(tmp_path / f"{name}.json")) for name in ("before", "after"))
    )
    regressions = found.select_regressions([])
    assert [
        (one.subject, *(cell.text for cell in one.cells)) for one in regressions
    ] == [("pkg.f", "releases", "holds")]


def audit(work, *packages):
    """Return what was found of the functions, once each call could be judged."""

    def look():
        with Auditor(packages) as auditor:
            work()
        return auditor.summarize()

    return look_until(lambda found: not found.n_unclear, look).functions


@needs_monitoring
def test_calls_are_judged_where_they_happen():
    def work():
        for _ in range(3):
            zlib.crc32(BIG)
            zlib.adler32(SMALL)
            hashlib.sha256(BIG)
            len(BIG)

    found = {one.name: one for one in audit(work, "zlib", "_hashlib")}
    assert found["zlib.crc32"].verdict == "releases"
    assert found["zlib.adler32"].verdict == "holds"
    assert found["_hashlib.openssl_sha256"].verdict == "releases"
    assert {one.n_calls for one in found.values()} == {3}


@needs_monitoring
def test_calls_in_the_python_code_of_a_class_are_judged():
    class Checksum:
        def __init__(self):
            zlib.crc32(BIG)

    def work():
        for _ in range(3):
            Checksum()

    (found,) = audit(work, "zlib", __name__.partition(".")[0])
    assert (found.name, found.verdict) == ("zlib.crc32", "releases")


@needs_monitoring
def test_nothing_that_was_called_is_kept_alive():
    with Auditor(["zlib"]):
        classes = [type(f"Class{number}", (), {}) for number in range(3)]
        for each in classes:
            each()
        references = [weakref.ref(each) for each in classes]
        del classes, each
        gc.collect()
        assert [reference() for reference in references] == [None] * 3


@needs_monitoring
def test_calls_that_differ_vary():
    def work():
        for data in (BIG, SMALL, BIG, SMALL):
            zlib.crc32(data)

    (found,) = audit(work, "zlib")
    assert (found.verdict, found.n_released, found.n_watched) == ("varies", 2, 4)


@needs_monitoring
def test_a_call_that_raises_is_judged_too():
    def work():
        with pytest.raises(zlib.error):
            zlib.decompress(b"no such thing")

    (found,) = audit(work, "zlib")
    assert found.n_watched == 1


@needs_monitoring
def test_a_release_before_the_call_is_not_one_of_the_call(monkeypatch):
    park, numbers = SwitchIntervalProbe.park, count()

    def park_and_release(probe):
        park(probe)
        if not next(numbers):
            time.sleep(0.01)

    monkeypatch.setattr(SwitchIntervalProbe, "park", park_and_release)
    (found,) = audit(lambda: zlib.adler32(SMALL), "zlib")
    assert next(numbers) > 1
    assert found.n_released == 0


@needs_monitoring
def test_so_many_calls_are_watched_and_the_others_counted(monkeypatch):
    monkeypatch.setattr("gilscope.audit.N_WATCHED", 2)

    def work():
        for _ in range(5):
            zlib.adler32(SMALL)

    (found,) = audit(work, "zlib")
    assert (found.n_calls, found.n_watched) == (5, 2)


@needs_monitoring
def test_other_threads_go_on_meanwhile():
    usual_s = sys.getswitchinterval()
    counts = []

    def count():
        while len(counts) < 1000:
            counts.append(sys.getswitchinterval())

    thread = threading.Thread(target=count)
    with Auditor(["zlib"]):
        thread.start()
        while thread.is_alive():
            zlib.adler32(SMALL)
            for _ in range(1000):
                pass
    assert sys.getswitchinterval() == usual_s


@needs_monitoring
def test_nothing_of_the_tool_is_left():
    before = [sys.monitoring.get_tool(tool) for tool in range(6)]
    with Auditor(["zlib"]):
        assert [sys.monitoring.get_tool(tool) for tool in range(6)] != before
    assert [sys.monitoring.get_tool(tool) for tool in range(6)] == before
