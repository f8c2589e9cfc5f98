"""How results are shown: each becomes a document, which has one renderer a form."""

from collections.abc import Callable
from typing import Any, TypeVar

from gilscope.record import Form, register_renderer
from gilscope.render.document import Document

T = TypeVar("T")

_documents: dict[type, Callable[[Any], Document]] = {}


def register_document(kind: type[T], make_document: Callable[[T], Document]) -> None:
    """Say which document shows results of a type."""
    _documents[kind] = make_document
    register_renderer(kind, lambda found, form: _render(make_document(found), form))


def get_document(result: object) -> Document:
    """Return the document that shows a result."""
    return _documents[type(result)](result)


def _render(document: Document, form: Form) -> str:
    # A renderer is loaded by a command that prints, not by one that measures.
    if form in ("text", "full text"):
        from gilscope.render.terminal import render_text  # noqa: PLC0415

        return render_text(document, is_brief=form == "text")
    if form == "markdown":
        from gilscope.render.markdown import render_markdown  # noqa: PLC0415

        return render_markdown(document)
    from gilscope.render.page import render_fragment, render_page  # noqa: PLC0415

    return render_page(document) if form == "page" else render_fragment(document)
