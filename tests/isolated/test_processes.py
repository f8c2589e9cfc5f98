"""The processes beside which threads are timed: they answer, and tell what is wrong."""

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

ROOT = Path(__file__).parents[2]


def test_what_a_backend_reads_is_not_the_orders_of_its_process() -> None:
    """It finds standard input empty, and the process answers."""
    failures = Failures()
    with Processes("tests.faulty_backends:reads_input", 1) as processes:
        processes.wait()
        assert processes.measure_wall(1, failures, 1).seconds > 0
    assert failures.as_tuple() == ()


def test_a_partner_that_cannot_be_loaded_is_left_out_with_the_reason() -> None:
    """One backend that does not load takes no cell from the others."""
    names = ["python", "tests.faulty_backends:raises_when_loaded"]
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
    with Processes("tests.faulty_backends:mutates_values", 1) as processes:
        processes.wait()
        processes.measure_wall(1, failures, 1)
    assert failures.as_tuple() == (
        "double_list() values: changed, in a process of its own",
    )


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("tests.faulty_backends:raises_when_loaded", "out of cheese"),
        ("tests.faulty_backends:aborts_when_loaded", "ended with SIGABRT"),
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
        "    pids = [process._process.pid for process in processes._started]\n"
        "    print(*pids, flush=True)\n"
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
