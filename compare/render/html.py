"""The report as HTML: one file that needs nothing else, or a part of a notebook.

jinja2 and matplotlib are an extra of the distribution, so they are imported where they
are used, after `require_extra` has said what to install.
"""

import hashlib
import importlib.util
import os
from functools import partial
from pathlib import Path
from typing import Any

from compare.model import Check, Handoff, Report
from compare.render import tabulate
from compare.render.explain import explain_backend
from compare.render.sections import make_overview, make_sections
from compare.render.timeline import MARKS, make_lanes
from gilscope.render.text import head_lines
from gilscope.units import describe_time

EXTRA = ("jinja2", "matplotlib")


def find_missing() -> list[str]:
    """Return what the HTML report needs and is not installed."""
    return [name for name in EXTRA if importlib.util.find_spec(name) is None]


def require_extra() -> None:
    """Say what to install if the HTML report cannot be made here.

    Raises:
        ImportError: jinja2 or matplotlib is not installed.
    """
    if missing := find_missing():
        message = (
            f"the HTML report needs {' and '.join(missing)}; "
            "run: pip install 'gilscope[html]'"
        )
        raise ImportError(message)


def render_page(report: Report, path: str | os.PathLike[str] | None = None) -> str:
    """Return the report as one HTML file, and write it if a path is given."""
    require_extra()
    text = render_report(report, is_page=True)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def render_notebook(found: Report | Check) -> str | None:
    """Return a report or a check as a part of a notebook, None without the extra."""
    if find_missing():
        return None
    if isinstance(found, Check):
        return render_check(found)
    return render_report(found, is_page=False)


def render_report(report: Report, *, is_page: bool) -> str:
    """Return the page, or what a notebook shows of it."""
    # Half of a surrogate pair, which a backend's name may have, can be neither drawn
    # nor written.
    content = report.to_json().encode(errors="replace")
    report = Report.from_json(content.decode())
    # Two reports in one notebook must not share ids.
    key = f"g{hashlib.sha256(content).hexdigest()[:8]}"
    return render_template(
        "report.html.j2",
        is_page=is_page,
        key=key,
        report=report,
        states=tuple(MARKS),
        overview=make_overview(report),
        timelines=make_timelines(report, key),
        sections=make_sections(report),
        charts=make_charts(report, key),
        explanations=[explain_backend(result, report.environment) for result in report],
        environment=tabulate.tabulate_environment(report.environment),
        builds=tabulate.tabulate_builds(report),
    )


def render_check(check: Check) -> str:
    """Return one verdict as a part of a notebook."""
    return render_template(
        "check.html.j2",
        check=check,
        lines=[line.strip() for line in head_lines(check)],
        table_of_facts=tabulate.tabulate_check(check),
    )


def render_template(name: str, **values: Any) -> str:
    """Fill in a template; every text is escaped."""
    import jinja2  # noqa: PLC0415 - an extra.

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)


def make_timelines(report: Report, key: str) -> dict[str, Any]:
    """Return the timeline of each backend that has one, all on one scale."""
    from compare.render.chart_timeline import draw_timeline  # noqa: PLC0415 - an extra.
    from compare.render.svg import make_chart  # noqa: PLC0415

    found = {
        result.name: result.handoff
        for result in report
        if result.handoff and result.handoff.events
    }
    end_s = max(
        (event.at_s for handoff in found.values() for event in handoff.events),
        default=0,
    )
    return {
        name: make_chart(
            f"{key}-timeline-{number}",
            f"Timeline of {name}",
            describe_timeline(name, handoff),
            partial(draw_timeline, name, handoff, end_s),
        )
        for number, (name, handoff) in enumerate(found.items())
    }


def describe_timeline(name: str, handoff: Handoff) -> str:
    """Say in words what the timeline shows, for who does not see it."""
    lanes = [
        f"{lane.label}: "
        + ", ".join(
            f"{phase.state} {describe_time(phase.duration_s)}" for phase in lane.phases
        )
        for lane in make_lanes(name, handoff)
    ]
    return f"{'; '.join(lanes)}; {len(handoff.ticks_s)} ticks of Python code."


def make_charts(report: Report, key: str) -> dict[str, Any]:
    """Return the charts of the figures by the scenario that they show."""
    from compare.render import charts  # noqa: PLC0415 - an extra.
    from compare.render.svg import make_chart  # noqa: PLC0415

    drawings = {
        "parallel": (
            charts.draw_speedups,
            "Speed-up of two threads",
            (
                "A bar for each backend, with its Amdahl bound, the speed-up of two "
                "processes and its own held control"
            ),
        ),
        "contention": (
            charts.draw_contention,
            "Slowdown of short calls",
            (
                "For each backend and size, how much longer a call takes beside Python "
                "code, releasing the GIL and holding it"
            ),
        ),
        "sweep": (
            charts.draw_sweep,
            "Gain by amount of work",
            (
                "A line for each backend: what releasing gains over holding, for two "
                "threads that call, and for one beside Python code"
            ),
        ),
    }
    return {
        scenario: make_chart(
            f"{key}-{scenario}",
            title,
            f"{description}. The table below has the figures.",
            partial(draw, report.backends),
        )
        for scenario, (draw, title, description) in drawings.items()
        if any(getattr(result, scenario) is not None for result in report)
    }
