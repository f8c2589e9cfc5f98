"""`gilscope compare` and `gilscope measure`: statements of one's own."""

import json
import subprocess
import sys

import pytest

from compare.statements import ComparedCall, compute_speed, summarize_calls
from gilscope.measurement import ParallelRow, SizeRow
from gilscope.stats import Figure
from gilscope.timing.calls import Wall
from gilscope.timing.rounds import MeasuredSubject, Side
from tests.unit.sample_reports import make_check


def run(*arguments, cwd):
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "gilscope", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_statements_are_compared_with_what_is_here(tmp_path):
    """One whose answer is another makes it exit status 1; the README has one of 0."""
    (tmp_path / "own.py").write_text("def add(n):\n    return sum(range(n))\n")
    calls = {"own.add(3)": "", "3.0": "answer: expected int, got float"}
    done = run("compare", "-s", "import own", "--json", "-", *calls, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert {call["name"]: call["difference"] for call in found["calls"]} == calls
    for call in found["calls"]:
        assert call["row"]["alone_s"]["value"] > 0
        assert call["row"]["parallel"][0]["speedup"]["value"] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compare", "1"), "expected two statements or more, got 1"),
        (("compare", "1", "1 / 0"), "in the statement, '1 / 0': ZeroDivision"),
        (("compare", "1", "import os; os.abort()"), "ended with SIGABRT"),
        (("compare", "--timeout", "1s", "1", "while True: pass"), "had not ended aft"),
        (("measure", "1 / 0"), "in the statement, '1 / 0': ZeroDivisionError"),
        (("measure", "pass", "--held", "1 / 0"), "in --held, '1 / 0': ZeroDivision"),
        # Neither has a frame of its own: the function is called without one.
        (("measure", "int('x')"), "in the statement, \"int('x')\": ValueError"),
        (
            ("measure", "--held", "int('{size}x')", "--size", "3", "'{size}'"),
            "in --held, \"int('3x')\": ValueError",
        ),
        (("measure", "import os; os._exit(0)"), "ended the process with exit status 0"),
        (("measure", "import os; os.abort()"), "the statement ended with SIGABRT"),
        (("measure", "--size", "1,2", "1"), "expected {size} in the statement or the"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path, arguments, words):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_statement_is_measured_by_size(tmp_path):
    (tmp_path / "own.py").write_text("import hashlib\n")
    done = run(
        *("measure", "-s", "import own; d = bytes({size})", "--size", "1000,300000"),
        *("--threads", "1,2", "--json", "m.json", "own.hashlib.sha256(d)"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    small, large = json.loads((tmp_path / "m.json").read_text())["rows"]
    assert (small["size"], large["size"]) == (1000, 300_000)
    assert small["check"]["verdict"] in ("holds", "inconclusive")
    assert large["check"]["verdict"] in ("releases", "inconclusive")
    assert [row["threads"] for row in large["parallel"]] == [1, 2]
    assert large["parallel"][1]["process_speedup"] is not None
    assert "1,000" in done.stdout


ONE, TWICE, WIDE = (Figure(*ends) for ends in ((1, 1, 1), (2, 1.9, 2.1), (2, 0.5, 3)))


def make_call(name, speed, speedup, difference=""):
    """Return one statement of a comparison."""
    pair = ParallelRow(2, 1.0, speedup, speedup, "parallel", 2.0)
    row = SizeRow(None, ONE, (pair,))
    return ComparedCall(name, difference, make_check(), row, speed)


FAST, THIRD = Figure(5, 4.9, 5.1), make_call("c", Figure(2, 1.8, 2.2), ONE)


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        (
            [make_call("a", ONE, ONE), make_call("b", TWICE, TWICE)],
            ("b is 2.00x as fast as a alone", "b is the only one that gains"),
        ),
        (
            [make_call("a", ONE, TWICE), make_call("b", WIDE, TWICE)],
            ("no difference seen in their time", "all of them gain"),
        ),
        (
            [make_call("a", ONE, ONE), make_call("b", ONE, WIDE)],
            ("no difference seen in their time", "whether b gains"),
        ),
        (
            [make_call("a", ONE, WIDE), make_call("b", ONE, TWICE), THIRD],
            ("c is", "whether a gains from a second thread could not be told, b does"),
        ),
        (
            [make_call("a", ONE, ONE), make_call("b", ONE, ONE)],
            ("no difference seen in their time", "none of them gains"),
        ),
        # Beside the next fastest, which is the choice that there is.
        (
            [make_call("a", ONE, ONE), make_call("b", FAST, ONE), THIRD],
            ("b is 2.50x as fast as c alone", "none of them gains"),
        ),
        (
            [make_call("a", ONE, ONE), make_call("b", TWICE, ONE), THIRD],
            ("no difference seen between b and c, the fastest alone", "none of"),
        ),
        (
            [make_call("a", ONE, ONE), make_call("b", TWICE, ONE, "x")],
            ("the answers differ: b from a",),
        ),
    ],
)
def test_the_summary_says_what_the_ranges_bear(calls, words):
    found = summarize_calls(calls).split("; ")
    assert len(found) == len(words)
    for part, begin in zip(found, words, strict=True):
        assert part.startswith(begin)


@pytest.mark.parametrize(
    ("verdict", "processes", "words"),
    [
        ("releases", ONE, "no second core was free"),
        ("releases", TWICE, "none of them gains"),
        ("holds", ONE, "none of them gains"),
    ],
)
def test_nothing_gained_is_no_answer_without_a_second_core(verdict, processes, words):
    """But where the GIL is held, a second core would gain nothing either."""
    pair = ParallelRow(2, 1.0, ONE, ONE, "parallel", 2.0, process_speedup=processes)
    row = SizeRow(None, ONE, (pair,))
    call = ComparedCall("a", "", make_check(verdict), row, ONE)
    assert f"; {words}" in summarize_calls([call, call])


def test_a_speed_is_of_the_rounds_that_both_have():
    """A statement whose figures are unclear is measured again without the others."""
    subjects = [MeasuredSubject(None), MeasuredSubject(None)]
    for subject, seconds in zip(subjects, ([6.0] * 6, [3.0] * 6 + [9.0]), strict=True):
        subject.rounds = [Side(1, Wall(each, each, each, each)) for each in seconds]
    assert compute_speed(*subjects) == Figure(2.0, 2.0, 2.0)
    assert compute_speed(*subjects[::-1]) == Figure(0.5, 0.5, 0.5)
