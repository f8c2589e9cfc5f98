"""The figures of a backend that lies about its work are not taken for figures."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compare import run_all
from compare.measure.faults import Failures
from compare.measure.processes import ProcessError, Processes
from compare.model import BackendResult

ROOT = Path(__file__).parents[2]


def run(liar: str, scenario: str) -> BackendResult:
    """Return the row of one wrong backend."""
    name = f"tests.liars.{liar}:backend"
    report = run_all([name], scenarios=[scenario], quick=True, timeout_s=120.0)
    return report[name]


@pytest.mark.parametrize(
    ("liar", "words"),
    [
        ("ignores_passes", "parallel: double_list() passes: expected 16 times"),
        ("sleeps_for_work", "parallel: double_list() passes: expected 16 times"),
        ("skips_work_in_threads", "parallel: double_list() passes: expected a call"),
        ("remembers_work", "parallel: double_list() passes: expected 16 times"),
        ("aborts_at_exit", "parallel: an interpreter that called it ended with exit"),
        ("skips_untraced_work", "parallel: double_list() passes: expected a call"),
        ("remembers_answers", "parallel: double_list() result[0][0]: expected"),
        ("shares_a_buffer", "parallel: double_list() result[0][0]: expected"),
        ("wrong_in_threads", "parallel: double_list() result[0][999]: expected"),
        # What is found first depends on how late it is.
        ("answers_later", "parallel: double_list() "),
        ("mutates_values", "parallel: double_list() values: changed"),
        ("answers_floats", "parallel: double_list() result[0][0]: expected int, got"),
        ("never_traces", "parallel: double_list() trace: expected 1 tuple"),
        ("returns_answer", "parallel: double_list() expected None to be returned"),
    ],
)
def test_a_lie_about_the_work_is_wrong(liar: str, words: str) -> None:
    """Work that was not done, and answers wrong only beside others, are found."""
    row = run(liar, "parallel")
    assert row.status == "wrong", row.reason
    assert any(line.startswith(words) for line in row.reason.splitlines()), row.reason


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a core are not told")
@pytest.mark.parametrize(
    ("liar", "scenario", "words"),
    [
        ("takes_turns", "parallel", "declares that it releases the GIL, but two calls"),
        ("holds_in_threads", "parallel", "declares that it releases the GIL, but two"),
        ("holds_untraced", "parallel", "declares that it releases the GIL, but two ca"),
        ("sleeps_held", "handoff", "declares that it releases the GIL, but keeps it"),
        ("lets_go_while_held", "handoff", "gives the GIL away in held_sleep"),
    ],
)
def test_figures_against_the_declaration_are_wrong(
    liar: str, scenario: str, words: str
) -> None:
    """A release that the verdict sees, and that does not help where it should."""
    pytest.importorskip("cython_backend._native", reason="cython is not built")
    row = run(liar, scenario)
    assert row.status == "wrong", row.reason
    assert row.reason.startswith(f"{scenario}: {words}")


def test_a_short_sleep_is_wrong() -> None:
    """The lecture's seconds are slept in full."""
    row = run("sleeps_less", "handoff")
    assert row.status == "wrong", row.reason
    assert "handoff: 1.3 trace: released_sleep of 0.0" in row.reason


def test_what_a_backend_reads_is_not_the_orders_of_its_process() -> None:
    """It finds standard input empty, and the process answers."""
    failures = Failures()
    with Processes("tests.liars.reads_input:backend", 1) as processes:
        processes.wait()
        assert processes.measure_wall(1, failures, 1).seconds > 0
    assert failures.as_tuple() == ()


@pytest.mark.parametrize("scenario", ["contention", "pairs", "sweep"])
def test_every_scenario_checks_its_answers(scenario: str) -> None:
    """An answer of another call is wrong wherever it is given."""
    row = run("remembers_answers", scenario)
    assert row.status == "wrong"
    assert f"{scenario}: double_list() result[" in row.reason


def test_a_partner_that_cannot_be_loaded_is_left_out_with_the_reason() -> None:
    """One backend that does not load takes no cell from the others."""
    names = ["python", "tests.liars.raises_in_import:backend"]
    report = run_all(names, scenarios=["pairs"], quick=True)
    found = report["python"].pairs
    assert found is not None
    measured, missing = found.cells
    assert measured.stops is not None
    assert missing.stops is None
    assert "out of cheese" in missing.reason


def test_processes_make_the_same_calls() -> None:
    """Each process answers for its own call; the wall lasts as long as the longest."""
    failures = Failures()
    with Processes("python", 2) as processes:
        processes.wait()
        wall = processes.measure_wall(50, failures, 2)
    assert failures.as_tuple() == ()
    assert 0 < wall.cored_s <= wall.seconds
    assert wall.cpu_s > wall.cored_s


def test_a_fault_in_a_process_is_told() -> None:
    """An answer that is wrong in another process only is not lost."""
    failures = Failures()
    with Processes("tests.liars.mutates_values:backend", 1) as processes:
        processes.wait()
        processes.measure_wall(1, failures, 1)
    assert failures.as_tuple() == (
        "double_list() values: changed, in a process of its own",
    )


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("tests.liars.raises_in_import:backend", "out of cheese"),
        ("tests.liars.aborts_in_import:backend", "ended with SIGABRT"),
    ],
)
def test_a_process_that_does_not_start_is_told(target: str, words: str) -> None:
    """What went wrong in the process is the error here."""
    with Processes(target, 2) as processes, pytest.raises(ProcessError, match=words):
        processes.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    """Also if that one is killed and can clean up nothing."""
    code = (
        "import time\n"
        "from compare.measure.processes import Processes\n"
        "with Processes('python', 2) as processes:\n"
        "    processes.wait()\n"
        "    print(*(process._process.pid for process in processes._started), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    wait_until_gone(pids)


def wait_until_gone(pids: list[int]) -> None:
    """Wait for processes that are nobody's children to end; the suite limits it."""
    for pid in pids:
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                break
            time.sleep(0.01)
