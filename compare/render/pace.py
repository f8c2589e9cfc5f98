"""How long a short call takes, by the other backends of the same run.

Seconds say as much about the machine as about the backend, so a time is compared with
those of the other backends only: it changed if it did so by every one of them.
"""

from dataclasses import dataclass
from statistics import median

from compare.model import BackendResult, Report
from gilscope.stats import Figure

# By so much the short calls of one build differ now and then on a busy machine; longer
# ones differ by more (docs/method.md).
FACTOR = 2.0

# With one other backend it cannot be told which of the two has changed.
N_OTHERS = 2


@dataclass(frozen=True)
class Pace:
    """How a backend's shortest call changed between two reports.

    Attributes:
        n: how many integers the call doubles.
        before_s, after_s: its median time with nothing beside it.
        factor: how many times as long it takes, by the other backends; its range is
            from the one that says least to the one that says most.
    """

    n: int
    before_s: float
    after_s: float
    factor: Figure

    @property
    def is_apart(self) -> bool:
        """Whether it changed, whichever other backend it is compared with."""
        return self.factor.low > FACTOR or self.factor.high < 1 / FACTOR


def find_pace(before: Report, after: Report, name: str) -> Pace | None:
    """Return the pace of a backend, None if the reports do not tell it."""
    first, second = ({r.name: time_call(r) for r in each} for each in (before, after))
    times = {
        other: (old, new)
        for other, old in first.items()
        if old and (new := second.get(other)) and new[0] == old[0]
    }
    if name not in times or len(times) <= N_OTHERS:
        return None
    (n, before_s), (_, after_s) = times.pop(name)
    factors = sorted(
        after_s / before_s * old[1] / new[1] for old, new in times.values()
    )
    factor = Figure(median(factors), factors[0], factors[-1])
    return Pace(n, before_s, after_s, factor)


def time_call(result: BackendResult) -> tuple[int, float] | None:
    """Return how many integers the shortest call doubles, and its median time."""
    if result.contention is None or not result.contention.rows:
        return None
    row = min(result.contention.rows, key=lambda row: row.size)
    return (row.size, row.alone_median_s) if row.alone_median_s > 0 else None
