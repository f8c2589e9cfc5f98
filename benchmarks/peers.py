"""Two other ways to answer "does it release the GIL?", for known_callables.py.

- gilknocker: a native thread asks for the GIL at intervals; its metric is the share of
  time for which it had to wait.
- Two-thread timing, as many tests do: two threads have to be 1.5 times as fast as one.
"""

import statistics
import threading
import time
from collections.abc import Callable

try:
    import gilknocker
except ImportError:
    gilknocker = None

Call = Callable[[], object]

# How long each of them looks, in seconds.
LOOK_S = 0.2
# Others waited for less than this share of the time: it releases.
CONTENTION_MAX = 0.5
# The gate that tests put around two threads.
SPEEDUP_MIN = 1.5
N_ROUNDS = 3


def judge_by_gilknocker(call: Call) -> str:
    """Return "releases", "does not", or "" where gilknocker is not installed."""
    if gilknocker is None:
        return ""
    knocker = gilknocker.KnockKnock(
        polling_interval_micros=1000, sampling_interval_micros=100
    )
    knocker.start()
    deadline = time.perf_counter() + LOOK_S
    while time.perf_counter() < deadline:
        call()
    contention: float = knocker.contention_metric
    knocker.stop()
    return "releases" if contention < CONTENTION_MAX else "does not"


def judge_by_timing(call: Call) -> str:
    """Return "releases" or "does not" by the time of two threads.

    Some calls refuse a second thread: of these it returns "".
    """
    start = time.perf_counter()
    call()
    n_calls = max(
        1, int(LOOK_S / N_ROUNDS / 4 / max(time.perf_counter() - start, 1e-7))
    )

    refusals = []

    def work() -> None:
        try:
            for _ in range(n_calls):
                call()
        except Exception as error:  # noqa: BLE001 - it is anybody's call.
            refusals.append(error)

    speedups = []
    for _ in range(N_ROUNDS):
        start = time.perf_counter()
        work()
        work()
        alone_s = time.perf_counter() - start
        threads = [threading.Thread(target=work) for _ in range(2)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        speedups.append(alone_s / (time.perf_counter() - start))
        if refusals:
            return ""
    return "releases" if statistics.median(speedups) >= SPEEDUP_MIN else "does not"
