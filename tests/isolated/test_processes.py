"""The processes beside which threads are timed: they answer, and tell what is wrong."""

import math
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from compare import run_all
from compare.contract import load_implementation
from compare.work import ImplementationWork
from gilscope.timing.calls import PlainWork, StatementWork, Wall
from gilscope.timing.processes import ProcessError, Processes
from tests.looks import look_until
from tests.processes import wait_for_end

ROOT = Path(__file__).parents[2]


def make_work(target: str) -> ImplementationWork:
    """Return calls of a backend of the tests."""
    return ImplementationWork(load_implementation("", target, target), 10)


def test_what_a_backend_reads_is_not_the_orders_of_its_process() -> None:
    """It finds standard input empty, and the process answers."""
    with Processes([make_work("tests.faulty_backends:reads_input")], 1) as processes:
        processes.wait()
        wall, fault = processes.measure_wall(0, 1, 1)
    assert wall.seconds > 0
    assert fault == ""


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
    """Each process answers for its own calls; the wall lasts as long as the longest."""
    works = [PlainWork(math.factorial, (3,)), PlainWork(math.factorial, (5_000,))]
    with Processes(works, 2) as processes:
        processes.wait()

        def look(is_reversed: bool) -> tuple[Wall, Wall]:
            short, _ = processes.measure_wall(0, 5, 2, is_reversed=is_reversed)
            wall, fault = processes.measure_wall(1, 5, 2, is_reversed=is_reversed)
            assert fault == ""
            assert 0 < wall.unqueued_s <= wall.seconds
            return short, wall

        def have_met(walls: tuple[Wall, Wall]) -> bool:
            short, wall = walls
            return wall.cpu_s > wall.unqueued_s > short.unqueued_s

        # On a busy machine one may be over before the other has a core.
        for is_reversed in (False, True):
            assert have_met(look_until(have_met, partial(look, is_reversed)))


def test_a_fault_in_a_process_is_told() -> None:
    """An answer that is wrong in another process only is not lost."""
    with Processes([make_work("tests.faulty_backends:mutates_values")], 1) as processes:
        processes.wait()
        _, fault = processes.measure_wall(0, 1, 1)
    assert fault.startswith("answer.values")


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (StatementWork("pass", "raise ValueError('out of cheese')"), "out of cheese"),
        (StatementWork("pass", "import os; os.abort()"), "ended with SIGABRT"),
    ],
)
def test_a_process_that_does_not_start_is_told(work: StatementWork, words: str) -> None:
    """What went wrong in the process is the error here."""
    with Processes([work], 2) as processes:
        processes.wait()
        with pytest.raises(ProcessError, match=words):
            processes.measure_wall(0, 1, 2)


def test_what_cannot_be_pickled_is_told() -> None:
    """A function of no module is not had in another process."""
    with pytest.raises(ProcessError, match="cannot be had in another process"):
        Processes([PlainWork(lambda: None)], 2)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_no_process_outlives_the_one_that_started_it(tmp_path: Path) -> None:
    """Also if that one is killed and can clean up nothing."""
    code = (
        "import time\n"
        "from gilscope.timing.calls import PlainWork\n"
        "from gilscope.timing.processes import Processes\n"
        "with Processes([PlainWork(sum, ((),))], 2) as processes:\n"
        "    processes.wait()\n"
        "    pids = [child._process.pid for child in processes._children]\n"
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
    wait_for_end(*pids)
