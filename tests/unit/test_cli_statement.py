"""An error in a statement of the command line: where it was, and what may help."""

import pytest

from gilscope.probe.statement import bind_statement, describe_error


def run(sources: dict[str, str]) -> Exception:
    names: dict[str, object] = {}
    try:
        for name, text in sources.items():
            exec(compile(text, name, "exec"), names)
    except Exception as error:
        return error
    pytest.fail("nothing was raised")


@pytest.mark.parametrize(
    ("statement", "setup", "where", "hint"),
    [
        ("1 +", "pass", "in the statement, '1 +': SyntaxError: ", ""),
        ("a()\n1 +", "pass", "in the statement, line 2, '1 +': SyntaxError: ", ""),
        ("pass", "x = 1\nimport nope", "in the setup, line 2, 'import nope': Mod", ""),
        ("pass", "1 / 0", "in the setup, '1 / 0': ZeroDivisionError: ", ""),
        (
            "zlib.crc32(b'')",
            "pass",
            "in the statement, \"zlib.crc32(b'')\": NameError: ",
            "-s 'import zlib'",
        ),
        ("f(1)", "pass", "in the statement, 'f(1)': NameError: ", "-s 'f = ...'"),
        ("int('x')", "pass", "in the statement, \"int('x')\": ValueError: ", ""),
        ("def f():\n    raise KeyError\nf()", "pass", "in the statement, line 2, ", ""),
    ],
)
def test_an_error_says_where_it_was(statement, setup, where, hint) -> None:
    sources = {"<setup>": setup, "<statement>": statement}
    text = describe_error(run(sources), sources)
    assert text.startswith(where)
    assert text.endswith(hint)
    assert ("-s '" in text) == bool(hint)
    assert "\n" not in text


def test_an_error_of_syntax_points_at_the_part() -> None:
    sources = {"<statement>": "imprt os"}
    assert describe_error(run(sources), sources).endswith("(at 'os')")


def test_an_error_of_the_function_that_is_called_names_the_statement() -> None:
    text = describe_error(ValueError("x"), {"<setup>": "pass", "<statement>": "f()"})
    assert text == "in the statement, 'f()': ValueError: x"


def test_an_error_from_elsewhere_has_no_place() -> None:
    assert describe_error(ValueError("x"), {"<setup>": "pass"}) == "ValueError: x"


def test_notes_of_an_error_follow_it() -> None:
    error = ValueError("x")
    error.add_note("y")
    assert describe_error(error, {}) == "ValueError: x; y"


def test_what_the_setup_made_lives_as_long_as_the_call() -> None:
    """A folder, or the file that a lock is on, may have no other name in the call."""
    setup = "import io, weakref; file = io.BytesIO(); alive = weakref.ref(file)"
    assert bind_statement("alive()", setup).call() is not None
