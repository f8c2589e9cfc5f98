"""What an audit of a package's C calls found, as a document."""

from gilscope.model import Audit, Verdict
from gilscope.render import register_document
from gilscope.render.document import Answer, Document, Note, Section
from gilscope.render.table import Cell, Column, Table, Tone
from gilscope.units import describe_time

TONES: dict[Verdict, Tone] = {
    "releases": "good",
    "varies": "unsure",
    "holds": "bad",
    "inconclusive": "muted",
}
COLUMNS = (
    Column("function"),
    Column("verdict", "what the watched calls did"),
    Column("released", "how many of the watched calls released the GIL"),
    Column("calls", "how often the suite called it"),
    Column("longest", "the longest of the watched calls"),
)


def make_document(found: Audit) -> Document:
    """Return a table of the functions, the longest calls first."""
    rows = [
        (
            one.name,
            Cell(one.verdict, TONES[one.verdict]),
            f"{one.n_released} of {one.n_watched}",
            str(one.n_calls),
            describe_time(one.longest_s),
        )
        for one in found.functions
    ]
    names = ", ".join(found.packages)
    n_holding = sum(one.verdict == "holds" for one in found.functions)
    n_releasing = sum(one.verdict == "releases" for one in found.functions)
    answer = (
        f"{names}: {len(rows)} C functions were called; {n_releasing} release the GIL, "
        f"{n_holding} hold it"
        if rows
        else f"{names}: no C function of it was called"
    )
    unclear = f"{found.n_unclear} watched calls told nothing"
    section = Section(
        "The answer",
        answers=(Answer(answer),),
        tables=(Table("C functions", COLUMNS, rows),) if rows else (),
        notes=(Note(unclear),) if found.n_unclear else (),
    )
    return Document(f"Audit of {names}", "", (section,))


register_document(Audit, make_document)
