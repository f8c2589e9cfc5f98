"""The same calls in processes of their own: what the machine can give at the moment.

`python -m compare.measure.processes TARGET PARENT_PID` loads a backend and answers
lines on its standard input: `{"passes": 100}` is answered when the values are ready,
`{}` then starts the call, and the answer to that has its stamps. They can be compared
between processes, since the clock of time.perf_counter_ns() is the system's.
"""

import faulthandler
import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import IO, Any, Self

import backends
from compare.measure.faults import Failures
from compare.measure.work import Calls, Wall, Work
from gilscope.process import die_with_parent

# A call that takes longer hangs: the process then ends itself, from C, so that it does
# not need the GIL for that.
CALL_TIMEOUT_S = 60.0
# So does an interpreter that takes longer to end.
END_TIMEOUT_S = 20.0


class ProcessError(Exception):
    """A process could not do what it was asked for."""


class Processes:
    """So many processes with a backend loaded, ended with the `with` block.

    Args:
        target: what backends.get() finds the backend by.
        count: how many processes.
    """

    def __init__(self, target: str, count: int) -> None:
        """Take what is to be started."""
        self._target = target
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Start them all; `wait` waits until they have started."""
        try:
            for _ in range(self._count):
                self._processes.append(self._start())
        except BaseException:
            self.close()
            raise
        return self

    def wait(self) -> None:
        """Wait until each has loaded the backend.

        Raises:
            ProcessError: a process could not load the backend, or ended.
        """
        for process in self._processes:
            receive(process)

    def __exit__(self, *_: object) -> None:
        """End them, whatever they are doing."""
        self.close()

    def _start(self) -> "subprocess.Popen[str]":
        gil = sys._xoptions.get("gil")  # noqa: SLF001 - there is no public name.
        options = ["-X", f"gil={gil}"] if isinstance(gil, str) else []
        module = [
            "-P",
            "-m",
            "compare.measure.processes",
            self._target,
            str(os.getpid()),
        ]
        entries = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - "" is the current folder.
        return subprocess.Popen(  # noqa: S603 - it is this interpreter.
            [sys.executable, *options, *module],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(entries)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def find_end_fault(self) -> str:
        """Let one of them end as any interpreter does; return what is wrong then."""
        process = self._processes[0]
        assert process.stdin is not None
        # It may have ended already.
        with suppress(OSError):
            process.stdin.close()
        exit_code = process.wait()
        if not exit_code:
            return ""
        return f"an interpreter that called it ended with exit status {exit_code}"

    def close(self) -> None:
        """Kill those that were started and wait for their end."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                # What was written to it last may have found nobody.
                with suppress(OSError):
                    stream.close()

    def measure_wall(
        self, passes: int, failures: Failures, count: int, *, is_reversed: bool = False
    ) -> Wall:
        """Let so many of the processes make one call each at the same time."""
        processes = self._processes[:count]
        if is_reversed:
            processes.reverse()
        for order in ({"passes": passes}, {}):
            for process in processes:
                assert process.stdin is not None
                # One that has ended is noticed when it is read from.
                with suppress(BrokenPipeError):
                    send_line(process.stdin, **order)
            answers = [receive(process) for process in processes]
        for answer in answers:
            failures.add_fault(answer["fault"], "in a process of its own")
        start_ns = min(answer["start_ns"] for answer in answers)
        end_ns = max(answer["end_ns"] for answer in answers)
        # Processes cannot stop each other, so with a core each the longest call is all.
        return Wall(
            seconds=(end_ns - start_ns) / 1e9,
            cored_s=max(answer["cored_s"] for answer in answers),
            cpu_s=sum(answer["cpu_s"] for answer in answers),
            least_own_cpu_s=min(answer["own_cpu_s"] for answer in answers),
        )


def receive(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Read a line from a process.

    Raises:
        ProcessError: it has ended, or says what went wrong.
    """
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        message = f"a process ended with exit status {process.wait()}"
        raise ProcessError(message)
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise ProcessError(answer["error"])
    return answer


def main(target: str, parent_pid: int) -> None:
    """Load the backend and make calls until the orders on standard input end."""
    die_with_parent(parent_pid)
    # What the backend prints must not get between the answers, and what it reads must
    # not be the orders.
    answers, orders = os.fdopen(os.dup(1), "w"), os.fdopen(os.dup(0))
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # noqa: PTH123 - less to import.
        os.dup2(nothing.fileno(), 0)
    # The one that asked may have gone.
    with suppress(BrokenPipeError):
        try:
            serve(target, orders, answers)
        except Exception as error:  # noqa: BLE001 - a backend may raise anything.
            send_line(answers, error=f"{type(error).__name__}: {error}")
    # Threads that a backend left behind may keep the interpreter from ending.
    faulthandler.dump_traceback_later(END_TIMEOUT_S, exit=True)


def serve(target: str, orders: IO[str], answers: IO[str]) -> None:
    """Answer each order in turn."""
    double_list = backends.get(target).double_list
    send_line(answers)
    calls = Calls(Work(double_list))
    for line in orders:
        order = json.loads(line)
        if order:
            calls = Calls(Work(double_list, order["passes"]))
            calls.prepare()
            send_line(answers)
            continue
        faulthandler.dump_traceback_later(CALL_TIMEOUT_S, exit=True)
        calls.run()
        faulthandler.cancel_dump_traceback_later()
        send_line(
            answers,
            start_ns=calls.start_ns,
            end_ns=calls.end_ns,
            cored_s=calls.cored_s,
            cpu_s=calls.cpu_s,
            own_cpu_s=calls.own_cpu_s,
            fault=calls.find_fault(),
        )


def send_line(stream: IO[str], **content: object) -> None:
    """Write one line, at once."""
    stream.write(json.dumps(content) + "\n")
    stream.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
