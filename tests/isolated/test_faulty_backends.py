"""The harness finds each faulty backend, in the scenario that is there to find it."""

import dataclasses

import pytest

from compare import run_all
from compare.double_list.contract import adopt
from compare.scenarios import Options, load_scenario
from tests.faulty_backends import FAULTS, Fault

# A worker that hangs gets so many times as long as one that does not, and no less than:
# a loaded machine takes longer to get to where it hangs.
HANGING_FACTOR, HANGING_MIN_S = 3.0, 1.0
LIMIT_S = 120.0
# How often those are looked at that a busy machine hides.
N_LOOKS = 5


def make_cases():
    """Yield each fault that has no test of its own, with its marks."""
    for name, fault in FAULTS.items():
        marks = []
        # Their threads need cores, or their time limit is that of a free machine.
        if fault.scenario != "correctness" or fault.is_hanging:
            marks.append(pytest.mark.alone)
        if fault.skip:
            marks.append(pytest.mark.skip(reason=fault.skip))
        if fault.status != "ok":
            yield pytest.param(fault, id=name, marks=marks)


@pytest.fixture(scope="module")
def hanging_s():
    """Return how long to wait for a worker that hangs."""
    names = ["tests.faulty_backends:right"] * 2
    took_s = max(
        run_all([name], scenarios=["correctness"], quick=True)[name].elapsed_s
        for name in names
    )
    return max(HANGING_MIN_S, HANGING_FACTOR * took_s)


@pytest.mark.parametrize("fault", [*make_cases()])
def test_a_faulty_backend_is_found(fault, hanging_s):
    for _ in range(N_LOOKS if fault.may_be_hidden else 1):
        if fault.needs_process:
            limit_s = hanging_s if fault.is_hanging else LIMIT_S
            status, reason = run_worker(fault, limit_s)
        else:
            status, reason = run_here(fault)
        if status != "ok":
            break
    assert status == fault.status, reason
    assert [part for part in fault.reasons if part not in reason] == [], reason


def run_worker(fault: Fault, timeout_s: float) -> tuple[str, str]:
    """Return status and reason of its row, from a process of its own."""
    row = run_all(
        [fault.target],
        scenarios=[fault.scenario],
        quick=fault.is_quick,
        timeout_s=timeout_s,
    )[fault.target]
    return row.status, row.reason


def run_here(fault: Fault) -> tuple[str, str]:
    """Return the same from this process, which it does not harm."""
    partners = ((fault.name, fault.target),)
    options = Options(quick=fault.is_quick, partners=partners)
    subject = dataclasses.replace(adopt(fault.backend), target=fault.target)
    found = load_scenario(fault.scenario).run(subject, options)
    wrongs = [*found.failures, *getattr(found, "contradictions", ())]
    reason = "\n".join(f"{fault.scenario}: {wrong}" for wrong in wrongs)
    return "wrong" if wrongs else "ok", reason
