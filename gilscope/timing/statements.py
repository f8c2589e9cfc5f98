"""A statement measured as a callable is, in a process of its own."""

import importlib
from collections.abc import Callable, Sequence

from gilscope.channel import Channel
from gilscope.measurement import Measurement
from gilscope.probe.child import ask_child
from gilscope.timing.calls import StatementWork, describe_work_error
from gilscope.timing.measuring import measure_works

# A day: whoever asked for so many sizes ends it before.
TIMEOUT_S = 86_400.0


def measure_statement(  # noqa: PLR0913 - all but the first are by name.
    statement: str,
    *,
    setup: str = "pass",
    threads: Sequence[int] = (2,),
    sizes: Sequence[int] | None = None,
    held: str | None = None,
    path: Sequence[str] | None = None,
) -> Measurement:
    """Measure a statement, as `python -m timeit` takes it.

    Args:
        statement: `{size}` in it, in the setup and in the twin stands for the size.
        setup: what is run once before, in each process.
        threads: as for `gilscope.measure`.
        sizes: likewise.
        held: a statement that does the same and holds the GIL.
        path: where modules are looked for; None = where this process does.

    Raises:
        StatementError: one of them raised or crashed.
    """
    order = {
        "texts": {"the statement": statement, "--held": held},
        "setup": setup,
        "sizes": sizes,
        "threads": threads,
    }
    entry = f"{__name__}:serve_statement"
    return ask_child(entry, order, Measurement, timeout_s=TIMEOUT_S, path=path)


def serve_statement(channel: Channel) -> None:
    """Measure what the parent orders, and send what was found."""
    texts, setup = channel.order["texts"], channel.order["setup"]

    def make_work(role: str, size: int | None) -> StatementWork:
        return StatementWork(texts[role], setup, size, role)

    name, held = texts
    pair = name, held if texts[held] else None
    sizes, threads = channel.order["sizes"], channel.order["threads"]
    answer_order(
        channel, lambda: measure_works(texts[name], make_work, pair, sizes, threads)
    )


def answer_order(channel: Channel, find_out: Callable[[], object]) -> None:
    """Send what is found out of statements, or what one raised; the process ends."""
    # Before the user's modules can take the place of what it needs.
    importlib.import_module("gilscope.probe.judge")
    channel.use_search_path()
    try:
        channel.send({"found": find_out()})
    except BaseException as error:  # noqa: BLE001 - whatever a statement raises.
        channel.send({"error": describe_work_error(error)})
    channel.exit()
