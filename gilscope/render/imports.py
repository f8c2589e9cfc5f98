"""What an import did to the GIL, as a document."""

from gilscope.imports import ModuleImport
from gilscope.render import register_document
from gilscope.render.document import (
    Answer,
    Cell,
    Column,
    Document,
    Section,
    Table,
    Tone,
)

ABILITIES: dict[bool | None, tuple[str, Tone]] = {
    True: ("can release the GIL", "good"),
    False: ("cannot release the GIL by itself", "bad"),
    None: ("not known: the file is neither ELF nor Mach-O", "muted"),
}


def show_import(found: ModuleImport) -> Document:
    """Return the answer in a sentence, and a line for each extension module."""
    rows = [
        (one.name, one.binding, Cell(*ABILITIES[one.can_release]))
        for one in found.extensions
    ]
    table = Table("Extension modules", (Column(""), Column(""), Column("")), rows)
    section = Section(
        "The answer",
        answers=(Answer(f"{found.module}: {describe_import(found)}"),),
        tables=(table,) if rows else (),
    )
    return Document(f"The import of {found.module}", "", (section,))


def describe_import(found: ModuleImport) -> str:
    """Say what the import did to the GIL."""
    if found.error:
        return f"the import failed: {found.error}"
    if found.gil_enabled_by is not None:
        return f"the import of {found.gil_enabled_by} turns the GIL on"
    if found.free_threaded_build:
        return "the import keeps the GIL off"
    return "only a free-threaded build shows whether the import turns the GIL on"


register_document(ModuleImport, show_import)
