"""How the results of the harness are shown."""

from compare.model import Report
from gilscope.model import Check, register_renderers


def render_report(report: Report) -> str:
    """Return the table; what lays it out is imported when it is asked for."""
    from compare.render.table import render_table  # noqa: PLC0415

    return render_table(report)


def render_notebook(result: Report | Check) -> str | None:
    """Return what a notebook shows, None without the extra."""
    from compare.render import html  # noqa: PLC0415

    return html.render_notebook(result)


register_renderers(Report, text=render_report, html=render_notebook)
register_renderers(Check, html=render_notebook)
