"""The scenario gil: verdicts on backends, against what they declare and trace."""

import pytest

from compare.measure.trace_weight import TraceWeight, weigh_trace
from compare.model import Check, CheckEnvironment
from compare.scenarios import Options
from compare.scenarios.gil import (
    JudgedCall,
    find_contradictions,
    find_trace_lies,
    find_warnings,
    run,
)
from gilscope.kernel import Times
from gilscope.probe.estimate import Window
from gilscope.probe.judge import Judgement
from gilscope.probe.witness import Note
from gilscope.stats import Figure
from tests.faulty_backends import never_traces, traces_backwards, writes_elsewhere

ENVIRONMENT = CheckEnvironment("3", "x", 2, False, True, "gil", tells_wakeups=True)


def test_a_backend_is_as_it_declares(backend):
    found = run(backend, Options(quick=True))
    assert found.contradictions == ()
    assert found.failures == ()
    assert found.verdict == ("releases" if backend.releases_gil else "preemptible")
    assert found.held_check.verdict == (
        "holds" if backend.releases_gil else "preemptible"
    )


@pytest.mark.parametrize(
    ("backend", "failure"),
    [
        pytest.param(never_traces, "trace: expected ", id="no trace"),
        pytest.param(traces_backwards, "trace: stamps out of order", id="wrong trace"),
        pytest.param(writes_elsewhere, "result[1]: written to", id="elsewhere"),
    ],
)
def test_a_wrong_answer_is_a_failure(backend, failure):
    judged = JudgedCall(backend, 1, release_gil=True)
    judged.call()
    assert failure in judged.find_fault(1)


def make_check(verdict, best=None):
    return Check(
        "x",
        verdict,
        "so",
        ENVIRONMENT,
        released_fraction=None if best is None else Figure(best, best, best),
    )


HELD = make_check("holds", 0.0)
FULL = make_check("releases", 0.97)
GOOD_TRACE = TraceWeight(0.95, 0.95, 0.98, 0.0)


@pytest.mark.parametrize(
    ("declared", "check", "held", "trace", "n_contradictions"),
    [
        pytest.param(True, FULL, HELD, GOOD_TRACE, 0, id="as declared"),
        pytest.param(True, FULL, HELD, None, 0, id="no trace to go by"),
        pytest.param(True, HELD, HELD, GOOD_TRACE, 1, id="holds"),
        pytest.param(True, make_check("preemptible"), HELD, None, 1, id="Python"),
        pytest.param(False, make_check("preemptible"), HELD, None, 0, id="honest"),
        pytest.param(False, FULL, HELD, GOOD_TRACE, 1, id="releases unasked"),
        pytest.param(True, FULL, FULL, GOOD_TRACE, 1, id="never holds"),
        pytest.param(
            True, make_check("releases", 0.3), HELD, GOOD_TRACE, 1, id="token"
        ),
        pytest.param(True, make_check("releases"), HELD, None, 0, id="share not seen"),
        pytest.param(
            True, FULL, HELD, TraceWeight(0.9, 0.9, 0.1, 0.0), 1, id="held kernel"
        ),
        pytest.param(
            True, FULL, HELD, TraceWeight(0.9, 0.9, None, 0.0), 0, id="kernel not seen"
        ),
        pytest.param(
            True, make_check("inconclusive"), HELD, None, 0, id="inconclusive"
        ),
    ],
)
def test_contradictions(declared, check, held, trace, n_contradictions):
    found = find_contradictions(declared, check, held, trace)
    assert len(found) == n_contradictions


def test_what_is_left_open_is_a_warning():
    open_check = make_check("inconclusive")
    assert list(find_warnings(FULL, HELD)) == []
    assert list(find_warnings(open_check, HELD)) == ["x: so"]
    assert list(find_warnings(FULL, open_check)) == ["x: so"]
    (warning,) = find_warnings(make_check("releases"), HELD)
    assert warning == "x: there was no core to see for how long it releases the GIL"


def test_a_call_that_lost_its_core_says_nothing_of_its_kernel():
    ms = 1_000_000
    good = Window((0, 10 * ms), ())
    start, end = (Note(0, Times(0, waited), Times(0, 0)) for waited in (0, 40 * ms))
    lost = Window((20 * ms, 70 * ms), (), start=start, end=end)
    traces = [
        (0, 1 * ms, 8 * ms, 8 * ms, 10 * ms),
        (20 * ms, 20 * ms, 70 * ms, 70 * ms, 70 * ms),
    ]
    weight = weigh_trace(Judgement(FULL, [good, lost]), traces)
    assert weight.kernel_share == pytest.approx(0.85)
    assert weight.best_share == pytest.approx(0.7)
    unknown = weigh_trace(Judgement(FULL, [lost]), traces)
    assert unknown.best_share is None
    assert [*find_trace_lies(unknown, unknown)] == []


def test_a_small_traced_kernel_is_told_in_either_form():
    small = TraceWeight(0.2, 0.3, 0.98, 0.0)
    assert [*find_trace_lies(GOOD_TRACE, None)] == []
    (told,) = find_trace_lies(small, GOOD_TRACE)
    (held_told,) = find_trace_lies(GOOD_TRACE, small)
    assert told.startswith("traces a kernel of 30% of a call whose work")
    assert held_told.startswith("traces a kernel of 30% of a call with release_gil=")
