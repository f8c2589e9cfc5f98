"""From what the sampler read to a `Hold`: source text and function called."""

import ast
import builtins
import linecache
import sys
import types
from collections.abc import Mapping
from typing import Any

from gilscope.watcher.model import Frame, Hold

MAX_TEXT = 200
COLLECTION = "garbage collection"
# Of these the names are fixed: reading them runs no code of the program.
_NAMED = (
    types.BuiltinFunctionType,
    types.FunctionType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    type,
)
# Of a local variable of such a type an attribute may be anything.
_UNKNOWN_TYPES = frozenset({"", "cell", "function", "method", "module", "type"})
_Missing = object()


def make_hold(report: Mapping[str, Any], thread: str) -> Hold:
    """Return the hold that the sampler reports with a place."""
    place = report["place"]
    stack = tuple(Frame(*frame) for frame in place["stack"])
    file, line, _ = place["stack"][0]
    text = read_source(file, place["position"])
    function = None
    if place["is_collecting"]:
        function = COLLECTION
    elif "CALL" in place["opcode"]:
        function = find_function(text, file, place["types"])
    kept_s = report["kept_ns"] / 1e9
    return Hold(file, line, text, function, stack, thread, 1, kept_s, kept_s)


def read_source(file: str, position: list[int | None]) -> str:
    """Return the source at a position (first and last line, columns in bytes)."""
    first, last, start, end = position
    if first is None:
        return ""
    lines = [
        linecache.getline(file, number).encode()
        for number in range(first, min(last or first, first + MAX_TEXT) + 1)
    ]
    if start is not None and end is not None and last is not None:
        # The end goes first: on a single line both count from its beginning.
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
    text = " ".join(line.decode(errors="replace").strip() for line in lines).strip()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."


def find_function(text: str, file: str, local_types: Mapping[str, str]) -> str | None:
    """Return the name of the function that the call in `text` calls, if it is known."""
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None
    names: list[str] = []
    node = call.func if isinstance(call, ast.Call) else None
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Constant):
        return find_local_function(type(node.value).__name__, names)
    if not isinstance(node, ast.Name):
        return None
    if node.id in local_types:
        return find_local_function(local_types[node.id], names)
    return find_global_function(node.id, names, file)


def find_local_function(kind: str, names: list[str]) -> str | None:
    """Return the name of what a variable of a type, or an attribute of it, calls."""
    if kind in _UNKNOWN_TYPES or len(names) > 1:
        return None
    if kind.endswith("()"):
        return None if names else kind.removesuffix("()")
    return f"{kind}.{names[0] if names else '__call__'}"


def find_global_function(root: str, names: list[str], file: str) -> str | None:
    """Return the name of what a dotted name means in the module of a file."""
    spaces = [_read_dict(module) or {} for module in list(sys.modules.values())]
    # A script's __main__ loses the name of its file at its end.
    main = _read_dict(sys.modules.get("__main__")) or {}
    space = next(
        (space for space in spaces if space.get("__file__") == file),
        main if "__file__" not in main else None,
    )
    if space is None:
        return None
    found = space.get(root, vars(builtins).get(root, _Missing))
    for index, name in enumerate(names):
        space = _read_dict(found)
        if space is not None:
            found = space.get(name, _Missing)
        elif isinstance(found, type):
            found = next(
                (vars(base)[name] for base in found.__mro__ if name in vars(base)),
                _Missing,
            )
        elif found is not _Missing and index == len(names) - 1:
            return f"{type(found).__qualname__}.{name}"
        else:
            return None
    # Not isinstance(), which asks a proxy for its `__class__`.
    if not issubclass(type(found), _NAMED):
        return None
    # A method of a type written in C has no module.
    module_name = getattr(found, "__module__", None)
    name = getattr(found, "__qualname__", "")
    return name if module_name in {None, "builtins"} else f"{module_name}.{name}"


def _read_dict(module: object) -> dict[str, Any] | None:
    """Return the namespace of a module without running code of its own."""
    # Not isinstance(), which what cffi puts beside the modules passes.
    if not issubclass(type(module), types.ModuleType):
        return None
    space: dict[str, Any] = types.ModuleType.__getattribute__(module, "__dict__")
    return space
