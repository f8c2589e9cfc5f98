"""gilscope.check where there is no GIL: whether a call lets others stop the world."""

import ctypes
import functools
import hashlib
import sys
import sysconfig
import time

import pytest

from compare import check
from gilscope.check import check_both

IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
HAS_GIL = not IS_FREE_THREADED or sys._is_gil_enabled()

BIG = bytes(10**6)
SETUP = "import hashlib; big = bytes(10**6)"


def run_loop():
    for _ in range(200_000):
        pass


KNOWN = {
    "sleep": (functools.partial(time.sleep, 0.002), "releases"),
    "sha256": (functools.partial(hashlib.sha256, BIG), "releases"),
    "CDLL": (functools.partial(ctypes.CDLL(None).usleep, 2000), "releases"),
    "in a function": (lambda: time.sleep(0.002), "releases"),
    "PyDLL": (functools.partial(ctypes.PyDLL(None).usleep, 2000), "holds"),
    "sorted": (functools.partial(sorted, list(range(10**5, 0, -1))), "holds"),
    "loop": (run_loop, "preemptible"),
}


@pytest.mark.skipif(HAS_GIL, reason="there is a GIL here")
@pytest.mark.parametrize("name", KNOWN)
def test_a_known_callable_is_never_judged_wrongly(name):
    call, expected = KNOWN[name]
    found = check(call)
    if found.verdict == "inconclusive":
        pytest.skip(f"too busy a machine: {found.reason}")
    assert found.verdict == expected, str(found)
    assert found.environment.meaning == "attached"


@pytest.mark.skipif(not IS_FREE_THREADED, reason="this build has nothing but a GIL")
def test_a_statement_is_judged_with_the_gil_and_without_it():
    with_gil, without = check_both("print(); hashlib.sha256(big)", SETUP)
    assert with_gil.environment.meaning == "gil"
    assert without.environment.meaning == "attached"
    assert with_gil.verdict == "releases", str(with_gil)
    assert without.verdict in ("releases", "inconclusive"), str(without)


@pytest.mark.skipif(not IS_FREE_THREADED, reason="this build has nothing but a GIL")
def test_an_error_in_one_of_the_two_processes_is_an_error_here():
    with pytest.raises(RuntimeError, match="with gil=1: ZeroDivisionError"):
        check_both("1 / 0")


@pytest.mark.skipif(IS_FREE_THREADED, reason="this build can do both")
def test_a_build_with_a_gil_cannot_do_both():
    with pytest.raises(RuntimeError, match="expected a free-threaded build"):
        check_both("pass")
