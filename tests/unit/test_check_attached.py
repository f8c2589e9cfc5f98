"""gilscope.check where there is no GIL: whether a call lets others stop the world."""

import ctypes
import functools
import hashlib
import sys
import sysconfig
import time

import pytest

from compare import check
from gilscope.probe import stop_the_world

IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
HAS_GIL = not IS_FREE_THREADED or sys._is_gil_enabled()

BIG = bytes(10**6)


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


@pytest.mark.skipif(HAS_GIL, reason="there is a GIL here")
def test_python_code_that_no_tracer_sees_does_not_hold(monkeypatch):
    """As in a greenlet that is resumed."""
    monkeypatch.setattr(stop_the_world, "count_python_share", lambda *_: (0.0, 0))
    found = check(run_loop)
    if found.verdict == "inconclusive":
        pytest.skip(f"too busy a machine: {found.reason}")
    assert found.verdict == "preemptible", str(found)
    assert found.evidence.n_calls_unseen > 0


@pytest.mark.skipif(HAS_GIL, reason="there is a GIL here")
@pytest.mark.parametrize("shift", [-8, -4, 4, 8])
def test_a_state_that_is_read_at_another_place_tells_nothing(monkeypatch, shift):
    """As in a version whose threads are laid out in another way."""
    shifted = {key: at + shift for key, at in stop_the_world.STATE_OFFSETS.items()}
    monkeypatch.setattr(stop_the_world, "STATE_OFFSETS", shifted)
    for call, _ in KNOWN.values():
        assert check(call, figures=False).verdict == "inconclusive"
