"""The tables of the page, as rows of text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from compare.model import BackendResult, Check, Environment, Report
from compare.render.explain import capitalize
from compare.render.grids import NOTHING, show_break_even, show_share
from gilscope.render.text import fact_lines
from gilscope.stats import Figure
from gilscope.units import describe_time


@dataclass(frozen=True)
class Table:
    """A table whose first row names the columns, and whose first column the rows.

    Attributes:
        caption: what it is a table of.
        rows: the texts, the heads first.
        shades: how dark a cell is, 0 to 1, by row and column.
    """

    caption: str
    rows: Sequence[Sequence[str]]
    shades: dict[tuple[int, int], float] = field(default_factory=dict)


def tabulate_handoff(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return how long each phase of the handoff took, and what Python got done."""
    rows = [
        (
            "Backend",
            "Kernel and sleep",
            "Python meanwhile",
            "Waiting for the GIL",
            "Then held",
            "Python meanwhile",
        )
    ]
    for result in results:
        found = result.handoff
        assert found is not None
        rows.append(
            (
                result.name,
                show_seconds(found.released_s),
                show_share(found.partner_progress_released),
                show_seconds(found.waiting_s),
                show_seconds(found.held_s),
                show_share(found.partner_progress_held),
            )
        )
    return (Table("The phases of the handoff", rows),)


