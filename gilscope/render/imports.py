"""What an import did to the GIL, in words."""

from gilscope.imports import ModuleImport
from gilscope.model import register_renderers


def render_import(found: ModuleImport) -> str:
    """Return the answer in a sentence, and a line for each extension module."""
    lines = [f"{found.module}: {describe_import(found)}"]
    width = max((len(one.name) for one in found.extensions), default=0)
    for one in found.extensions:
        ability = {
            True: "can release the GIL",
            False: "cannot release the GIL by itself: no import of PyEval_SaveThread",
            None: "not known: the file is neither ELF nor Mach-O",
        }[one.can_release]
        lines.append(f"  {one.name:<{width}}  {one.binding:<9} {ability}")
    return "\n".join(lines)


def describe_import(found: ModuleImport) -> str:
    """Say what the import did to the GIL."""
    if found.error:
        return f"the import failed: {found.error}"
    if found.gil_enabled_by is not None:
        return f"the import of {found.gil_enabled_by} turns the GIL on"
    if found.free_threaded_build:
        return "the import keeps the GIL off"
    return "whether the import turns the GIL on shows in a free-threaded build only"


register_renderers(ModuleImport, text=render_import)
