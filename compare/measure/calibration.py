"""How many passes make a call of a given length, and whether they are done at all."""

import math
from dataclasses import replace

from compare.measure.work import Calls, Work

# No CPU does this many passes in less than seconds, so what asks for more does none.
PASSES_MAX = 2**26

# The kernel takes at least so many times as long as all around it.
KERNEL_FACTOR = 32

# So many times the work has to take at least so many times the CPU time.
WORK_FACTOR = 16
GROWTH_MIN = 4.0
N_TRIES = 3


def calibrate(work: Work, target_s: float) -> Work:
    """Return the work with as many passes as make the kernel take about so long.

    Or longer, where all around the kernel would be a good part of the call otherwise.
    """
    around_s = find_quickest(replace(work, passes=1))
    target_s = max(target_s, KERNEL_FACTOR * around_s)
    enough_s = target_s / 8
    passes = 1
    while True:
        # A short call is mostly its conversions, so it tells little of a pass.
        kernel_s = time_call(replace(work, passes=passes)).cored_s - around_s
        if kernel_s >= enough_s or passes >= PASSES_MAX:
            break
        passes *= min(64, max(2, math.ceil(enough_s / max(kernel_s, enough_s / 64))))
    kernel_s = find_quickest(replace(work, passes=passes)) - around_s
    if kernel_s > 0:
        passes = round(passes * target_s / kernel_s)
    return replace(work, passes=min(PASSES_MAX, max(1, passes)))


def find_quickest(work: Work) -> float:
    """Return the quickest of a few calls: what comes in between makes them slower."""
    return min(time_call(work).cored_s for _ in range(N_TRIES))


def time_call(work: Work) -> Calls:
    """Make one call in this thread."""
    calls = Calls(work)
    calls.prepare()
    calls.run()
    return calls


def find_missing_work(work: Work) -> str:
    """Return why the work does not grow with `passes`, or "".

    CPU time is what tells: a loaded machine does not lengthen it, and sleeping is no
    work. A factor of 16 has to be seen as at least 4, which leaves room for the
    conversions that do not grow and for any noise. The calls that are compared all have
    the same values, so what was kept of an earlier one saves no work unseen.
    """
    most = max(work.passes // 4, WORK_FACTOR)
    least = most // WORK_FACTOR
    most_s, least_s = (
        find_least_cpu_s(replace(work, passes=passes)) for passes in (most, least)
    )
    if most_s >= GROWTH_MIN * least_s and most_s > 0:
        return ""
    return (
        f"double_list() passes: expected {WORK_FACTOR} times the work to take over "
        f"{GROWTH_MIN:g} times the CPU time, got {least_s:.6f} s with passes={least}, "
        f"{most_s:.6f} s with passes={most}"
    )


def find_least_cpu_s(work: Work) -> float:
    """Return the CPU time of the quickest of a few calls that are all the same."""
    calls = Calls(work)
    calls.prepare()
    cpus_s = []
    for _ in range(N_TRIES):
        calls.prepare_again()
        calls.run()
        cpus_s.append(calls.cpu_s)
    return min(cpus_s)
