"""What an audit of a package's C calls found, as a document."""

from gilscope.model import Audit
from gilscope.render import register_document
from gilscope.render.document import Answer, Column, Document, Note, Section, tabulate

AUDIT_COLUMNS = (
    Column("verdict", "verdict:verdict", "what the watched calls did"),
    Column(
        "released",
        lambda one: f"{one.n_released} of {one.n_watched}",
        "how many of the watched calls released the GIL",
    ),
    Column("calls", "n_calls", "how often the suite called it"),
    Column("longest", "longest_s:s", "the longest of the watched calls"),
)


def show_audit(found: Audit) -> Document:
    """Return a table of the functions, the longest calls first."""
    rows = [(one.name, one) for one in found.functions]
    names = ", ".join(found.packages)
    verdicts = [one.verdict for one in found.functions]
    n_varying = verdicts.count("varies")
    some = f"{n_varying} in some calls only, " if n_varying else ""
    answer = (
        f"{names}: {len(rows)} C functions were called; {verdicts.count('releases')} "
        f"release the GIL, {some}{verdicts.count('holds')} hold it"
        if rows
        else f"{names}: no C function of it was called"
    )
    unclear = f"{found.n_unclear} watched calls told nothing"
    section = Section(
        "The answer",
        answers=(Answer(answer),),
        tables=(tabulate("C functions", AUDIT_COLUMNS, rows, "function"),)
        if rows
        else (),
        notes=(Note(unclear),) if found.n_unclear else (),
    )
    return Document(f"Audit of {names}", "", (section,))


register_document(Audit, show_audit)
