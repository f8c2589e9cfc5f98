"""Results as data: frozen dataclasses, to and from JSON, and what they look like there.

What is read may be anybody's: it is taken only if each field is of the type that is
promised, and what is not is told with its place.
"""

import dataclasses
import functools
import json
import math
import os
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from gilscope.clean import UNFIT, clean_text
from gilscope.files import write_file

SCHEMA = 2

# The limits of a report; ours have some hundred thousand characters.
SIZE_MAX = 1 << 26
DEPTH_MAX = 100
BITS_MAX = 512
SHOWN_LENGTH = 60

T = TypeVar("T")


Form = Literal["text", "full text", "markdown", "fragment", "page"]


class Shown:
    """What shows itself; a base of dataclasses. The types know no renderer."""

    def __str__(self) -> str:
        """Return it as text for a terminal."""
        render = _renderers.get(type(self))
        return repr(self) if render is None else render(self, "text")

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows."""
        render = _renderers.get(type(self))
        return None if render is None else render(self, "fragment")

    def explain(self) -> str:
        """Return as text all that was found, and why."""
        return _renderers[type(self)](self, "full text")

    def to_markdown(self) -> str:
        """Return it as Markdown, for the summary of a job or a comment."""
        return _renderers[type(self)](self, "markdown")

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return it as one HTML file, and write it if a path is given."""
        text = _renderers[type(self)](self, "page")
        if path is not None:
            write_file(path, text)
        return text


class Record(Shown):
    """What can be written as JSON, too."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON knows: dicts, lists, strings, numbers."""
        content = {"schema": SCHEMA, **dataclasses.asdict(self)}  # type: ignore[call-overload]
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return it as JSON, and write that to the file if one is given.

        What no terminal should get is written escaped.
        """
        text = format_json(self.to_dict())
        if path is not None:
            write_file(path, text)
        return text


def format_json(content: dict[str, Any]) -> str:
    """Return what a file of JSON has; what no terminal should get is escaped."""

    def escape(found: re.Match[str]) -> str:
        character = found.group()
        return character if character == "\n" else json.dumps(character)[1:-1]

    text = json.dumps(content, indent=2, ensure_ascii=False)
    return UNFIT.sub(escape, text) + "\n"


_renderers: dict[type, Callable[[Any, Form], str]] = {}


def register_renderer(kind: type[T], render: Callable[[T, Form], str]) -> None:
    """Say how results of a type show themselves."""
    _renderers[kind] = render


# --- From JSON ------------------------------------------------------------------------


def read_json(source: str | os.PathLike[str]) -> Any:
    """Return what a JSON text, or the file of that path, has.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not JSON, or more than a report may be.
    """
    if isinstance(source, str) and source.lstrip()[:1] in ("{", "["):
        text = source
    else:
        # Some programs put a mark before what is UTF-8.
        with Path(source).open(encoding="utf-8-sig") as file:
            text = file.read(SIZE_MAX + 1)
    if len(text) > SIZE_MAX:
        message = f"report: expected at most {SIZE_MAX:,} characters, got more"
        raise ValueError(message)
    try:
        return json.loads(text, object_pairs_hook=make_object)
    except RecursionError:
        message = f"report: expected at most {DEPTH_MAX} levels, got more"
        raise ValueError(message) from None
    except ValueError as error:
        message = f"report: expected JSON: {error}"
        raise ValueError(message) from error


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON in which no name stands twice."""
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            message = f"{shorten(name)} stands twice in an object"
            raise ValueError(message)
        content[name] = value
    return content


def structure(content: Any, kind: type[T], where: str = "report") -> T:
    """Build a dataclass of the results from what JSON gave.

    Args:
        content: dicts, lists, strings and numbers.
        kind: the dataclass; what it has no field for is left out.
        where: what the content is called in a message.

    Raises:
        ValueError: a field is missing or of a wrong type; the message says which,
            what was expected and what it is.
    """
    built: T = build(content, kind, where)
    return built


def build(content: Any, kind: Any, where: str) -> Any:
    """Return the content as an object of any type that a field may have."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        # Of what may be None: one type, and None.
        return None if content is None else build(content, inside[0], where)
    if dataclasses.is_dataclass(kind):
        check_content(isinstance(content, dict), content, "an object", where)
        return build_dataclass(content, kind, where)
    if origin is tuple:
        check_content(isinstance(content, list | tuple), content, "a list", where)
        kinds = inside[:1] * len(content) if inside[-1] is ... else inside
        if len(content) != len(kinds):
            message = f"{where}: expected {len(kinds)} items, got {len(content)}"
            raise ValueError(message)
        items = enumerate(zip(content, kinds, strict=True))
        return tuple(build(item, one, f"{where}[{i}]") for i, (item, one) in items)
    if origin is Mapping:
        check_content(isinstance(content, dict), content, "an object", where)
        check_plain(content, where)
    elif origin is Literal:
        is_right = isinstance(content, str) and content in inside
        names = ", ".join(map(repr, inside))
        check_content(is_right, content, f"one of {names}", where)
    else:
        accepted, words = PLAIN[kind]
        is_right = isinstance(content, accepted)
        if kind in (int, float):
            is_right = is_right and is_number(content)
        check_content(is_right, content, words, where)
    return float(content) if kind is float else content


def build_dataclass(content: dict[str, Any], kind: Any, where: str) -> Any:
    """Return a dataclass whose fields are all there, or have a default."""
    hints, missing = read_hints(kind), dataclasses.MISSING
    values = {}
    for field in dataclasses.fields(kind):
        name = field.name
        if name in content:
            values[name] = build(content[name], hints[name], f"{where}.{name}")
        elif field.default is missing and field.default_factory is missing:
            message = f"{where}: expected the field {name!r}, got none"
            raise ValueError(message)
    return kind(**values)


PLAIN: dict[Any, tuple[Any, str]] = {
    str: (str, "a text"),
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
    Any: (object, ""),
}
read_hints = functools.cache(typing.get_type_hints)


def is_number(content: Any) -> bool:
    """Return whether it is a number of a size that figures have."""
    if isinstance(content, float):
        return math.isfinite(content)
    return not isinstance(content, bool) and content.bit_length() <= BITS_MAX


def check_content(is_right: bool, content: Any, words: str, where: str) -> None:  # noqa: FBT001 - what is checked.
    """Refuse content that is not right, and say where it is and what was expected."""
    if not is_right:
        message = f"{where}: expected {words}, got {shorten(content)}"
        raise ValueError(message)


def check_plain(content: Any, where: str, depth: int = 0) -> None:
    """Refuse what of anything that JSON may have is no good in a report."""
    if depth > DEPTH_MAX:
        message = f"{where[:SHOWN_LENGTH]}: expected at most {DEPTH_MAX} levels"
        raise ValueError(message)
    if isinstance(content, int | float) and not isinstance(content, bool):
        check_content(is_number(content), content, "a number", where)
    elif isinstance(content, dict):
        for name, item in content.items():
            check_plain(item, f"{where}.{shorten(name)}", depth + 1)
    elif isinstance(content, list | tuple):
        for place, item in enumerate(content):
            check_plain(item, f"{where}[{place}]", depth + 1)


def shorten(content: Any) -> str:
    """Return what was got, on one line that is not too long."""
    if isinstance(content, int) and content.bit_length() > BITS_MAX:
        return f"an integer of {content.bit_length()} bits"
    text = clean_text(repr(content), keep="")
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}..."
