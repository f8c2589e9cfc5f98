"""What the help of each command offers to try."""

import shlex

import pytest

from gilscope.cli import EXAMPLES, make_parser


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_help_is_a_command_that_can_be_copied(name):
    """It is understood, and stands in one line of a narrow terminal."""
    line = f"gilscope {name} {EXAMPLES[name]}"
    assert make_parser(name).parse_args(shlex.split(line)[1:]).run
    assert len(f"try: {line}") <= 80


@pytest.mark.parametrize(
    ("words", "near"),
    [("check --min-fractoin 1 x", "--min-fraction"), ("run --quik", "--quick")],
)
def test_an_unknown_option_is_answered_by_the_near_one(words, near, capsys):
    command, *_ = arguments = words.split()
    with pytest.raises(SystemExit) as ended:
        make_parser(command).parse_args(arguments)
    assert ended.value.code == 2
    assert f"did you mean {near}?" in capsys.readouterr().err
