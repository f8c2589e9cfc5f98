"""What is wrong with a statement of the command line, and where."""

import sys
import traceback
from collections.abc import Mapping

# What the code is compiled as, and what the reader calls it.
PLACES = {
    "<statement>": "the statement",
    "<setup>": "the setup",
    "<prepare>": "what prepares a call",
}


def describe_error(error: BaseException, sources: Mapping[str, str]) -> str:
    """Return in one line where an error came from, what it was, and what may help.

    Args:
        error: what running or compiling the sources raised.
        sources: the texts by what they were compiled as, such as "<setup>".
    """
    text = traceback.format_exception_only(error)[-1].strip()
    name, line_number = find_place(error, sources)
    parts = [text]
    if name:
        lines = sources[name].splitlines()
        place = f"in {PLACES[name]}"
        if len(lines) > 1:
            place += f", line {line_number}"
        if 0 < line_number <= len(lines):
            place += f", {lines[line_number - 1].strip()!r}"
        parts.insert(0, place)
    message = ": ".join(parts)
    missing = getattr(error, "name", None)
    if isinstance(error, NameError) and missing:
        known = missing in sys.stdlib_module_names
        what = f"import {missing}" if known else f"{missing} = ..."
        message += f"; -s defines names, such as: -s '{what}'"
    return message


def find_place(error: BaseException, sources: Mapping[str, str]) -> tuple[str, int]:
    """Return the source and the line that an error came from, ("", 0) if neither."""
    if isinstance(error, SyntaxError) and (error.filename or "") in sources:
        return error.filename or "", error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.filename in sources:
            return frame.filename, frame.lineno or 0
    return "", 0
