"""What a watch costs pure-Python work.

    python benchmarks/watch_cost.py [PAIRS]

The same work runs beside a watch and beside a thread that only sleeps as often, in
interleaved pairs. The ratio of the medians is printed with the lowest and highest of
the ratios of pairs, and the share of a core that the sampler takes.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from gilscope.watcher.watch import PERIOD_US, Watch

N_PAIRS = 10
N_TURNS = 60


def work() -> int:
    """Run Python code for about half a second."""
    total = 0
    for turn in range(N_TURNS):
        values = {number: str(number) for number in range(10_000)}
        for number, text in values.items():
            total += number + len(text) + turn
    return total


def measure() -> tuple[float, float]:
    """Return the wall time and the CPU time of the work, seconds."""
    start, start_computing = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - start, time.thread_time() - start_computing


@contextlib.contextmanager
def sleeping_thread() -> Iterator[None]:
    """Run a thread that sleeps as often as a watch does."""
    stop = threading.Event()

    def sleep() -> None:
        while not stop.is_set():
            time.sleep(PERIOD_US / 1e6)

    thread = threading.Thread(target=sleep)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_computed_s(pid: int) -> float:
    """Return for how long a process computed."""
    text = Path(f"/proc/{pid}/schedstat").read_text("ascii")
    return int(text.split()[0]) / 1e9


def main(n_pairs: int = N_PAIRS) -> None:
    """Print the ratios."""
    beside_sleep, beside_watch, shares = [], [], []
    measure()
    for _ in range(n_pairs):
        with sleeping_thread():
            beside_sleep.append(measure())
        with Watch() as watch:
            pid = watch.sampler_pid
            computed_s = read_computed_s(pid)
            beside_watch.append(measure())
            computed_s = read_computed_s(pid) - computed_s
        shares.append(computed_s / beside_watch[-1][0])
    for index, name in enumerate(("wall time", "CPU time of the thread")):
        pairs = [
            watched[index] / asleep[index]
            for watched, asleep in zip(beside_watch, beside_sleep, strict=True)
        ]
        ratio = median(one[index] for one in beside_watch) / median(
            one[index] for one in beside_sleep
        )
        low, high = min(pairs), max(pairs)
        print(f"{name}: {ratio:.3f} (pairs: {low:.3f} to {high:.3f})")  # noqa: T201
    print(f"sampler: {median(shares):.1%} of a core")  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