def tabulate_gil(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return the verdicts with what they rest on."""
    rows = [
        (
            "Backend",
            "Declares",
            "Verdict",
            "With release_gil=False",
            "Released share",
            "Longest hold",
            "Why",
        )
    ]
    for result in results:
        found = result.gil
        assert found is not None
        rows.append(
            (
                result.name,
                "releases" if result.declared else "holds",
                found.verdict,
                found.held_check.verdict,
                show_share(found.check.released_fraction),
                show_seconds(found.check.longest_hold_s),
                found.check.reason,
            )
        )
    return (Table("The verdict on each backend's own call", rows),)


def tabulate_parallel(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return every speed-up with its range, beside what bounds it."""
    rows = [
        (
            "Backend",
            "Threads",
            "Speed-up",
            "Amdahl bound",
            "As many processes",
            "Of the processes",
            "Effective cores",
            "release_gil=False",
        )
    ]
    for result in results:
        found = result.parallel
        assert found is not None
        for row in found.rows:
            is_two = row.threads == 2  # noqa: PLR2004 - the held twin is of two threads.
            rows.append(
                (
                    result.name,
                    str(row.threads),
                    show_figure(row.speedup),
                    show_number(row.amdahl),
                    show_figure(row.process_speedup),
                    show_figure(row.of_processes),
                    show_number(row.effective_cores),
                    show_figure(found.held.speedup) if is_two else NOTHING,
                )
            )
    return (Table("Speed-up, with the range of its median", rows),)


def tabulate_contention(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return what short calls cost beside a Python thread that computes."""
    rows = [
        (
            "Backend",
            "Integers",
            "Alone",
            "99th percentile",
            "Beside Python",
            "99th percentile",
            "Slowed",
            "Slowed, held",
            "Speed of the other thread",
        )
    ]
    for result in results:
        found = result.contention
        assert found is not None
        rows += [
            (
                result.name,
                f"{row.size:,}",
                show_seconds(row.alone_median_s),
                show_seconds(row.alone_p99_s),
                show_seconds(row.contended_median_s),
                show_seconds(row.contended_p99_s),
                show_figure(row.slowdown),
                show_figure(row.held_slowdown),
                show_share(row.busy_thread_speed.value),
            )
            for row in found.rows
        ]
    return (Table("Time of a short call, alone and beside Python code", rows),)


def tabulate_sweep(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return from which amount of work on releasing pays."""
    cases: dict[str, None] = {}
    for result in results:
        assert result.sweep is not None
        cases.update(dict.fromkeys(item.case for item in result.sweep.break_evens))
    rows = [("Backend", *(capitalize(case) for case in cases))]
    for result in results:
        assert result.sweep is not None
        found = {str(item.case): item for item in result.sweep.break_evens}
        texts = [show_break_even(found.get(case)) for case in cases]
        rows.append((result.name, *texts))
    return (Table("The least kernel time from which on releasing pays", rows),)


def tabulate_pairs(results: Sequence[BackendResult]) -> tuple[Table, ...]:
    """Return the matrix of who stops whom, shaded by how much."""
    partners: dict[str, None] = {}
    for result in results:
        assert result.pairs is not None
        partners.update(dict.fromkeys(cell.partner for cell in result.pairs.cells))
    rows = [("This backend", *(f"stops {partner}" for partner in partners))]
    shades = {}
    for row, result in enumerate(results, start=1):
        assert result.pairs is not None
        cells = {cell.partner: cell for cell in result.pairs.cells}
        texts = []
        for column, partner in enumerate(partners, start=1):
            cell = cells.get(partner)
            if cell is None or cell.stops is None:
                texts.append(cell.reason if cell and cell.reason else NOTHING)
                continue
            texts.append(f"{cell.stops.value:.0%}")
            shades[row, column] = min(1.0, max(0.0, cell.stops.value))
        rows.append((result.name, *texts))
    return (Table("How much of its call each backend stops the other", rows, shades),)


def show_seconds(seconds: float | None) -> str:
    """Return a duration, or that there is none."""
    return describe_time(seconds) or NOTHING


def show_number(value: float | None) -> str:
    """Return a figure, or that there is none."""
    return NOTHING if value is None else f"{value:.2f}"


def show_figure(figure: Figure | None) -> str:
    """Return a figure with its range, or that there is none."""
    if figure is None:
        return NOTHING
    digits = ".2f" if figure.value < 10 else ",.0f"  # noqa: PLR2004 - more mean nothing.
    value, low, high = (
        format(number, digits) for number in (figure.value, figure.low, figure.high)
    )
    # A narrow column may break between the figure and its range, not within either.
    return f"{value} ({low}\u00a0to\u00a0{high})"


def tabulate_environment(environment: Environment) -> Table:
    """Return where the comparison ran."""
    gil = "on" if environment.gil_enabled else "off"
    build = "free-threaded" if environment.free_threaded_build else "with a GIL"
    quota, load = environment.cpu_quota, environment.load_average
    return Table(
        "Where it ran",
        (
            ("Fact", "Value"),
            ("Python", f"{environment.implementation} {environment.python}"),
            ("Build", f"{build}; the GIL was {gil}"),
            ("Switch interval", describe_time(environment.switch_interval_s)),
            ("CPUs", f"{environment.cpus_allowed} of {environment.cpu_count} allowed"),
            ("CPU quota", "none known" if quota is None else f"{quota:.2f} CPUs"),
            ("Load before", NOTHING if load is None else f"{load:.2f}"),
            ("Platform", environment.platform),
            ("gilscope", environment.gilscope),
            ("Started", environment.started_at),
        ),
    )


def tabulate_builds(report: Report) -> Table:
    """Return how each backend was built."""
    facts = ("profile", "compiler", "version", "free_threaded")
    rows = [("Backend", "Technology", *(fact.replace("_", " ") for fact in facts))]
    rows += [
        (
            result.name,
            result.technology or NOTHING,
            *(str(result.build_info.get(fact, NOTHING)) for fact in facts),
        )
        for result in report
    ]
    return Table(
        "How the backends were built", [[capitalize(c) for c in rows[0]], *rows[1:]]
    )


def tabulate_check(check: Check) -> Table:
    """Return what a verdict on one callable rests on."""
    facts = [line.strip().partition(":") for line in fact_lines(check)]
    rows = [(label, fact.strip()) for label, _, fact in facts]
    return Table("What the verdict rests on", [("Fact", "Value"), *rows])
