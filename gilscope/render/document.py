"""What there is to show, before it becomes text, Markdown or a page.

A document answers first: each section begins with one sentence a subject, then come
the figures, then how to read them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gilscope.render.markup import Markup
from gilscope.render.table import Table, Tone


@dataclass(frozen=True)
class Answer:
    """One subject's answer.

    Attributes:
        text: one plain sentence; it begins with the subject.
        word: the verdict or status it stands for, "" = none.
        tone: how that is coloured.
    """

    text: str
    word: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Note:
    """A text below the figures.

    Attributes:
        text: what it says; lines stay lines.
        heading: whose it is or what it is about, "" = of everything.
        tone: how it is coloured.
    """

    text: str
    heading: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Details:
    """Notes that a page folds away, and that Markdown and a terminal leave out."""

    title: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Section:
    """One question with its answers.

    Attributes:
        title: the question.
        lead: a sentence on how it was looked at.
        answers: the first thing that is shown.
        tables: the figures.
        notes: what is odd, or missing.
        details: what is folded away.
        draw: returns the drawings of a page; it is called only for one.
        is_brief: whether a terminal shows it without being asked for more.
    """

    title: str
    lead: str = ""
    answers: tuple[Answer, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[Note, ...] = ()
    details: tuple[Details, ...] = ()
    draw: Callable[[], Markup] | None = None
    is_brief: bool = True


@dataclass(frozen=True)
class Document:
    """Everything that is shown of one result.

    Attributes:
        title: what it is.
        where: where and when it was found out, in a line.
        sections: in their order; the first one has the answer.
        more: what shows the rest of it, for a terminal; "" = nothing does.
    """

    title: str
    where: str
    sections: tuple[Section, ...]
    more: str = ""
