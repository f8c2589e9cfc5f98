"""The same calls in processes of their own: what the machine can give at the moment.

Each loads the backend and answers orders: `{"passes": 100}` is answered when the values
are ready, `{}` then starts the call, and the answer to that has its stamps. They can be
compared between processes, since the clock of time.perf_counter_ns() is the system's.
"""

from typing import Any, Self

import backends
from compare.measure.faults import Failures
from compare.measure.work import Calls, Wall, Work
from gilscope.channel import Channel
from gilscope.process import Child

# A call that takes longer hangs.
CALL_TIMEOUT_S = 60.0
# An interpreter that takes longer to end waits for something of its own, which is not
# for the calls to answer for.
END_TIMEOUT_S = 3.0
STANDARD_ERROR = 2


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
        self._children = [
            Child(
                "compare.measure.processes:main",
                target,
                timeout_s=CALL_TIMEOUT_S,
                renews=True,
                guards=False,
                # What the backend prints is told where this process is listened to.
                stdout=STANDARD_ERROR,
                stderr=None,
            )
            for _ in range(count)
        ]
        self._started: list[Child] = []

    def __enter__(self) -> Self:
        """Start them all; `wait` waits until they have started."""
        try:
            for child in self._children:
                self._started.append(child.__enter__())
        except BaseException:
            self.close()
            raise
        return self

    def wait(self) -> None:
        """Wait until each has loaded the backend.

        Raises:
            ProcessError: a process could not load the backend, or ended.
        """
        for child in self._started:
            receive(child)

    def __exit__(self, *_: object) -> None:
        """End them, whatever they are doing."""
        self.close()

    def find_end_fault(self) -> str:
        """Let one of them end as any interpreter does; return what is wrong then."""
        exit_code = self._started[0].wait_for_end(END_TIMEOUT_S)
        if not exit_code:
            return ""
        return f"an interpreter that called it ended with exit status {exit_code}"

    def close(self) -> None:
        """Kill those that were started and wait for their end."""
        for child in self._started:
            child.close()

    def measure_wall(
        self, passes: int, failures: Failures, count: int, *, is_reversed: bool = False
    ) -> Wall:
        """Let so many of the processes make one call each at the same time."""
        children = self._started[:count]
        if is_reversed:
            children.reverse()
        for order in ({"passes": passes}, {}):
            for child in children:
                # One that has ended is noticed when it is to answer.
                child.send(order)
            answers = [receive(child) for child in children]
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


def receive(child: Child) -> dict[str, Any]:
    """Return what a process answers.

    Raises:
        ProcessError: it has ended, or says what went wrong.
    """
    answer: dict[str, Any] | None = child.receive()
    if answer is None:
        _, reason = child.explain_end("a process")
        raise ProcessError(reason.partition("\n")[0])
    if "error" in answer:
        raise ProcessError(answer["error"])
    return answer


def main(channel: Channel) -> None:
    """Load the backend and make calls until there are no more orders."""
    channel.use_search_path()
    try:
        serve(channel)
    except Exception as error:  # noqa: BLE001 - a backend may raise anything.
        channel.send({"error": f"{type(error).__name__}: {error}"})


def serve(channel: Channel) -> None:
    """Answer each order in turn."""
    double_list = backends.get(channel.order).double_list
    channel.send({})
    calls = Calls(Work(double_list))
    while (order := channel.receive()) is not None:
        if order:
            calls = Calls(Work(double_list, order["passes"]))
            calls.prepare()
            channel.send({})
            continue
        calls.run()
        channel.send(
            {
                "start_ns": calls.start_ns,
                "end_ns": calls.end_ns,
                "cored_s": calls.cored_s,
                "cpu_s": calls.cpu_s,
                "own_cpu_s": calls.own_cpu_s,
                "fault": calls.find_fault(),
            }
        )
