"""How the results of the harness are shown."""

from functools import partial
from typing import Any

from compare import model
from compare.comparing import Compared, Diff
from gilscope.render import register_document
from gilscope.render.document import Document

PARTS = {
    model.Correctness: "correctness",
    model.Handoff: "handoff",
    model.Gil: "gil",
    model.Parallel: "parallel",
    model.Contention: "contention",
    model.Sweep: "sweep",
    model.Pairs: "pairs",
}


def show_report(report: model.Report) -> Document:
    """Return a report; what lays it out is imported when it is asked for."""
    from compare.render.sections import make_document  # noqa: PLC0415

    return make_document(report)


def show_backend(result: model.BackendResult) -> Document:
    """Return one backend of a report."""
    from compare.render.sections import make_backend  # noqa: PLC0415

    return make_backend(result)


def show_part(key: str, found: Any) -> Document:
    """Return one scenario of one backend."""
    from compare.render.sections import make_part  # noqa: PLC0415

    return make_part(key, found)


def show_diff(found: Diff) -> Document:
    """Return what changed between two results."""
    from compare.render import comparisons  # noqa: PLC0415

    return comparisons.show_diff(found)


def show_compared(found: Compared) -> Document:
    """Return many results side by side."""
    from compare.render import comparisons  # noqa: PLC0415

    return comparisons.show_compared(found)


register_document(Diff, show_diff)
register_document(Compared, show_compared)
register_document(model.Report, show_report)
register_document(model.BackendResult, show_backend)
for kind, key in PARTS.items():
    register_document(kind, partial(show_part, key))
