"""From the rounds of the scenario `parallel` to its figures and what they mean."""

import dataclasses
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from compare.measure.work import N_VALUES, Wall
from compare.model import Concurrency, Parallel, ParallelRow
from gilscope.stats import (
    Figure,
    describe_ratio,
    find_unsteady,
    summarize,
)

# Serialized calls overlap by 1 at most; a busy machine lowers the overlap of calls that
# run in parallel. So the line lies near 1.
PARALLEL = 1.2

# How many of the rounds have to agree on which side of the line they lie.
AGREEING = 0.75

# Calls that take less than this share of the CPU time of calls alone skip some of the
# work: nothing else makes the same work so much cheaper.
WORK_DONE_MIN = 0.5

# A call that computes in its own thread takes this share of its CPU time there.
OWN_SHARE = 0.9

# With less than this from two processes, there was no second core to be had.
TWO_CORES = 1.5


@dataclass
class Round:
    """What one round measured.

    Attributes:
        call_s, call_cpu_s, call_own_cpu_s: one call alone; on the clock, the CPU time
            of the process, that of the calling thread.
        held: two threads with release_gil=False.
        held_shares: of the calls made alone.
        threads, processes: by how many there were.
    """

    call_s: float
    call_cpu_s: float
    call_own_cpu_s: float
    held: Wall
    held_shares: tuple[float, ...] = ()
    threads: dict[int, Wall] = field(default_factory=dict)
    processes: dict[int, Wall] = field(default_factory=dict)


@dataclass
class Measured:
    """All rounds, and what was the same in them.

    Attributes:
        passes: the work of one call.
        releases_gil: what the backend declares.
        has_gil: whether there was a GIL in this process.
        tells_waits: whether the system tells how long a thread waited for a core.
        rounds: the order of the threads turned each time.
        warnings, failures: what came up meanwhile.
    """

    passes: int
    releases_gil: bool
    has_gil: bool
    tells_waits: bool = False
    rounds: list[Round] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def summarize_rounds(measured: Measured) -> Parallel:
    """Make the result of the scenario."""
    rounds = measured.rounds
    held_share = find_held_share(measured)
    rows = tuple(
        summarize_row(rounds, count, held_share) for count in rounds[0].threads
    )
    walls = [found.threads[2].seconds for found in rounds]
    result = Parallel(
        alone_s=statistics.median(found.call_s for found in rounds),
        rows=rows,
        held=summarize_walls(rounds, 2, [found.held for found in rounds]),
        held_fraction=held_share,
        order_s=(statistics.median(walls[::2]), statistics.median(walls[1::2])),
        size=N_VALUES,
        passes=measured.passes,
        n_rounds=len(rounds),
        failures=(*measured.failures, *find_skipped_work(rounds)),
        contradictions=tuple(find_contradictions(measured)),
    )
    return dataclasses.replace(
        result,
        findings=describe(result, has_gil=measured.has_gil),
        warnings=(*measured.warnings, *find_doubts(result)),
    )


def find_skipped_work(rounds: Sequence[Round]) -> tuple[str, ...]:
    """Say that calls do less when others run beside them, if they do."""
    call_s = statistics.median(found.call_cpu_s for found in rounds)
    own_s = statistics.median(found.call_own_cpu_s for found in rounds)
    failures = []
    for place, walls in (
        ("beside another one", [found.threads[2] for found in rounds]),
        ("with release_gil=False", [found.held for found in rounds]),
    ):
        found_s = statistics.median(wall.cpu_s for wall in walls) / 2
        if own_s >= OWN_SHARE * call_s:
            # One of the two may do all of its work, and not always the same one.
            least_s = statistics.median(wall.least_own_cpu_s for wall in walls)
            found_s = min(found_s, least_s)
        if found_s < WORK_DONE_MIN * call_s:
            failures.append(
                f"double_list() passes: expected a call {place} to take about "
                f"{call_s:.6f} s of CPU time as well, got {found_s:.6f} s"
            )
    return tuple(failures)


def find_contradictions(measured: Measured) -> Iterator[str]:
    """Say that the calls ran otherwise than is declared, if all rounds agree on it."""
    if not (measured.has_gil and measured.tells_waits):
        return
    overlaps = [find_overlap(found.threads[2]) for found in measured.rounds]
    held_overlaps = [find_overlap(found.held) for found in measured.rounds]
    if measured.releases_gil and max(overlaps) <= PARALLEL:
        yield "declares that it releases the GIL, but two calls are serialized"
    if not measured.releases_gil and min(overlaps) > PARALLEL:
        yield "declares that it does not release the GIL, but two calls run in parallel"
    if min(held_overlaps) > PARALLEL:
        yield "two calls run in parallel with release_gil=False"


