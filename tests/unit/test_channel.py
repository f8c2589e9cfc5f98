"""What one process tells another arrives whole, or not at all, whatever is between."""

import itertools
import json
import math
import random
import select
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilscope.channel import BITS_MAX, DEPTH_MAX, Reader, encode, make_lines
from gilscope.model import Controls, Evidence

KEY = b"k" * 32
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**BITS_MAX) + 1, 2**BITS_MAX - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


def read(*chunks: bytes) -> list[Any]:
    """Return the messages that a reader makes of these bytes."""
    reader = Reader(KEY)
    return [message for chunk in chunks for message in reader.feed(chunk)]


def write(*values: Any) -> list[bytes]:
    """Return the lines of these messages, in the order in which they are written."""
    numbers = itertools.count()
    return [line for value in values for line in make_lines(KEY, numbers, value)]


# --- What can be sent -----------------------------------------------------------------


@given(PLAIN)
def test_what_json_knows_arrives_as_it_was(value: Any) -> None:
    """Text, numbers, lists and dicts, however they are nested."""
    assert read(*write(value)) == [value]


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
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (b"raw", "b'raw'"),
        ({1, 2}, "{1, 2}"),
        (Odd(), "<Odd>"),
        (10**5000, "<int>"),
        ("a\ud800b", "a\\ud800b"),
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


def test_what_is_nested_too_deeply_is_refused() -> None:
    """One that contains itself, too, and long before the stack is used up."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=f"at most {DEPTH_MAX} levels"):
        encode(endless)


def test_replacing_what_json_has_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The child's end calls none of it."""
    for name in ("dumps", "JSONEncoder"):
        monkeypatch.setattr(json, name, None)
    monkeypatch.setattr("json.encoder.JSONEncoder.encode", None)
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert encode({"a": [1.5, "x"]}) == '{"a":[1.5,"x"]}'


# --- What else may be in the pipe -----------------------------------------------------


def test_each_write_is_one_that_nobody_can_come_between() -> None:
    """The system writes so much at once; a long message is many of these."""
    lines = write("x" * 100_000)
    assert len(lines) > 20
    assert max(map(len, lines)) <= select.PIPE_BUF


@given(st.lists(PLAIN, max_size=4), st.data())
def test_bytes_between_the_lines_are_left_out(values: list[Any], data: Any) -> None:
    """Whatever it is, and wherever the reader's chunks end."""
    stream = b"".join(
        data.draw(st.binary(max_size=30)) + line for line in write(*values)
    )
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    edges = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[a:b] for a, b in itertools.pairwise(edges))) == values


def test_a_forged_end_is_no_message() -> None:
    """Nor is one with another key, or one that was sent before."""
    (real,) = write("real")
    (forged,) = make_lines(b"other" * 6, itertools.count(), "forged")
    assert read(b'\n{"event":"end","status":"ok"}\n', forged, real, real) == ["real"]


def test_an_unfinished_line_is_none_yet() -> None:
    """The rest of a line that is being written comes later, and belongs to it."""
    (line,) = write("whole")
    for cut in range(1, len(line)):
        assert read(line[:cut]) == []
        assert read(line[:cut], line[cut:]) == ["whole"]


def test_what_somebody_else_wrote_is_counted() -> None:
    """Its beginning is kept, however much it is and whether its lines end."""
    reader = Reader(KEY)
    chunks = [b"x" * 10_000] * 50
    assert [message for chunk in chunks for message in reader.feed(chunk)] == []
    assert reader.n_stray_bytes > 490_000
    assert len(reader.stray) < 1000
    assert [*reader.feed(b"".join(write("still")))] == ["still"]


@pytest.mark.nightly
def test_a_flood_of_damage_never_makes_a_message() -> None:
    """Random bytes, cut, doubled and swapped lines: what arrives was sent, in order."""
    source = random.Random(1)
    for _ in range(20_000):
        values = [source.randbytes(source.randrange(9)).hex() for _ in range(5)]
        lines = write(*values)
        damaged = []
        for line in lines:
            kind = source.randrange(6)
            damaged += {
                0: [line[: source.randrange(len(line))]],
                1: [line, line],
                2: [source.randbytes(50), line],
                3: [bytes(byte ^ (source.random() < 0.02) for byte in line)],
            }.get(kind, [line])
        found = read(b"".join(damaged))
        assert found == values[: len(found)]
