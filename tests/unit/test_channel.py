"""What one process tells another arrives whole, or not at all, whatever is between."""

import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilscope.channel import Mailbox, encode
from gilscope.model import Controls, Evidence
from gilscope.record import BITS_MAX

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**BITS_MAX) + 1, 2**BITS_MAX - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)

# Bytes, and what would be a message if it had the key.
GARBAGE = st.binary(max_size=60) | st.sampled_from([b'key "forged"\n', b" 1\n2 3"])


# --- What can be sent -----------------------------------------------------------------


@given(PLAIN)
def test_what_json_knows_arrives_as_it_was(value: Any) -> None:
    """Text, numbers, lists and dicts, however they are nested."""
    assert json.loads(encode(value)) == value


class Text(str):
    """A string that says something else of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"


class Number(int):
    """An integer without a repr()."""

    def __repr__(self) -> str:
        raise ValueError


class Pair(NamedTuple):
    """A tuple with names."""

    first: int
    second: int


class Odd:
    """Nothing that can be written, not even as text."""

    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Text("x"), "x"),
        (Number(7), 7),
        (True, True),
        (Pair(1, 2), [1, 2]),
        ((1, (2,)), [1, [2]]),
        ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
        (b"raw", "b'raw'"),
        ({1, 2}, "{1, 2}"),
        (Odd(), "<Odd>"),
        (Controls(Evidence(), Evidence(), Evidence(), told_apart=True, reason=""), ...),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_arrives_as_the_nearest(value: Any, expected: Any) -> None:
    """Subclasses as what they are, what has no form as text, a dataclass as a dict."""
    found = json.loads(encode(value))
    if expected is ...:
        assert found["told_apart"] is True
        assert found["releaser"]["n_calls"] == 0
    else:
        assert found == expected
        assert type(found) is type(expected)


def test_replacing_what_json_has_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child's end calls none of it."""
    for name in ("dumps", "JSONEncoder"):
        monkeypatch.setattr(json, name, None)
    for name in ("encode", "iterencode"):
        monkeypatch.setattr(f"json.encoder.JSONEncoder.{name}", None)
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert encode({"a": [1.5, "x"]}) == '{"a":[1.5,"x"]}'


# --- What arrives ---------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["proc", "fifo"])
def mailbox(request, monkeypatch):
    """Return one whose name is in /proc, and one where there is none."""
    if not request.param:
        monkeypatch.setattr("os.getpid", lambda: 0)
    elif sys.platform != "linux":
        pytest.skip("there is no /proc")
    found = Mailbox()
    yield found
    found.close()
    assert not Path(found.name).exists()


def post(mailbox: Mailbox, content: bytes) -> list[Any]:
    """Return the messages that are whole when this was written, too."""
    with Path(mailbox.name).open("wb") as file:
        file.write(content)
    return mailbox.read()


def make_line(mailbox: Mailbox, value: Any) -> bytes:
    """Return what a child writes."""
    return f"\n{mailbox.key} {encode(value)}\n".encode()


def test_messages_arrive_in_order_whatever_is_between(mailbox: Mailbox) -> None:
    values = ["a", [1, {"b": None}], "\n", ""]
    between = [b"", b"garbage \xff", b'"forged"\n', mailbox.key.encode() + b" {"]
    lines = [make_line(mailbox, value) for value in values]
    content = b"".join(map(bytes.__add__, between, lines))
    assert post(mailbox, content) == values


@given(st.lists(GARBAGE, max_size=9), st.integers(1, 80))
def test_no_bytes_make_a_message_or_spoil_one(
    mailbox: Mailbox, between: list[bytes], n_bytes: int
) -> None:
    """However they are cut as they arrive."""
    content = b"".join(
        garbage + make_line(mailbox, place) for place, garbage in enumerate(between)
    )
    cuts = range(0, len(content), n_bytes)
    arrived = [post(mailbox, content[cut : cut + n_bytes]) for cut in cuts]
    assert [message for one in arrived for message in one] == [*range(len(between))]


def test_what_is_no_number_arrives_as_text(mailbox: Mailbox) -> None:
    """No figure is made of it."""
    line = make_line(mailbox, [math.nan, -math.inf, 1.5])
    assert post(mailbox, line) == [["NaN", "-Infinity", 1.5]]


def test_an_unfinished_line_is_none_yet(mailbox: Mailbox) -> None:
    """The rest of a line that is being written comes later, and belongs to it."""
    line = make_line(mailbox, "whole")
    for cut in range(1, len(line)):
        assert post(mailbox, line[:cut]) == []
        assert post(mailbox, line[cut:]) == ["whole"]