def find_held_share(measured: Measured) -> float | None:
    """Return the share of a call in which no other one can run, None if unknown."""
    if not measured.has_gil:
        return 0.0
    if not measured.releases_gil:
        return 1.0
    shares = [share for found in measured.rounds for share in found.held_shares]
    return statistics.median(shares) if shares else None


def bound_speedup(held_share: float | None, threads: int) -> float | None:
    """Return the most that so many threads can gain.

    Source:
        Amdahl, Validity of the single processor approach, AFIPS 1967.
    """
    if held_share is None:
        return None
    return 1 / (held_share + (1 - held_share) / threads)


def summarize_row(
    rounds: Sequence[Round], threads: int, held_share: float | None
) -> ParallelRow:
    """Make the row of one number of threads."""
    walls = [found.threads[threads] for found in rounds]
    row = summarize_walls(rounds, threads, walls)
    row = dataclasses.replace(row, amdahl=bound_speedup(held_share, threads))
    if not all(threads in found.processes for found in rounds):
        return row
    beside = [found.processes[threads] for found in rounds]
    pairs = zip(walls, beside, strict=True)
    return dataclasses.replace(
        row,
        process_speedup=find_speedup(rounds, threads, beside),
        of_processes=summarize([other.cored_s / wall.cored_s for wall, other in pairs]),
    )


def summarize_walls(
    rounds: Sequence[Round], threads: int, walls: Sequence[Wall]
) -> ParallelRow:
    """Make the part of a row that needs no processes."""
    overlaps = [find_overlap(wall) for wall in walls]
    return ParallelRow(
        threads=threads,
        wall_s=statistics.median(wall.seconds for wall in walls),
        speedup=find_speedup(rounds, threads, walls),
        overlap=summarize(overlaps),
        concurrency=decide(overlaps) if threads > 1 else "parallel",
        effective_cores=statistics.median(wall.cpu_s / wall.seconds for wall in walls),
    )


def find_speedup(rounds: Sequence[Round], count: int, walls: Sequence[Wall]) -> Figure:
    """Return how many times as fast as one after the other so many calls were."""
    return summarize(
        [
            count * found.call_s / wall.seconds
            for found, wall in zip(rounds, walls, strict=True)
        ]
    )


def find_overlap(wall: Wall) -> float:
    """Return how many calls ran in parallel on average, had each had a core."""
    return wall.cpu_s / wall.cored_s


def decide(overlaps: Sequence[float]) -> Concurrency:
    """Say whether the calls ran in parallel, unless the rounds do not agree on it."""
    n_parallel = sum(overlap > PARALLEL for overlap in overlaps)
    if n_parallel >= AGREEING * len(overlaps):
        return "parallel"
    n_serialized = len(overlaps) - n_parallel
    return "serialized" if n_serialized >= AGREEING * len(overlaps) else "unclear"


def describe(result: Parallel, *, has_gil: bool) -> tuple[str, ...]:
    """Say in words what the figures bear, and no more."""
    pair, held = result.pair, result.held
    findings = [
        describe_ratio(pair.speedup, "2 threads", "one call after the other"),
        describe_ratio(
            held.speedup, "2 threads with release_gil=False", "one call after the other"
        ),
    ]
    if pair.of_processes is not None:
        words = describe_ratio(pair.of_processes, "2 threads", "2 processes")
        findings.insert(1, words)
    if "unclear" in (pair.concurrency, held.concurrency):
        findings.append("the rounds do not agree on whether the calls ran in parallel")
    if not has_gil:
        findings.append("there is no GIL here that a call could hold")
    elif pair.amdahl is not None and result.held_fraction is not None:
        findings.append(
            f"the GIL is held for {result.held_fraction:.1%} of a call, which allows "
            f"a speed-up of {pair.amdahl:.2f} at most"
        )
    return tuple(findings)


def find_doubts(result: Parallel) -> tuple[str, ...]:
    """Say what makes the figures unsure, with the figure that says so."""
    doubts = list(find_unsteady(speedup=result.pair.speedup))
    processes = result.pair.process_speedup
    if processes is not None and processes.value < TWO_CORES:
        doubts.append(
            f"2 processes are {processes.value:.2f} times as fast as one: "
            "no second core was free"
        )
    return tuple(doubts)
