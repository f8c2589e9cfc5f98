"""The harness finds each faulty backend, in the scenario that is there to find it."""

import dataclasses
from functools import partial

import pytest

from compare import run_all
from compare.double_list.contract import adopt
from compare.scenarios import Options, correctness, load_scenario
from tests.faulty_backends import FAULTS, Fault
from tests.looks import N_LOOKS, look_until, try_limits

LIMIT_S = 120.0


def make_cases():
    """Yield each fault that has no test of its own, with its marks."""
    for name, fault in FAULTS.items():
        marks = [pytest.mark.skip(reason=fault.skip)] if fault.skip else []
        if fault.status != "ok":
            yield pytest.param(fault, id=name, marks=marks)


@pytest.mark.parametrize("fault", [*make_cases()])
def test_a_faulty_backend_is_found(fault):
    def is_told(found):
        return all(part in found[1] for part in fault.reasons)

    if fault.is_hanging:
        status, reason = try_limits(is_told, partial(run_worker, fault))
    elif fault.needs_process:
        status, reason = run_worker(fault, LIMIT_S)
    elif fault.may_be_hidden:
        doubts = []
        status, reason = look_until(
            lambda found: found[0] != "ok", lambda: run_here(fault, doubts)
        )
        open_looks = [each for each in doubts if each]
        if status == "ok" and len(open_looks) > N_LOOKS // 2:
            # As on one core: no figure, and nothing is held against one.
            pytest.skip(f"the machine did not let it be seen: {open_looks[0][0]}")
    else:
        status, reason = run_here(fault, [])
    assert status == fault.status, reason
    assert is_told((status, reason)), reason


def run_worker(fault: Fault, timeout_s: float) -> tuple[str, str]:
    """Return status and reason of its row, from a process of its own."""
    row = run_all(
        [fault.target],
        scenarios=[fault.scenario],
        quick=fault.is_quick,
        timeout_s=timeout_s,
    )[fault.target]
    return row.status, row.reason


def run_here(fault: Fault, doubts: list[tuple[str, ...]]) -> tuple[str, str]:
    """Return the same from this process, which it does not harm; add what is open."""
    partners = ((fault.name, fault.target),)
    options = Options(quick=fault.is_quick, partners=partners)
    subject = dataclasses.replace(adopt(fault.backend), target=fault.target)
    if fault.scenario == "correctness":
        wrongs = find_until_told(fault, correctness.make_checks(subject, options))
    else:
        found = load_scenario(fault.scenario).run(subject, options)
        wrongs = [*found.failures, *getattr(found, "contradictions", ())]
        doubts.append(tuple(getattr(found, "warnings", ())))
    reason = "\n".join(f"{fault.scenario}: {wrong}" for wrong in wrongs)
    return "wrong" if wrongs else "ok", reason


def find_until_told(fault: Fault, checks) -> list[str]:
    """Return what is wrong, as far as the last part of the fault's reasons."""
    wrongs = []
    for wrong in correctness.find_failures(checks):
        wrongs.append(wrong)
        if all(any(part in each for each in wrongs) for part in fault.reasons):
            break
    return wrongs[: correctness.N_FAILURES_KEPT]
