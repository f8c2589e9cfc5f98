"""The same calls in processes of their own: what the machine can give at the moment."""

import base64
import importlib
import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from gilscope.channel import Channel
from gilscope.process import STANDARD_ERROR, Child
from gilscope.timing.calls import Calls, Wall, Work, measure_wall

# A set of calls that takes longer hangs.
CALLS_TIMEOUT_S = 60.0
# An interpreter that takes longer to end waits for something of its own, which is not
# for the calls to answer for.
END_TIMEOUT_S = 3.0


class ProcessError(Exception):
    """A process could not do what it was asked for."""


class Processes(ExitStack):
    """So many processes that have the same works, ended with the `with` block."""

    def __init__(self, works: Sequence[Work], n_processes: int) -> None:
        """Pickle what is to be called; a ProcessError says if that cannot be."""
        super().__init__()
        try:
            pickled = pickle.dumps([*works])
        except Exception as error:
            message = f"the call cannot be had in another process: {error}"
            raise ProcessError(message) from error
        if b"__main__" in pickled:
            message = "the call is of a main module, which is not imported there"
            raise ProcessError(message)
        order = {
            "modules": works[0].modules,
            "works": base64.b64encode(pickled).decode(),
        }
        self._children = [
            Child(
                f"{__name__}:serve",
                order,
                timeout_s=CALLS_TIMEOUT_S,
                renews=True,
                guards=False,
                # What is printed there is told where this process is listened to.
                stdout=STANDARD_ERROR,
                stderr=None,
            )
            for _ in range(n_processes)
        ]

    def wait(self) -> None:
        """Start them, and wait until each has loaded the works."""
        for child in self._children:
            self.enter_context(child)
        for child in self._children:
            receive(child)

    def find_end_fault(self) -> str:
        """Let one of them end as any interpreter does; return what is wrong then."""
        exit_code = self._children[0].wait_for_end(END_TIMEOUT_S)
        if not exit_code:
            return ""
        return f"an interpreter that called it ended with exit status {exit_code}"

    def measure_wall(
        self, place: int, count: int, n_processes: int, *, is_reversed: bool = False
    ) -> tuple[Wall, str]:
        """Let so many of them make their calls of a work at the same time.

        Returns:
            What the calls took, and what is wrong with their answers, or "".
        """
        children = self._children[:n_processes]
        if is_reversed:
            children.reverse()
        for order in ([place, count], []):
            for child in children:
                child.send(order)
            answers = [receive(child) for child in children]
        start_ns = min(answer["start_ns"] for answer in answers)
        end_ns = max(answer["end_ns"] for answer in answers)
        # Processes cannot stop each other, so with a core each the longest call is all.
        wall = Wall(
            seconds=(end_ns - start_ns) / 1e9,
            unqueued_s=max(answer["unqueued_s"] for answer in answers),
            cpu_s=sum(answer["cpu_s"] for answer in answers),
            own_cpu_s=sum(answer["own_cpu_s"] for answer in answers),
        )
        return wall, next(filter(None, (answer["fault"] for answer in answers)), "")


def receive(child: Child) -> dict[str, Any]:
    """Return the next answer of a process; a ProcessError says why there is none."""
    answer: dict[str, Any] | None = child.receive()
    if answer is None:
        _, reason = child.explain_end("a process of its own")
        raise ProcessError(reason.partition("\n")[0])
    if "error" in answer:
        raise ProcessError(answer["error"])
    return answer


def serve(channel: Channel) -> None:
    """Prepare the calls that the parent orders; make them at the next, empty order."""
    # What the work itself needs comes from where we are, the rest from the user.
    for module in channel.order["modules"]:
        importlib.import_module(module)
    channel.use_search_path()
    try:
        works: list[Work] = pickle.loads(base64.b64decode(channel.order["works"]))  # noqa: S301
        channel.send({})
        calls = Calls(works[0])
        while (order := channel.receive()) is not None:
            if order:
                place, count = order
                calls = Calls(works[place], count, is_stamped=False)
                calls.prepare()
                channel.send({})
                continue
            calls.run()
            ends = {"start_ns": calls.start_ns, "end_ns": calls.end_ns}
            took = asdict(measure_wall([calls]))
            channel.send({**ends, **took, "fault": calls.find_fault()})
    except Exception as error:  # noqa: BLE001 - whatever the call raises.
        channel.send({"error": f"{type(error).__name__}: {error}"})
